"""Computing days anew: whatever changes in the facts, the days it touches are derived from the whole set again."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from chassis.clock import Clock
from kernel.intervals import Span
from lawbook import Lawbook

from timetracking.findings.domain import About, Claim, Finding, looked_at_again
from timetracking.workdays.domain import (
    Facts,
    FindingKind,
    Law,
    Order,
    Plan,
    Read,
    Session,
    State,
    Windows,
    WorkdayContent,
    Worked,
    short_rests,
    workdays_and_entries,
)
from timetracking.workdays.domain.kept import INCOMPLETE, KeptDay, KeptState, Placement, Shown, marks_of, text_of
from timetracking.workdays.domain.parameters import law_of

EPOCH = date(1970, 1, 1).toordinal()
DAY_SECONDS = 86_400
ONE_DAY = timedelta(days=1)
# Borders look at duties of so many dates around: see `border_after`, for the window of a date and those beside it.
DUTIES_AROUND = 3
# Between the end of one duty and the beginning of the next lie at most this many dates if the rest is too short.
AROUND_A_REST = 3
# A holder of a badge whom the registry has not told of yet: the day is kept and waits.
NOWHERE = Placement("", "")
FROM_THE_ABSENCE_OF_READS = frozenset(
    {
        FindingKind.LATE,
        FindingKind.EARLY_LEAVE,
        FindingKind.LEFT_DURING_DAY,
        FindingKind.ABSENT,
        FindingKind.MISSING_ENTRY,
        FindingKind.MISSING_EXIT,
    }
)


@dataclass(frozen=True, slots=True)
class Need:
    """Dates of one servant about which something is wanted, both included."""

    servant: str
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Look:
    """Dates of one servant that are computed, without a hole between them, and the span of their windows and those beside."""

    servant: str
    since: date
    until: date
    span: Span


@dataclass(slots=True)
class Planned:
    """What is planned for a servant around some dates, and where: what borders follow from."""

    plans: dict[date, Plan]
    orders: list[Order]
    zone: str
    """Of the body in whose service the servant is, for dates without a plan."""
    zones: dict[date, str]
    placements: dict[date, Placement]
    doubts: Collection[date] = ()
    """Dates whose planned premises have a device that was silent or misses event numbers over the plan."""

    def zone_of(self, day: date) -> ZoneInfo:
        return ZoneInfo(self.zones.get(day, self.zone))


@dataclass(slots=True)
class Known:
    """What is stored about a servant for some looks."""

    reads: list[Read] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    shown: Shown = field(default_factory=Shown)
    """What is known of the reads beside what days are computed from."""
    kept: dict[date, KeptState] = field(default_factory=dict)
    """Of the dates and those within reach of a rest."""
    findings: dict[date, list[Finding]] = field(default_factory=dict)
    """Of the servant, by the date or the first date of the period."""


class Days(Protocol):
    """The days with everything they are computed from, as a transaction sees them."""

    async def kept_since(self) -> date:
        """The first date whose days are kept; `date.min` while none was ever deleted."""

    async def planned(self, needs: Sequence[Need]) -> Mapping[str, Planned]:
        """What is planned for each servant on the dates, which may overlap."""

    async def known(self, looks: Sequence[Look], planned: Mapping[str, Planned]) -> Mapping[str, Known]:
        """What else is stored about each servant for these looks."""

    async def keep(self, days: Sequence[KeptDay], findings: Sequence[Finding], settled: Sequence[tuple[str, date]], at: datetime) -> None:
        """Saves what changed `at` an instant, with its versions and its events; `settled` dates need no look by the closing job any more."""

    async def due(self, now: datetime, most: int) -> Sequence[tuple[str, date]]:
        """Planned dates whose window has ended by `now` and that nobody has computed since, the oldest first."""

    async def look_again(self, dates: Sequence[tuple[str, date]], now: datetime, at: datetime) -> None:
        """Those of the dates that are due `now` still, since they could not be settled, are due again at another instant."""


class Work(Protocol):
    """A transaction in which days are computed."""

    @property
    def days(self) -> Days:
        """The days."""

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""

    def beyond_reach(self) -> AbstractAsyncContextManager[None]:
        """Lets the block see what the caller does not reach."""


@dataclass(frozen=True, slots=True)
class ComputeDays:
    """Computes the touched days of some servants; their locks are held by the caller.

    `instants` touch the window they lie in; `dates` are touched themselves. Where a stay begins or ceases to go on over the
    border of a touched day, the day beside it follows. Days whose content is equal are not written and raise no event.
    A day that is older than what is kept stays as it is: without its facts it would come out as an absence.
    """

    lawbook: Lawbook
    clock: Clock

    async def __call__(
        self, work: Work, instants: Mapping[str, Collection[int]] | None = None, dates: Mapping[str, Collection[date]] | None = None
    ) -> int:
        """Returns how many days changed."""
        # Whoever asked, a day follows from all its facts: from passages, and from devices and plans of other bodies too.
        async with work.beyond_reach():
            return await self._compute(work, instants or {}, dates or {})

    async def _compute(self, work: Work, instants: Mapping[str, Collection[int]], dates: Mapping[str, Collection[date]]) -> int:
        # Once for everyone: people share their dates, and a date's parameters are looked up once.
        law, now, changed = law_of(self.lawbook), self.clock(), 0
        touched, level = _touched(instants, dates), await work.days.kept_since()
        while touched:
            needs = [need for servant, each in sorted(touched.items()) for need in _needs(servant, each.near)]
            planned = await work.days.planned(needs)
            # What is computed now, by servant; whom the transaction does not know has nothing to compute.
            looks = {servant: _Looking(servant, planned[servant], each, law, level) for servant, each in touched.items()}
            known = await work.days.known([look for each in looks.values() for look in each.looks], planned)
            round_ = _Round(law, self.lawbook.edition, now, level)
            for servant, each in looks.items():
                round_.look(servant, each, planned[servant], known[servant])
            await work.days.keep(round_.changed, round_.findings, round_.settled, now)
            changed += len(round_.changed)
            touched = _touched({}, round_.beside)
        return changed


@dataclass(slots=True)
class _Touch:
    """What touches a servant's days: dates themselves, and instants with the dates whose window they may lie in."""

    dates: set[date] = field(default_factory=set)
    instants: set[int] = field(default_factory=set)

    @property
    def near(self) -> set[date]:
        return self.dates.union(*(_possible(day) for day in {at // DAY_SECONDS for at in self.instants}))


class _Round:
    """Looks at the facts of many servants, and what they change."""

    def __init__(self, law: Law, edition: str, now: datetime, level: date) -> None:
        self._law, self._edition, self._now, self._level = law, edition, now, level
        self.changed: list[KeptDay] = []
        self.findings: list[Finding] = []
        self.settled: list[tuple[str, date]] = []
        self.beside: dict[str, set[date]] = {}
        """Days that follow from what changed and were not looked at."""

    def look(self, servant: str, looking: "_Looking", planned: Planned, known: Known) -> None:
        """Computes the days of one servant."""
        facts = Facts(planned.plans, tuple(planned.orders), tuple(known.reads), tuple(known.sessions))
        dates, now = [day for look in looking.looks for day in _dates(look.since, look.until)], int(self._now.timestamp())
        self.settled += [(servant, day) for day in looking.too_old]
        for content, entered in workdays_and_entries(facts, dates, planned.zone_of, self._law, now, looking.windows):
            self._crossings(servant, content, entered, known, dates)
            self._day(servant, content, planned, known)
        self._rests(servant, dates, known)

    def _crossings(self, servant: str, content: WorkdayContent, entered: bool, known: Known, dates: Collection[date]) -> None:
        """Notes the days beside this one whose border is crossed otherwise than when they were computed."""
        before, old = known.kept.get(content.date - ONE_DAY), known.kept.get(content.date)
        if entered is not (before is not None and before.crosses) and content.date - ONE_DAY not in dates:
            self.beside.setdefault(servant, set()).add(content.date - ONE_DAY)
        if content.crosses is not (old is not None and old.crosses) and content.date + ONE_DAY not in dates:
            self.beside.setdefault(servant, set()).add(content.date + ONE_DAY)

    def _day(self, servant: str, content: WorkdayContent, planned: Planned, known: Known) -> None:
        day = content.date
        placement = planned.placements.get(day, NOWHERE)
        old = known.kept.get(day)
        if content.state is State.COMPUTED:
            self.settled.append((servant, day))
        if old is None and _says_nothing(content):
            return
        marks = marks_of(content, known.shown, placement.body, doubt=day in planned.doubts)
        plan = planned.plans.get(day)
        text, kind = text_of(content), plan.kind if plan else None
        if old is None or (old.text, old.marks, old.placement, old.plan_kind) != (text, marks, placement, kind):
            revision = old.revision + 1 if old else 1
            self.changed.append(KeptDay(servant, placement, kind, content, marks, revision, self._edition, self._now, text))
            known.kept[day] = KeptState(placement, content.state, content.work, content.crosses, kind, text, marks, revision)
        stored = {each.claim.id: each for each in known.findings.get(day, ()) if each.claim.until is None}
        if not (content.findings or stored):
            return
        claims = [
            Claim(
                servant,
                each.kind.value,
                day,
                each.first,
                each.seconds,
                each.rule,
                reads=tuple(f"{read.device}|{read.event_key}" for read, _ in content.reads if read.at == each.first),
            )
            for each in content.findings
            if INCOMPLETE not in marks or each.kind not in FROM_THE_ABSENCE_OF_READS
        ]
        self.findings += looked_at_again(About(placement.body, servant=servant, edition=self._edition), claims, stored)

    def _rests(self, servant: str, dates: Sequence[date], known: Known) -> None:
        """The rests around the dates, from the days as they are kept now."""
        for first, until in _spans(dates, AROUND_A_REST):
            since = max(first, self._level)
            claims = [
                Claim(servant, "rest_too_short", rest.dates[0], rest.end_of_work, rest.seconds, rest.rule, rest.dates[1])
                for rest in short_rests([_worked(day, known.kept.get(day)) for day in _dates(since, until)], self._law)
            ]
            stored = {
                each.claim.id: each
                for day, findings in known.findings.items()
                for each in findings
                if each.claim.until is not None and since <= day and each.claim.until <= until
            }
            for claim in claims:
                body = known.kept[claim.date].placement.body
                about = About(body, servant=servant, edition=self._edition)
                self.findings += looked_at_again(about, [claim], {k: v for k, v in stored.items() if k == claim.id})
            ids = {claim.id for claim in claims}
            for id_, old in stored.items():
                if id_ not in ids:
                    about = About(old.body, servant=servant, edition=self._edition)
                    self.findings += looked_at_again(about, [], {id_: old})


class _Looking:
    """The dates of a servant that are really touched, in runs, with the windows that their reads and those beside lie in."""

    def __init__(self, servant: str, planned: Planned, touch: _Touch, law: Law, level: date) -> None:
        self.windows = windows = Windows(planned.plans, planned.orders, planned.zone_of, law)
        exact, held = set(touch.dates), (0, 0)
        for at in sorted(touch.instants):
            if not held[0] <= at < held[1]:
                day = next(each for each in _possible(at // DAY_SECONDS) if windows.holds(each, at))
                held = windows.of(day)
                exact.add(day)
        self.too_old = sorted(day for day in exact if day < level)
        exact.difference_update(self.too_old)
        self.looks = [
            Look(servant, since, until, (windows.of(since - ONE_DAY)[0], windows.of(until + ONE_DAY)[1]))
            for since, until in _spans(exact, 0)
        ]


def _worked(day: date, kept: KeptState | None) -> Worked:
    """As much of a day as rests follow from."""
    return Worked(day, State.WAITING, None) if kept is None else Worked(day, kept.state, kept.work)


def _says_nothing(content: WorkdayContent) -> bool:
    """A day that has not ended and of which nothing was seen yet; also one without a plan and without a read."""
    return content.state is not State.COMPUTED and not (content.reads or content.stays or content.sessions)


def _touched(instants: Mapping[str, Collection[int]], dates: Mapping[str, Collection[date]]) -> dict[str, _Touch]:
    touched = {servant: _Touch(dates=set(each)) for servant, each in dates.items() if each}
    for servant, each in instants.items():
        if each:
            touched.setdefault(servant, _Touch()).instants.update(each)
    return touched


def _possible(days: int) -> list[date]:
    """The dates whose window an instant may lie in, so many days of UTC after 1970.

    Its civil date is the date of UTC or the next, and the window is that of the civil date or of a neighbour.
    """
    return [date.fromordinal(EPOCH + days + offset) for offset in (0, 1, -1, 2)]


def _needs(servant: str, dates: Collection[date]) -> list[Need]:
    return [Need(servant, since, until) for since, until in _spans(dates, DUTIES_AROUND)]


def _dates(since: date, until: date) -> list[date]:
    """All dates from the one to the other, both included."""
    return [date.fromordinal(each) for each in range(since.toordinal(), until.toordinal() + 1)]


def _spans(dates: Collection[date], around: int) -> list[tuple[date, date]]:
    """The dates with those around them, in spans without holes: the first and the last date of each."""
    spans: list[tuple[int, int]] = []
    for day in sorted(each.toordinal() for each in dates):
        if spans and day - around <= spans[-1][1] + 1:
            spans[-1] = spans[-1][0], day + around
        else:
            spans.append((day - around, day + around))
    return [(date.fromordinal(since), date.fromordinal(until)) for since, until in spans]
