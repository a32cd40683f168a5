"""What happens again and again is said now and then: whoever knocks a thousand times a second does not fill the log."""

import time
from collections.abc import Callable

SAID_EVERY_S = 60.0
MOST_KNOWN = 10_000


class Rarely:
    """Says of each kind of thing at most once a minute that it happened, and how often it was passed over since."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._said: dict[tuple[str, ...], tuple[float, int]] = {}

    def again(self, *kind: str) -> int | None:
        """Returns how often this kind was passed over since it was last said, or None where it is to be passed over now."""
        now = self._now()
        held = self._said.get(kind)
        if held is not None and now - held[0] < SAID_EVERY_S:
            self._said[kind] = held[0], held[1] + 1
            return None
        if held is None and len(self._said) >= MOST_KNOWN:
            self._said.clear()
        self._said[kind] = now, 0
        return 0 if held is None else held[1]
