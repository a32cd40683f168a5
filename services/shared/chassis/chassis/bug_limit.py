"""When a program fails at too much of what it reads, it must stop: a parking lot is for exceptions, not for a topic."""

import time
from collections import deque
from collections.abc import Callable


class TooManyBugs(Exception):
    """The consumer stops: more was given up for a bug than exceptions explain. Nothing of the group is acknowledged."""


class BugLimit:
    """Counts what came and what failed for a bug over the last `window_s` seconds.

    More than `share` of the weight, and at least `at_least`, is too much. The least number lets a quiet night with
    one bad message go on; a program that fails at everything stops in its first full group, before any is parked.
    """

    def __init__(
        self, share: float = 0.05, at_least: int = 20, window_s: float = 300.0, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._share = share
        self._at_least = at_least
        self._window_s = window_s
        self._elapsed = elapsed
        self._groups: deque[tuple[float, int]] = deque()
        self._bugs: deque[tuple[float, int]] = deque()

    def came(self, weight: int) -> None:
        """A group of that weight is about to be applied."""
        self._groups.append((self._elapsed(), weight))
        self._forget()

    def bug(self, weight: int) -> None:
        """That much of the group failed for a bug; raises TooManyBugs."""
        self._bugs.append((self._elapsed(), weight))
        self._forget()
        bugs, came = sum(each for _, each in self._bugs), sum(each for _, each in self._groups)
        if bugs >= self._at_least and bugs > self._share * came:
            raise TooManyBugs(f"{bugs} of {came} failed for a bug within {self._window_s:.0f} s")

    def _forget(self) -> None:
        since = self._elapsed() - self._window_s
        for entries in (self._groups, self._bugs):
            while entries and entries[0][0] < since:
                entries.popleft()
