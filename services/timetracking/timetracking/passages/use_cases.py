"""Recording passages: facts are stored once, and every day they touch is derived from the whole set again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from chassis.clock import Clock
from kernel.faults import WrongState
from lawbook import Lawbook

from timetracking.passages.domain import Passage

OLDEST, AHEAD = "passages/oldest", "passages/ahead"
# A month is there some weeks before its first passage, however long the process that makes it may be away.
AHEAD_OF_PASSAGES = timedelta(days=28)


class Passages(Protocol):
    """The passages as a transaction sees them."""

    async def holders(self, passages: Sequence[Passage]) -> Collection[str]:
        """The servants whose reads the passages may be, whatever their devices' time policies make of the wall times."""

    async def store(self, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Stores what is new and returns it."""

    async def count(self, passages: Sequence[Passage], fresh: Sequence[Passage]) -> None:
        """Counts the fresh ones as stored and the others as repeated, for the devices and their days."""

    async def instants(self, passages: Sequence[Passage]) -> Mapping[str, Collection[int]]:
        """The instants of the reads that the passages are for their holders; unknown badges and devices have none."""


class Months(Protocol):
    """The months for which there is a place to store passages in."""

    async def make(self, wall_times: Collection[datetime]) -> int:
        """Makes the months of these wall times as far as they are missing; returns how many were looked for, 0 when all are known."""


class Work(Protocol):
    """A transaction in which passages are recorded."""

    @property
    def passages(self) -> Passages:
        """The passages."""

    async def hold_settings(self) -> None:
        """Waits for a change of device settings at work, and keeps others from beginning one: it must not race with its reads."""

    async def lock_badges(self, badges: Collection[tuple[str, str]]) -> None:
        """Waits for the badges and holds them: an assignment must not race with its passages."""

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""


Begin = Callable[[], AbstractAsyncContextManager[Any]]
Compute = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class RecordPassages:
    """Stores passages and computes the days they touch, in one transaction. Any order and any repetition end the same."""

    begin: Begin
    compute: Compute
    lawbook: Lawbook
    months: Months

    async def __call__(self, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Returns those that were new.

        Raises WrongState IMPOSSIBLE_TIME where a wall time is too far from its receipt: it is parked until a time policy says more.
        """
        for passage in passages:
            self._refuse_impossible_time(passage)
        badges = {passage.badge for passage in passages}
        await self.months.make([passage.wall_time for passage in passages])
        async with self.begin() as work:
            # All locks before the first write: the order of events is the order of transactions.
            await work.hold_settings()
            await work.lock_badges(badges)
            await work.lock_servants(await work.passages.holders(passages))
            fresh: Sequence[Passage] = await work.passages.store(passages)
            if fresh:
                await self.compute(work, instants=await work.passages.instants(fresh))
            await work.passages.count(passages, fresh)
        return fresh

    def _refuse_impossible_time(self, passage: Passage) -> None:
        if not possible_time(passage, self.lawbook):
            raise WrongState(
                "IMPOSSIBLE_TIME",
                device=passage.device,
                wallTime=passage.wall_time.isoformat(),
                receivedAt=passage.received_at,
            )


@dataclass(frozen=True, slots=True)
class MakeMonthsAhead:
    """Makes the month that is coming before its first passage does: meanwhile nobody has to wait for it."""

    months: Months
    clock: Clock

    async def __call__(self) -> int:
        """Returns how many months were looked for, 0 when all are known."""
        now = self.clock().replace(tzinfo=None)
        return await self.months.make([now, now + AHEAD_OF_PASSAGES])


def possible_time(passage: Passage, lawbook: Lawbook) -> bool:
    """Whether the wall time is near enough to its receipt to be believed; one without an offset is compared as if it were UTC."""
    on = passage.received_at.date()
    oldest, ahead = (timedelta(days=lawbook.require(each, on).value) for each in (OLDEST, AHEAD))
    received = passage.received_at.astimezone(UTC).replace(tzinfo=None) + timedelta(seconds=passage.utc_offset or 0)
    return received - oldest <= passage.wall_time <= received + ahead
