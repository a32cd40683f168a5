"""Closing days: when a window's end passes, every planned date is computed; a day without a single read is a day."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from chassis.clock import Clock
from chassis.jobs import each_for_itself

CHUNK = 200
# Zones lie hours apart: what is open still is closed within an hour of its end.
LATER = timedelta(hours=1)

Compute = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class CloseDays:
    """Computes the dates whose window has ended, in chunks of one transaction each; a second run finds nothing to do."""

    begin: Callable[[], AbstractAsyncContextManager[Any]]
    compute: Compute
    clock: Clock

    async def __call__(self) -> int:
        """Computes one chunk; returns how many dates it looked at, 0 when all are done. A date that fails stays due."""
        now = self.clock()
        async with self.begin() as work:
            due: Sequence[tuple[str, date]] = await work.days.due(now, CHUNK)
        if due:
            await each_for_itself(partial(self._close, now), due)
        return len(due)

    async def _close(self, now: datetime, due: Sequence[tuple[str, date]]) -> None:
        dates: dict[str, set[date]] = {}
        for servant, day in due:
            dates.setdefault(servant, set()).add(day)
        async with self.begin() as work:
            await work.lock_servants(dates)
            await self.compute(work, dates=dates)
            # A window is open still where a zone came to be known after its end was reckoned.
            await work.days.look_again(due, now, now + LATER)
