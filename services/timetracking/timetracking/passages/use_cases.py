"""Recording passages: facts are stored once, and every day they touch becomes due in the same transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from chassis.clock import Clock
from kernel.faults import WrongState
from lawbook import Lawbook

from timetracking.accounts.use_cases import Place
from timetracking.devices.domain import EPOCH, SECOND
from timetracking.passages.domain import BadgeKey, Passage, PassageKey

OLDEST, AHEAD = "passages/oldest", "passages/ahead"
# A month is there some weeks before its first passage, however long the process that makes it may be away.
AHEAD_OF_PASSAGES = timedelta(days=28)


class Passages(Protocol):
    """The passages as a transaction sees them."""

    async def store(self, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Stores what is new and returns it."""

    async def count(self, passages: Sequence[Passage], fresh: Sequence[Passage], again: Sequence[bool]) -> None:
        """Counts the fresh ones as stored and the others as repeated, but those that were counted before, by device and day."""


class Devices(Protocol):
    """The enrolled devices."""

    async def instant(self, device: str, event_key: str, wall_time: datetime, sent_offset: int | None) -> int | None:
        """When something happened by the device's time policy; None where neither that nor the zone of its body is known."""


class Recorded(Protocol):
    """What was recorded of the topics of passages."""

    async def again(self, places: Sequence[Place]) -> Sequence[bool]:
        """For each passage of these messages whether it was accounted for before; () if none was. From here on all are recorded."""


class DueReads(Protocol):
    """The reads from which days are to be computed."""

    async def ask_reads(self, read: Mapping[tuple[BadgeKey, date], datetime | None], *, late: bool) -> None:
        """Asks for the days of whoever holds these badges, as far as they follow from reads on these dates as sent.

        Each says when the first such read was received, None where nobody waits for it.
        """


class Months(Protocol):
    """The months for which there is a place to store passages in."""

    async def make(self, wall_times: Collection[datetime]) -> int:
        """Makes the months of these wall times as far as they are missing; returns how many were looked for, 0 when all are known."""


class Work(Protocol):
    """A transaction in which passages are recorded."""

    @property
    def passages(self) -> Passages: ...
    @property
    def devices(self) -> Devices: ...
    @property
    def recorded(self) -> Recorded: ...
    @property
    def due_reads(self) -> DueReads: ...


Begin = Callable[[], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True, slots=True)
class RecordPassages:
    """Stores passages and says which days follow from them, in one transaction. Any order and any repetition end the same.

    The facts are safe with it, and the days come a moment later (`ComputeDueReads`): so a gate's rush, a region's backlog and
    one servant's stuck card are stored at the same speed, and a day of which ten facts wait is computed once.
    """

    begin: Begin
    lawbook: Lawbook
    months: Months
    recorded: Callable[[], None] = lambda: None
    """Is called when there is something to compute."""

    async def __call__(self, passages: Sequence[Passage], *, late: bool = False, places: Sequence[Place] = ()) -> Sequence[Passage]:
        """Returns those that were new; days that follow from `late` ones wait for those of the others.

        `places` are those of the messages that held them, so that what is delivered again is not counted again. Raises
        WrongState IMPOSSIBLE_TIME where a wall time is too far from its receipt: it is parked until a time policy says more.
        """
        possible = PossibleTimes(self.lawbook)
        await self._refuse_impossible_times([each for each in passages if not possible.hold(each)], possible)
        await self.months.make([passage.wall_time for passage in passages])
        async with self.begin() as work:
            fresh: Sequence[Passage] = await work.passages.store(passages)
            await work.due_reads.ask_reads(_wished(fresh, _sent_again(passages, places)), late=late)
            await work.passages.count(passages, fresh, await work.recorded.again(places))
        if fresh:
            self.recorded()
        return fresh

    async def _refuse_impossible_times(self, doubted: Sequence[Passage], possible: "PossibleTimes") -> None:
        """What is not to be believed as it was sent may be so by its device's time policy."""
        if not doubted:
            return
        async with self.begin() as work:
            for each in doubted:
                at = await work.devices.instant(each.device, each.event_key, each.wall_time, each.utc_offset)
                if at is None or not possible.at(at, each.received_at):
                    wall_time = each.wall_time.isoformat()
                    raise WrongState("IMPOSSIBLE_TIME", device=each.device, wallTime=wall_time, receivedAt=each.received_at)


def _sent_again(passages: Sequence[Passage], places: Sequence[Place]) -> Collection[PassageKey]:
    """Those that come out of the parking lot."""
    if not any(place.parked_record for place in places):
        return ()
    of_record = [place.parked_record is not None for place in places for _ in range(place.passages)]
    return {each.key for each, was_parked in zip(passages, of_record, strict=True) if was_parked}


def _wished(fresh: Sequence[Passage], sent_again: Collection[PassageKey]) -> Mapping[tuple[BadgeKey, date], datetime | None]:
    """The badges and dates that were read, each with when its first passage was received; for one that was parked nobody waits."""
    wished: dict[tuple[BadgeKey, date], datetime | None] = {}
    for each in fresh:
        known = wished.setdefault((each.badge, each.wall_time.date()), None)
        if each.key not in sent_again and (known is None or each.received_at < known):
            wished[each.badge, each.wall_time.date()] = each.received_at
    return wished


@dataclass(frozen=True, slots=True)
class MakeMonthsAhead:
    """Makes the month that is coming before its first passage does: meanwhile nobody has to wait for it."""

    months: Months
    clock: Clock

    async def __call__(self) -> int:
        """Returns how many months were looked for, 0 when all are known."""
        now = self.clock().replace(tzinfo=None)
        return await self.months.make([now, now + AHEAD_OF_PASSAGES])


class PossibleTimes:
    """Which wall times are near enough to their receipt to be believed, by the law of the date of receipt."""

    def __init__(self, lawbook: Lawbook) -> None:
        self._lawbook = lawbook
        self._bounds: dict[date, tuple[float, float]] = {}

    def hold(self, passage: Passage) -> bool:
        """Whether a passage is to be believed as it was sent; one without an offset is compared as if it were UTC."""
        return self.at((passage.wall_time - EPOCH) // SECOND - (passage.utc_offset or 0), passage.received_at)

    def at(self, instant: int, received_at: datetime) -> bool:
        """Whether an instant (seconds since 1970) is near enough to the receipt."""
        on = received_at.date()
        if on not in self._bounds:
            oldest, ahead = (timedelta(days=self._lawbook.require(each, on).value).total_seconds() for each in (OLDEST, AHEAD))
            self._bounds[on] = oldest, ahead
        oldest, ahead = self._bounds[on]
        received = received_at.timestamp()
        return received - oldest <= instant <= received + ahead
