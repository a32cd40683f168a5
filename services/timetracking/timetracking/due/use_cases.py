"""Computing what became due: passages that were recorded, a change of a device's settings or of a body's zone.

Whoever changes facts only says what is due, in the transaction of the change; here it is computed in small ones. So the
change is quick however much follows from it, nothing is forgotten if a process dies, and there is one way for few and for
many: where much waits, a day that ten facts have touched is computed once.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from chassis.jobs import each_for_itself, passes
from chassis.stream_traces import going_on
from chassis.supervision import REST

from timetracking.passages.domain import BadgeKey, Held

P = TypeVar("P")

# Days of one transaction, as for the closing job.
CHUNK = 200
# Badges whose days share a transaction: with their holders they stay below the locks that it may take. After an outage each has
# many dates: so many in all are computed well within the time that a transaction has.
BADGES, BADGE_DATES = 400, 600
# Badges of late reads that are computed after each piece of live ones: while both wait, each goes on, and no live one waits long.
BESIDE = 60
# So often one that waits apart is tried by a process whatever else waits, and so long none is after a failure, or REST times as long
# as it took.
APART_EVERY_S = 5.0
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

    async def spread(self, most: int) -> int:
        """Turns at most so many due dates of devices into due days of those who were read there; how many there were."""

    async def take(self, most: int) -> Sequence[DueDay]:
        """Shows at most so many due days, the longest due first."""

    async def done(self, days: Sequence[DueDay]) -> None:
        """Takes away what was computed; what was asked for meanwhile stays."""

    async def put_off(self, days: Sequence[DueDay]) -> None:
        """Lets these wait behind all others."""


@dataclass(frozen=True, slots=True)
class DueRead:
    """A badge that was read on some dates as sent; `wishes` are the places in its lane of those who asked.

    To each date belongs when the first read was received that waits, None where nobody waits for it; `traces` are those in which the
    reads were recorded (W3C traceparents).
    """

    lane: int
    late: bool
    badge: BadgeKey
    dates: dict[date, datetime | None]
    wishes: list[int]
    traces: set[str]


class DueReads(Protocol):
    """The reads from which days are to be computed, as a transaction sees them."""

    async def head(self, enough: int, *, late: bool, but: Collection[int]) -> Sequence[int]:
        """The lane whose first such read has waited longest, and the next until so many of them are in them; none when none waits.

        Lanes that others have are passed over.
        """

    async def reads(self, lanes: Collection[int], badges: int, dates: int, *, late: bool) -> Sequence[DueRead]:
        """Shows at most so many badges of the lanes, the longest waiting first, with the dates that wait of each, and so many in all."""

    async def apart(self, dates: int) -> Sequence[DueRead]:
        """Shows a badge whose days could not be computed, the one that was not tried for longest, with at most so many dates."""

    async def hold(self, lanes: Collection[int]) -> Collection[int]:
        """Takes those of the lanes on which nobody else works to the end of the transaction; which."""

    async def wait(self, lane: int) -> None:
        """Waits for who works on the lane."""

    async def computed(self, reads: Collection[DueRead]) -> None:
        """Takes away what was computed; what was asked for meanwhile stays."""

    async def put_off(self, reads: Collection[DueRead]) -> None:
        """Lets these wait apart."""


class Passages(Protocol):
    """The passages, as a transaction sees them."""

    async def holders(self, read: Mapping[BadgeKey, Collection[date]]) -> Mapping[BadgeKey, Sequence[Held]]:
        """Who held the badges when they were read, if it was on these dates as sent, whatever the time policies make of that."""

    async def instants(
        self, read: Mapping[BadgeKey, Collection[date]], holders: Mapping[BadgeKey, Sequence[Held]]
    ) -> Mapping[str, Collection[int]]:
        """The instants of the reads of these badges on dates as sent, for their holders."""


class Work(Protocol):
    """A transaction in which due days are computed."""

    @property
    def due(self) -> DueDays: ...
    @property
    def due_reads(self) -> DueReads: ...
    @property
    def passages(self) -> Passages: ...

    async def hold_settings(self) -> None:
        """Waits for a change of device settings at work, and keeps others from beginning one: it must not race with its reads."""

    async def lock_badges(self, badges: Collection[BadgeKey]) -> None:
        """Waits for the badges and holds them: an assignment must not race with its passages."""

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
            # Passages that are being recorded meanwhile make their own days due.
            return int(await work.due.spread(DEVICE_DATES))


@dataclass(frozen=True, slots=True)
class ComputeDueDays:
    """Computes due days, a chunk in a transaction."""

    begin: Begin
    compute: Compute

    async def __call__(self) -> int:
        """Computes one chunk; returns how many days were due, 0 when none was. A day that fails waits behind all others."""
        async with self.begin() as work:
            days: Sequence[DueDay] = await work.due.take(CHUNK)
        if days:
            await _each_or_later(self._compute, days, self._put_off)
        return len(days)

    async def _put_off(self, days: Sequence[DueDay]) -> None:
        async with self.begin() as work:
            await work.due.put_off(days)

    async def _compute(self, days: Sequence[DueDay]) -> None:
        dates: dict[str, set[date]] = {}
        for each in days:
            dates.setdefault(each.servant, set()).add(each.date)
        async with self.begin() as work:
            await work.lock_servants(dates)
            await self.compute(work, dates=dates)
            await work.due.done(days)


@dataclass(slots=True)
class _Turn:
    """When what waits apart has its turn: `next` whatever else waits, and never `not_before`."""

    next: float | None = None
    not_before: float = 0.0

    def has_come(self, now: float) -> bool:
        """Whether it has; a process begins with what others wait for."""
        if self.next is None:
            self.next = now + APART_EVERY_S
        return now >= self.next


@dataclass(frozen=True, slots=True)
class ComputeDueReads:
    """Computes the days that follow from reads, of many badges in a transaction: those of live ones, and a few of late ones beside.

    Several may do so side by side: each takes other lanes of badges, one where much waits, so what one left behind that died
    is done by the others.
    """

    begin: Begin
    compute: Compute
    now: Callable[[], float] = time.monotonic
    """Real time in seconds, from any instant on."""
    computed: Callable[[Sequence[DueRead]], None] = lambda _: None
    """Is told of the reads whose days can be seen now."""
    _apart: _Turn = field(default_factory=_Turn)

    async def __call__(self) -> int:
        """Computes what is due next; returns how many badges were read and due, 0 when none was. What fails is tried alone, now and then.

        Where all that is due is in the hands of others it waits for one of them, and returns 1.
        """
        if self._apart.has_come(self.now()) and (done := await self._one_apart()):
            return done
        live, busy = await self._piece(BADGES, late=False)
        late, also_busy = await self._piece(BESIDE if live else BADGES, late=True)
        if live or late:
            return live + late
        if not (busy or also_busy):
            return await self._one_apart() if self.now() >= self._apart.not_before else 0
        async with self.begin() as work:
            await work.due_reads.wait((busy or also_busy)[0])
        return 1

    async def _one_apart(self) -> int:
        """Computes the days of the badge that waits apart longest; of how many badges it did."""
        began = self.now()
        self._apart.next = began + APART_EVERY_S
        try:
            async with self.begin() as work:
                reads: Sequence[DueRead] = await work.due_reads.apart(BADGE_DATES)
            done = await self._computed(reads) if reads else 0
        except BaseException:
            ended = self.now()
            self._apart.not_before = self._apart.next = ended + max(APART_EVERY_S, REST * (ended - began))
            raise
        if done:  # it was slow for a moment only, and so may the next be
            ended = self.now()
            self._apart.next = ended + REST * (ended - began)
        return done

    async def _piece(self, badges: int, *, late: bool) -> tuple[int, Sequence[int]]:
        """Of how many badges days were computed, and the lanes that others had where there were none."""
        busy: set[int] = set()
        while True:
            async with self.begin() as work:
                lanes = await work.due_reads.head(badges, late=late, but=busy)
                reads: Sequence[DueRead] = await work.due_reads.reads(lanes, badges, BADGE_DATES, late=late) if lanes else ()
            done = await self._computed(reads) if reads else 0
            if done or not lanes:
                return done, sorted(busy)
            busy.update(lanes)

    async def _computed(self, reads: Sequence[DueRead]) -> int:
        """Computes the days; of how many reads: of those whose lanes could be had. What fails is tried alone, and put off."""
        done = 0

        async def compute(some: Sequence[DueRead]) -> None:
            nonlocal done
            done += await self._compute(some)

        async def put_off(some: Sequence[DueRead]) -> None:
            self._apart.not_before = self.now() + APART_EVERY_S
            async with self.begin() as work:
                await work.due_reads.put_off(some)

        await _each_or_later(compute, reads, put_off)
        return done

    async def _compute(self, reads: Sequence[DueRead]) -> int:
        """Of how many reads."""
        traces = [{"traceparent": each} for each in sorted({each for read in reads for each in read.traces})]
        with going_on("compute days", traces, {"tartip.badges": len(reads)}):
            reads = await self._compute_held(reads)
        self.computed(reads)
        return len(reads)

    async def _compute_held(self, reads: Sequence[DueRead]) -> Sequence[DueRead]:
        """Computes the days of the reads whose lanes could be had; which these are."""
        async with self.begin() as work:
            held = await work.due_reads.hold({each.lane for each in reads})
            reads = [each for each in reads if each.lane in held]
            read = {each.badge: each.dates for each in reads}
            if not read:
                return []
            # All locks before the first write: the order of events is the order of transactions.
            await work.hold_settings()
            await work.lock_badges(read)
            holders = await work.passages.holders(read)
            await work.lock_servants({each.servant for held in holders.values() for each in held})
            await self.compute(work, instants=await work.passages.instants(read, holders))
            await work.due_reads.computed(reads)
        return reads


async def _each_or_later(
    do: Callable[[Sequence[P]], Awaitable[None]], pieces: Sequence[P], put_off: Callable[[Sequence[P]], Awaitable[None]]
) -> None:
    """Does the pieces together, or where that fails each alone; one that fails alone is put off, so that it holds up nobody again.

    What passes by itself is no fault of the piece: it keeps its place.
    """

    async def attempt(some: Sequence[P]) -> None:
        try:
            await do(some)
        except Exception as error:
            if len(some) == 1 and not passes(error):
                await put_off(some)
            raise

    await each_for_itself(attempt, pieces)
