"""The clock of the domain's instants.

The stepped clock stands still until its file is replaced; it lets a whole deployment live through a past week. Tokens,
deadlines, back-off and Kafka use real time and never this.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Clock = Callable[[], datetime]


def real_clock() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def clock_from(spec: str) -> Clock:
    """The clock that a setting names: "" is the real one, `file:/path` the stepped one.

    The file holds one RFC 3339 instant with an offset and is replaced atomically by whoever steps the clock.
    Raises ValueError for another spec, and at every reading for a file that holds anything else.
    """
    if not spec:
        return real_clock
    scheme, _, path = spec.partition(":")
    if scheme != "file" or not path:
        raise ValueError(f'a clock is "" or "file:/path", not {spec!r}')
    file = Path(path)
    return lambda: stepped(file)


def stepped(path: Path) -> datetime:
    """The instant at which the stepped clock stands, in UTC."""
    instant = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
    if instant.tzinfo is None:
        raise ValueError(f"the clock file {path.name} holds an instant without an offset")
    return instant.astimezone(UTC)


def step(path: Path, to: datetime) -> None:
    """Moves the stepped clock; readers see the old instant or the new one, never half of it."""
    if to.tzinfo is None:
        raise ValueError("an instant has an offset")
    fresh = path.with_name(path.name + ".next")
    fresh.write_text(to.astimezone(UTC).isoformat(), encoding="ascii")
    fresh.replace(path)
