"""How much is taken at once: a bucket of tokens for each sender, which fills steadily and is never fuller than full.

What came is paid for when it is known how much it was. So a bucket may be in debt, and whoever has something left may always
send once: a terminal that uploads more than its bucket holds is not refused for ever, it waits a little longer afterwards. The
debt is never more than the bucket holds: whatever came, its sender is heard again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_BUCKETS = 20_000
"""Senders that are remembered: beyond this the full buckets are forgotten, which changes nothing for their owners."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second for ever, and so many at once after a rest."""

    per_second: float
    at_once: float


class Buckets:
    """The buckets of all senders of a kind; `now` gives seconds."""

    def __init__(self, rate: Rate, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._now = rate, now
        self._held: dict[str, tuple[float, float]] = {}

    def wait_s(self, sender: str) -> float:
        """How many seconds the sender is to wait before it may send again: 0 where it has something left."""
        missing = 1.0 - self._tokens(sender)
        return max(0.0, missing / self._rate.per_second)

    def spend(self, sender: str, records: int = 1) -> None:
        """Takes so many tokens, into debt where there are not as many."""
        left, now = self._tokens(sender) - records, self._now()
        if len(self._held) >= MOST_BUCKETS:
            self._forget_full()
        self._held[sender] = max(left, -self._rate.at_once), now

    def _tokens(self, sender: str) -> float:
        held = self._held.get(sender)
        if held is None:
            return self._rate.at_once
        tokens, at = held
        return min(self._rate.at_once, tokens + (self._now() - at) * self._rate.per_second)

    def _forget_full(self) -> None:
        self._held = {sender: held for sender, held in self._held.items() if self._tokens(sender) < self._rate.at_once}
        if len(self._held) >= MOST_BUCKETS:  # as many senders as that, none at rest: from many addresses at once
            self._held.clear()
