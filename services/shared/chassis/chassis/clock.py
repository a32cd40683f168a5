"""The clock of the domain's instants.

The stepped clock stands still until its file is replaced; it lets a whole deployment live through a past week. Tokens,
deadlines, back-off and Kafka use real time and never this.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Clock = Callable[[], datetime]


class WrongClock(ValueError):
    """A setting names no clock, or its file holds no instant; `right` says what would be right, without the setting."""

    def __init__(self, what: str) -> None:
        self.right = f'a clock is "" (the real one) or file:/path of a file with an RFC 3339 instant and its offset; {what}'
        super().__init__(self.right)


def real_clock() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def clock_from(spec: str) -> Clock:
    """The clock that a setting names: "" is the real one, `file:/path` the stepped one.

    The file holds one RFC 3339 instant with an offset and is replaced atomically by whoever steps the clock.
    Raises WrongClock for another spec, and at every reading for a file that is not there or holds anything else.
    """
    if not spec:
        return real_clock
    scheme, _, path = spec.partition(":")
    if scheme != "file" or not path:
        raise WrongClock("this is neither")
    file = Path(path)
    return lambda: stepped(file)


def stepped(path: Path) -> datetime:
    """The instant at which the stepped clock stands, in UTC."""
    try:
        instant = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise WrongClock(f"the file cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise WrongClock("the file holds something else") from error
    if instant.tzinfo is None:
        raise WrongClock("the file holds an instant without an offset")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise WrongClock("the file holds an instant beyond the calendar") from error


def step(path: Path, to: datetime) -> None:
    """Moves the stepped clock; readers see the old instant or the new one, never half of it."""
    if to.tzinfo is None:
        raise ValueError("an instant has an offset")
    fresh = path.with_name(path.name + ".next")
    fresh.write_text(to.astimezone(UTC).isoformat(), encoding="ascii")
    fresh.replace(path)
