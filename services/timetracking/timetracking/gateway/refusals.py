"""Requests in the names of devices that were refused before anything was read, for the accounts: whoever looks sees who tries."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import structlog
from chassis.delivery import describe

from timetracking.accounts.domain import Refusals
from timetracking.gateway.bookkeeping import Book

log = structlog.get_logger("timetracking.gateway")

TakeRefusals = Callable[[Mapping[tuple[str, str], Refusals]], Awaitable[None]]


class RefusedRequests(Book):
    """The counts that are not written down yet, by device and reason: of enrolled devices alone, whose number is bounded."""

    def __init__(self, take: TakeRefusals) -> None:
        self._take = take
        self._counts: dict[tuple[str, str], Refusals] = {}

    def note(self, device: str, reason: str, at: datetime) -> None:
        """Counts a request in the name of a device."""
        self._add((device, reason), Refusals(1, at))

    async def write(self) -> None:
        """Writes down what was counted; where that fails, it waits for the next time: devices are answered without it."""
        counts, self._counts = self._counts, {}
        if not counts:
            return
        try:
            await self._take(counts)
        except Exception as error:
            for key, each in counts.items():
                self._add(key, each)
            log.warning("counts of refused requests wait", error=describe(error))

    def _add(self, key: tuple[str, str], more: Refusals) -> None:
        held = self._counts.get(key)
        self._counts[key] = more if held is None else Refusals(held.requests + more.requests, max(held.last_at, more.last_at))
