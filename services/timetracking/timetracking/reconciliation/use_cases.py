"""Days computed a second time from their raw passages, and compared with what is kept: nothing is repaired in silence.

It is the same computation that made the day, in a transaction that is taken back. A day that differs is reported, and due:
then it is computed as any other, with its version and its event.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from chassis.clock import Clock
from kernel.faults import Unavailable

from timetracking.reconciliation.domain import Compared, DayKey, Difference, Night, night_of, parts

# Days of one transaction: their servants' locks are held for a part of a second.
CHUNK = 50
# How far back a night looks: a quarter, for which figures may still be asked again.
DAYS_BACK = 92
# What is said of a day that its facts do not even let be computed.
NOT_COMPUTED = "not computed"


@dataclass(frozen=True, slots=True)
class Kept:
    """A day as it is kept: its content as text, under which edition it was computed, and of which body."""

    text: str
    edition: str
    body: str


class Reconciliation(Protocol):
    """Days to be compared, as a transaction sees them."""

    async def dates(self, since: date, until: date) -> Sequence[date]:
        """Shows the dates of the span, its ends among them, that have computed days."""

    async def drawn(self, on: date, lot: str, after: int, most: int) -> Sequence[DayKey]:
        """Draws at most so many computed days of a date, after so many that were drawn before; the same lot draws the same ones."""

    async def walk(self, after: DayKey, most: int) -> Sequence[DayKey]:
        """Shows at most so many computed days after one, by date and servant."""

    async def kept(self, days: Collection[DayKey]) -> Mapping[DayKey, Kept]:
        """How the days are kept; one that is not is not there."""

    async def waiting(self, days: Collection[DayKey]) -> Collection[DayKey]:
        """Those of the days for which facts are still to be computed, or for those beside them."""

    async def ask(self, days: Collection[DayKey]) -> None:
        """Lets the days be computed anew."""

    async def night(self, night: date) -> Night:
        """What the comparisons of a night came to so far."""

    async def note(self, night: date, compared: Compared) -> Night:
        """Adds a compared chunk to its night; returns what that came to."""


class Work(Protocol):
    """A transaction in which days are compared."""

    @property
    def reconciliation(self) -> Reconciliation: ...

    async def hold_settings(self) -> None:
        """Keeps others from changing device settings meanwhile."""

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""


Begin = Callable[..., AbstractAsyncContextManager[Any]]
Compute = Callable[..., Any]
Report = Callable[[Night, Compared], None]


class _TakenBack(Exception):
    """What was computed is not to be kept."""


@dataclass(slots=True)
class _Watched:
    """The days of a transaction, and what a computation keeps of them."""

    within: Any
    changed: dict[DayKey, Any] = field(default_factory=dict)

    @property
    def days(self) -> "_Watched":
        return self

    def beyond_reach(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def kept_since(self) -> Any:
        return await self.within.kept_since()

    async def planned(self, *given: Any) -> Any:
        return await self.within.planned(*given)

    async def known(self, *given: Any) -> Any:
        return await self.within.known(*given)

    async def keep(self, days: Sequence[Any], *rest: Any) -> None:
        self.changed.update({(day.servant, day.content.date): day for day in days})
        await self.within.keep(days, *rest)


@dataclass(frozen=True, slots=True)
class CompareDays:
    """Compares some days with what their facts give, and lets those that differ be computed anew."""

    begin: Begin
    compute: Compute

    async def __call__(self, days: Sequence[DayKey]) -> Compared:
        """Returns what differs, if anything; a day that cannot even be computed is compared alone, and differs."""
        try:
            return await self._compared(days)
        except Unavailable:
            raise
        except Exception:
            if len(days) > 1:
                return sum([await self([day]) for day in days], Compared())
            return Compared(1, differences=(Difference(days[0], "", (NOT_COMPUTED,), older_edition=False),))

    async def ask(self, compared: Compared) -> None:
        """Lets what differs be computed anew. Whoever compares on asks afterwards: what is due is not compared."""
        if compared.wrong:
            async with self.begin() as work:
                await work.reconciliation.ask([each.day for each in compared.wrong])

    async def _compared(self, days: Sequence[DayKey]) -> Compared:
        dates: dict[str, set[date]] = {}
        for servant, on in days:
            dates.setdefault(servant, set()).add(on)
        compared = Compared()
        try:
            async with self.begin() as work:
                await work.hold_settings()
                await work.lock_servants(dates)
                kept: Mapping[DayKey, Kept] = await work.reconciliation.kept(days)
                watched = _Watched(work.days)
                await self.compute(watched, dates=dates)
                # Facts that came meanwhile were computed into what we saw: they are told apart by what they left to be done.
                waiting = set(await work.reconciliation.waiting(days))
                looked_at = [day for day in days if day not in waiting]
                found = [_difference(day, kept.get(day), watched.changed[day]) for day in looked_at if day in watched.changed]
                compared = Compared(len(looked_at), len(days) - len(looked_at), tuple(each for each in found if each.parts))
                raise _TakenBack
        except _TakenBack:
            pass
        return compared


def _difference(day: DayKey, kept: Kept | None, computed: Any) -> Difference:
    body: str = computed.placement.body
    if kept is None:
        return Difference(day, body, parts("", computed.text), older_edition=False)
    return Difference(day, kept.body, parts(kept.text, computed.text), kept.edition != computed.edition)


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Compares a sample of days since a date, or all of them."""

    begin: Begin
    compare: CompareDays
    clock: Clock
    zone: str

    def today(self) -> date:
        """The date where the days are."""
        return self.clock().astimezone(ZoneInfo(self.zone)).date()

    async def sample(self, most: int, since: date, lot: str) -> Compared:
        """Compares so many days drawn between `since` and today, or all where there are fewer; the same lot draws the same ones.

        From date to date a chunk is drawn of each, and again from those that had as many, until there are enough.
        """
        async with self.begin() as work:
            left = by_lot(await work.reconciliation.dates(since, self.today()), lot)
        compared, after = Compared(), 0
        while left and compared.drawn < most:
            full = []
            for on in left:
                async with self.begin() as work:
                    days: Sequence[DayKey] = await work.reconciliation.drawn(on, lot, after, min(CHUNK, most - compared.drawn))
                if days:
                    compared += await self.compare(days)
                if compared.drawn >= most:
                    break
                if len(days) == CHUNK:
                    full.append(on)
            left, after = full, after + CHUNK
        await self.compare.ask(compared)
        return compared

    async def all(self, since: date) -> Compared:
        """Compares every day since a date."""
        compared, after = Compared(), ("", since)
        while True:
            async with self.begin() as work:
                days: Sequence[DayKey] = await work.reconciliation.walk(after, CHUNK)
            if not days:
                await self.compare.ask(compared)
                return compared
            compared += await self.compare(days)
            after = days[-1]


@dataclass(frozen=True, slots=True)
class ReconcileAtNight:
    """Compares a sample every night, a chunk at a time; it goes on where it was, whoever dies."""

    begin: Begin
    compare: CompareDays
    clock: Clock
    zone: str
    days: int
    report: Report

    async def __call__(self) -> int:
        """Compares a chunk; returns how many days that were, at least 1, or 0 when the night's sample was compared."""
        on = night_of(self.clock(), self.zone)
        async with self.begin() as work:
            night: Night = await work.reconciliation.night(on)
            if night.chunks * CHUNK >= self.days:
                self.report(night, Compared())
                return 0
            days = await self._chunk(work.reconciliation, on, night.chunks)
        compared = await self.compare(days) if days else Compared()
        await self.compare.ask(compared)
        async with self.begin() as work:
            night = await work.reconciliation.note(on, compared)
        self.report(night, compared)
        return max(1, compared.days)

    async def _chunk(self, stored: Reconciliation, on: date, number: int) -> Sequence[DayKey]:
        """Draws the days of a chunk: of each date one, and where there are fewer dates than chunks, then more of each."""
        lot, dates = str(on), await stored.dates(on - timedelta(days=DAYS_BACK), on)
        if not dates:
            return ()
        each, place = divmod(number, len(dates))
        return await stored.drawn(by_lot(dates, lot)[place], lot, each * CHUNK, CHUNK)


def by_lot(dates: Sequence[date], lot: str) -> Sequence[date]:
    """The dates in an order drawn by lot: the same lot draws the same one."""
    return sorted(dates, key=lambda each: sha256(f"{lot}/{each}".encode()).digest())
