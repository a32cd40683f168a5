"""Looking at devices: what they show of themselves is found from what is stored, device by device.

A date of a device is looked at again when its count of stored passages has changed, when a change of settings, zones or
badges asks for it, and where another date of the device says so; silence at the full hours at which there may be one, and
when a plan of the premises changes. What is equal is not written, so a repetition changes nothing.

A device that sends on is looked at when it pauses, and the seldomer the more its date holds: a look reads all of it. What is
on its way is waited for, by the account of the device: neither are numbers missing because another partition's passages are
recorded first, nor is a device silent because whoever records is behind or away. Silence is looked for up to the last full hour
before which nothing is on its way. A device whose look fails is put off, so that it holds up no other.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis.clock import Clock
from chassis.jobs import passes
from kernel.faults import Unavailable
from kernel.intervals import Span
from lawbook import Lawbook

from timetracking.device_findings.domain import (
    AROUND,
    CLOCK,
    MISSING_NUMBERS,
    NUMBER_REUSED,
    SILENT,
    Crowd,
    DeviceRead,
    Pause,
    Reads,
    SilenceLaw,
    Watch,
    asked_for,
    between,
    clock,
    event_numbers_reused,
    missing_numbers,
    pauses,
    silences,
    silent_from,
    unknown_badges,
    watched,
)
from timetracking.devices.domain import Device
from timetracking.findings.domain import About, Claim, Finding, State, looked_at_again
from timetracking.workdays.domain import Direction

TOLERANCE, SILENT_AFTER, MARGIN = "devices/clock-tolerance", "devices/silent-after", "working-day/border-margin"
# Dates of one transaction: a busy device has some thousand reads a date.
DATES = 7
ONE_DAY, ONE_HOUR = timedelta(days=1), timedelta(hours=1)
FIRST, LAST = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Pace:
    """When what a device has stored since the last look is looked at, in real time: in a pause in which nothing of it is on its way.

    What is on its way is known by the account, once that is complete up to `paused_s` after the last passage. A look costs as
    much as the date has passages: so since the last one it waits `passage_s` for each of them, and looking takes a like share of
    time at every gate. After the longest wait it is due in any case, but for silence. A look that failed is put off for `failed_s`,
    and twice as long each time it fails again, up to the longest wait: it may only have waited for somebody else.
    """

    paused_s: float = 0.0
    passage_s: float = 0.0
    longest_s: float = 0.0
    failed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be looked at, of one device.

    `active` are the dates as sent on which it has passages, `counts` how many each had before they were read. `changed` are
    dates whose count is another than at the last look, `asked` and `silences` those that somebody asked for: all of it, or
    only silence. Silence can be told up to the `horizon`, which is now where it is `quiet`: nothing of the device is on its way. `opened` are the findings that stand and that another date may end.
    """

    device: Device
    zone: ZoneInfo
    active: Sequence[date]
    counts: Mapping[date, int]
    changed: Sequence[date]
    asked: Sequence[date]
    silences: Sequence[date]
    asks: Sequence[int]
    quiet: bool
    horizon: datetime
    looked_until: datetime | None
    due_at: datetime | None
    opened: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Watched:
    """Up to which full hour silence was looked for, and at which it is to be looked for again if nobody asks before."""

    until: datetime
    due_at: datetime


class Looks(Protocol):
    """What devices have stored and what is known of it, as a transaction sees it."""

    async def next(self, horizon: datetime, pace: Pace) -> Sequence[str]:
        """The serials of devices to be looked at at this pace: whose passages, or whose asker, have waited longest; whose silence is due."""

    async def wanted(self, device: str, horizon: datetime, pace: Pace, most: int) -> Wanted:
        """What is to be looked at at this pace, at most so many dates of each sort; the device's lock is held."""

    async def put_off(self, device: str, pace: Pace) -> None:
        """Looks at the device again only when the pace lets a look that failed have its turn, in real time."""

    async def reads(self, wanted: Wanted, dates: Collection[date]) -> Reads:
        """The reads of these dates as sent, with their instants and whether somebody holds the badge."""

    async def with_the_keys_of(self, wanted: Wanted, reads: Iterable[DeviceRead]) -> Sequence[DeviceRead]:
        """All reads of the device that share an event number with one of these."""

    async def stored_numbers(self, device: str, numbers: Collection[int]) -> Collection[int]:
        """Those of the event numbers under which the device has a passage, whenever."""

    async def crowds(self, premises: str, since: date, until: date) -> Sequence[Crowd]:
        """Who is to be at the premises on the dates, both included."""

    async def findings(self, device: str, dates: Collection[date], ids: Collection[UUID]) -> Sequence[Finding]:
        """The device's findings of these dates or with these IDs, withdrawn ones too."""

    async def keep(self, wanted: Wanted, findings: Sequence[Finding], watched: Watched | None, at: datetime) -> None:
        """Saves what changed, with its events, and that what was wanted has been looked at."""


class DueDays(Protocol):
    """The days that are to be computed anew."""

    async def ask_read_at(self, device: str, dates: Collection[date]) -> None:
        """Asks for the days of everyone who was read at the device on one of these dates as sent."""

    async def ask_doubted(self, premises: Collection[str], before: Sequence[Span], after: Sequence[Span]) -> None:
        """Asks for the days planned at the premises that were in doubt by the one spans and are not by the others, or the reverse."""


class Work(Protocol):
    """A transaction in which a device is looked at."""

    @property
    def looks(self) -> Looks: ...
    @property
    def due(self) -> DueDays: ...

    async def hold_settings(self) -> None:
        """Waits for a change of device settings at work, and keeps others from beginning one."""

    async def lock_plans(self) -> None:
        """Waits until nobody takes over plans, and holds everyone who wants to: the days of a doubt are asked for by their plans."""

    async def lock_devices(self, devices: Collection[str]) -> None:
        """Waits for the devices' findings and holds them."""


Begin = Callable[[], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True, slots=True)
class LookAtDevices:
    """Finds what devices show of themselves, a few dates of one device in a transaction; a second look finds the same."""

    begin: Begin
    lawbook: Lawbook
    clock: Clock
    pace: Pace = Pace()

    async def __call__(self) -> int:
        """Looks at a device for each reason that there is; returns how many dates it looked at, 0 when no look is due."""
        now = self.clock()
        async with self.begin() as work:
            serials: Sequence[str] = await work.looks.next(full_hour(now), self.pace)
        looked, failures = 0, list[Exception]()
        for serial in serials:
            try:
                looked += await self._look(serial, now)
            except Exception as error:
                if passes(error):
                    raise
                failures.append(error)
                async with self.begin() as work:
                    await work.looks.put_off(serial, self.pace)
        if failures:  # a bug is told before what took too long
            raise next((each for each in failures if not isinstance(each, Unavailable)), failures[0])
        return looked

    async def _look(self, serial: str, now: datetime) -> int:
        async with self.begin() as work:
            await work.hold_settings()
            await work.lock_plans()
            await work.lock_devices([serial])
            wanted = await work.looks.wanted(serial, full_hour(now), self.pace, DATES)
            look = _Look(work.looks, wanted, self.lawbook)
            await look.at_reads()
            await look.at_silence()
            claims = {claim.id: claim for claim in look.claims}
            known = [*wanted.opened, *await work.looks.findings(serial, look.dates, claims)]
            stored = {each.claim.id: each for each in known if each.claim.id in claims or look.concerns(each.claim)}
            about = About(wanted.device.body, device=serial, edition=self.lawbook.edition)
            await self._ask(work, wanted, claims.values(), stored.values())
            await work.looks.keep(wanted, looked_at_again(about, claims.values(), stored), look.watched, now)
            return max(1, len(look.dates))

    async def _ask(self, work: Work, wanted: Wanted, claims: Collection[Claim], stored: Collection[Finding]) -> None:
        """Asks for the days that a new doubt touches, or the end of one."""
        stood = [each.claim for each in stored if each.state is not State.WITHDRAWN]
        before, after = ({each.date for each in some if each.kind == CLOCK} for some in (stood, claims))
        await work.due.ask_read_at(wanted.device.serial, before ^ after)
        premises = {each.premises for each in wanted.device.settings if each.role == "perimeter"}
        spans = [
            sorted((each.first, each.last or each.first) for each in some if each.kind in (SILENT, MISSING_NUMBERS))
            for some in (stood, claims)
        ]
        if spans[0] != spans[1]:
            await work.due.ask_doubted(premises, *spans)


class _Look:
    """One look at a device, and what it claims."""

    def __init__(self, looks: Looks, wanted: Wanted, lawbook: Lawbook) -> None:
        self._looks, self._wanted, self._lawbook, self._horizon = looks, wanted, lawbook, wanted.horizon
        self.claims: list[Claim] = []
        self.dates: set[date] = set()
        self._keys: set[str] = set()
        self._spans: list[Span] = []
        self.watched: Watched | None = None
        self._read: dict[date, Sequence[DeviceRead]] = {}

    def concerns(self, claim: Claim) -> bool:
        """Whether this look would have claimed it again, if it still followed from the facts."""
        if claim.kind == NUMBER_REUSED:
            return claim.subject.partition("/")[2] in self._keys
        if claim.kind == SILENT:
            return any(start <= claim.first < end for start, end in self._spans)
        return claim.date in self.dates

    async def at_reads(self) -> None:
        """Looks at the dates that are wanted, and at those that they have a say in."""
        wanted, looks, serial = self._wanted, self._looks, self._wanted.device.serial
        self.dates = {*wanted.changed, *wanted.asked}
        if not self.dates:
            return
        new = set(self.dates)
        self.dates |= {after for day in new if (after := _after(wanted.active, day)) is not None}
        reads = await self._with_those_before(self.dates)
        gaps = [each.claim for each in wanted.opened if each.claim.kind == MISSING_NUMBERS]
        self.dates |= {gap.date for gap in gaps if any(between(gap.reads, reads[day]) for day in new)}
        reads = await self._with_those_before(self.dates)
        stored = await looks.stored_numbers(serial, asked_for(self.dates, reads))
        for day in sorted(self.dates):
            seen = reads.get(day, ())
            self.claims += clock(serial, day, seen, self._lawbook.require(TOLERANCE, day).value)
            self.claims += unknown_badges(serial, day, seen)
            self.claims += missing_numbers(serial, day, reads, stored)
        shown = [each for day in self.dates for each in reads.get(day, ())]
        self._keys = {each.event_key for each in shown}
        self.claims += event_numbers_reused(serial, [*shown, *await looks.with_the_keys_of(wanted, shown)])

    async def at_silence(self) -> None:
        """Looks at the runs of dates whose silence may have changed since the last look."""
        for since, until in _runs(self._silent_dates()):
            await self._run(since, until)

    def _silent_dates(self) -> set[date]:
        wanted, horizon = self._wanted, self._horizon
        today = _civil(horizon, wanted.zone)
        looked_until = wanted.looked_until or horizon - ONE_DAY  # older dates have changed, and are looked at for that
        dates = {*wanted.asked}
        for day in wanted.silences:
            # A plan says how many people make working time on the dates around it.
            dates.update(day + offset * ONE_DAY for offset in range(-AROUND, AROUND + 1))
        if wanted.due_at is None or wanted.due_at <= horizon:
            since = _civil(looked_until, wanted.zone)
            dates.update(since + offset * ONE_DAY for offset in range((today - since).days + 1))
        open_ = [each.claim for each in wanted.opened if each.claim.kind == SILENT]
        for day in wanted.changed:
            near = any(each.date - ONE_DAY <= day <= _civil(_instant(each.last or each.first), wanted.zone) + ONE_DAY for each in open_)
            if near or day < _civil(looked_until, wanted.zone):
                dates.add(day)
        return {day for day in dates if day <= today}

    async def _run(self, since: date, until: date) -> None:
        """Looks at the pauses from the last read before a run of dates to the first one after it, or to the horizon."""
        wanted, horizon = self._wanted, int(self._horizon.timestamp())
        before, after = _before(wanted.active, since), _after(wanted.active, until)
        dates = {day for day in wanted.active if since <= day <= until} | {day for day in (before, after) if day is not None}
        reads = await self._reads(dates)
        start = max(each.at for each in reads[before]) if before is not None else None
        end = min(horizon, *(each.at for each in reads[after])) if after is not None else horizon
        self._spans.append((FIRST if start is None else start, LAST if after is None else end))
        groups: dict[tuple[str, Direction] | None, list[Pause]] = {}
        for pause in pauses([each for held in reads.values() for each in held], start, end, goes_on=after is None):
            groups.setdefault(watched(wanted.device, pause, wanted.zone), []).append(pause)
        due_at = self._horizon + ONE_HOUR
        for key, waits in groups.items():
            at = await self._silent(*key, waits) if key is not None else None
            if waits[-1].open:
                due_at = max(due_at, self._horizon + ONE_DAY if at is None else min(_after_hour(at), self._horizon + ONE_DAY))
        if after is None or until >= _civil(self._horizon, wanted.zone):
            self.watched = Watched(self._horizon, due_at)

    async def _silent(self, premises: str, direction: Direction, waits: Sequence[Pause]) -> int | None:
        """Claims the silences among the pauses; returns when one that goes on may become a silence, if that is known."""
        wanted = self._wanted
        first, last = _civil(_instant(waits[0].read.at), UTC), _civil(_instant(waits[-1].end), UTC)
        # Two days more than a silence needs: so working time is known up to the next look, if nobody asks before.
        crowds = await self._looks.crowds(premises, first - (AROUND + 1) * ONE_DAY, last + (AROUND + 3) * ONE_DAY)
        watch = Watch(wanted.device.serial, wanted.zone, direction, crowds)
        self.claims += silences(watch, waits, self._law)
        return silent_from(watch, waits[-1], self._law) if waits[-1].open else None

    async def _with_those_before(self, dates: Collection[date]) -> Reads:
        """The reads of dates, and of the last date before each."""
        before = {each for day in dates if (each := _before(self._wanted.active, day)) is not None}
        return await self._reads({*dates, *before})

    async def _reads(self, dates: Collection[date]) -> Reads:
        fresh = set(dates) - self._read.keys()
        if fresh:
            self._read.update(await self._looks.reads(self._wanted, fresh))
        return {day: self._read[day] for day in dates}

    def _law(self, day: date) -> SilenceLaw:
        return SilenceLaw(self._lawbook.require(SILENT_AFTER, day).value, self._lawbook.require(MARGIN, day).value)


def full_hour(now: datetime) -> datetime:
    """The full hour up to which silence is looked for."""
    return now.replace(minute=0, second=0, microsecond=0)


def _instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _after_hour(at: int) -> datetime:
    """The first full hour after an instant."""
    return _instant(at).replace(minute=0, second=0) + ONE_HOUR


def _civil(at: datetime, zone: Any) -> date:
    return at.astimezone(zone).date()


def _before(active: Sequence[date], day: date) -> date | None:
    return max((each for each in active if each < day), default=None)


def _after(active: Sequence[date], day: date) -> date | None:
    return min((each for each in active if each > day), default=None)


def _runs(dates: Iterable[date]) -> list[tuple[date, date]]:
    """The first and last dates of runs without holes."""
    runs: list[tuple[date, date]] = []
    for day in sorted(dates):
        if runs and day - runs[-1][1] <= ONE_DAY:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs
