"""Computing what became due: a change of a device's settings or of a body's zone moves reads of many people at once.

The change only says which days are due, in its own transaction; the job computes them in small ones. So the change is
quick however much follows from it, nothing is forgotten if a process dies, and there is one way for few and for many.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from chassis.jobs import each_for_itself

# Days of one transaction, as for the closing job.
CHUNK = 200
# Dates of a device that are spread at once: each holds some thousand reads.
DEVICE_DATES = 10


@dataclass(frozen=True, slots=True)
class DueDay:
    """A day of a servant that is to be computed anew; `id` is the place of the wish."""

    id: int
    servant: str
    date: date


class DueDays(Protocol):
    """What is due, as a transaction sees it."""

    async def dates_are_due(self) -> bool:
        """Whether any date of a device is due."""

    async def spread(self, most: int) -> int:
        """Turns at most so many due dates of devices into due days of those who were read there; how many there were."""

    async def take(self, most: int) -> Sequence[DueDay]:
        """Shows at most so many due days, the longest due first."""

    async def done(self, days: Sequence[DueDay]) -> None:
        """Takes away what was computed; what was asked for meanwhile stays."""


class Work(Protocol):
    """A transaction in which due days are computed."""

    @property
    def due(self) -> DueDays: ...

    async def lock_settings(self) -> None:
        """Waits until nobody derives instants, and holds everyone who wants to."""

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""


Begin = Callable[[], AbstractAsyncContextManager[Any]]
Compute = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class SpreadDueDevices:
    """Finds out whose days follow from the reads of devices, date by date."""

    begin: Begin

    async def __call__(self) -> int:
        """Does one piece; returns how many dates of devices it looked at, 0 when none is due."""
        async with self.begin() as work:
            if not await work.due.dates_are_due():
                return 0
            # Passages that are being recorded were counted as things stood before, and their people are not seen yet.
            await work.lock_settings()
            return int(await work.due.spread(DEVICE_DATES))


@dataclass(frozen=True, slots=True)
class ComputeDueDays:
    """Computes due days, a chunk in a transaction."""

    begin: Begin
    compute: Compute

    async def __call__(self) -> int:
        """Computes one chunk; returns how many days were due, 0 when none was. A day that fails stays due."""
        async with self.begin() as work:
            days: Sequence[DueDay] = await work.due.take(CHUNK)
        if days:
            await each_for_itself(self._compute, days)
        return len(days)

    async def _compute(self, days: Sequence[DueDay]) -> None:
        dates: dict[str, set[date]] = {}
        for each in days:
            dates.setdefault(each.servant, set()).add(each.date)
        async with self.begin() as work:
            await work.lock_servants(dates)
            await self.compute(work, dates=dates)
            await work.due.done(days)
