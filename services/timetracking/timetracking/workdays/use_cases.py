"""Computing days anew: whatever changes in the facts, the days it touches are derived from the whole set again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from chassis.clock import Clock
from lawbook import Lawbook

from timetracking.findings.domain import About, Claim, Finding, looked_at_again
from timetracking.workdays.domain import (
    Facts,
    FindingKind,
    Law,
    Seconds,
    State,
    Windows,
    WorkdayContent,
    neighbours,
    short_rests,
    workdays,
)
from timetracking.workdays.domain.kept import (
    INCOMPLETE,
    KeptDay,
    Placement,
    ReadContext,
    marks_of,
)
from timetracking.workdays.domain.parameters import law_of

ONE_DAY = timedelta(days=1)
# A read belongs to the window of its civil date or of a neighbour, and touches the dates beside that window.
AROUND_AN_INSTANT = 2
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
    """The dates of one servant for which facts are wanted, both included."""

    servant: str
    since: date
    until: date


@dataclass(slots=True)
class Known:
    """What is stored about a servant around some dates."""

    facts: Facts
    zone: str
    """Of the body in whose service the servant is, for dates without a plan."""
    zones: Mapping[date, str]
    placements: Mapping[date, Placement]
    contexts: Mapping[tuple[str, str, int], ReadContext]
    """By (device, event key, instant) of a read."""
    kept: dict[date, KeptDay]
    findings: Mapping[date, Sequence[Finding]]
    """Of the servant, by the date or the first date of the period."""
    doubts: Mapping[date, bool] = field(default_factory=dict)
    """Dates whose planned premises have a device that was silent or misses event numbers over the plan."""

    def zone_of(self, day: date) -> ZoneInfo:
        return ZoneInfo(self.zones.get(day, self.zone))


class Days(Protocol):
    """The days with everything they are computed from, as a transaction sees them."""

    async def known(self, needs: Sequence[Need]) -> Mapping[str, Known]:
        """What is stored about each servant; the dates around what is needed are included as far as the domain wants them."""

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


@dataclass(frozen=True, slots=True)
class ComputeDays:
    """Computes the touched days of some servants; their locks are held by the caller.

    `instants` touch the window they lie in and the dates beside it; `dates` are touched themselves. Days whose content is
    equal are not written and raise no event.
    """

    lawbook: Lawbook
    clock: Clock

    async def __call__(
        self, work: Work, instants: Mapping[str, Collection[int]] | None = None, dates: Mapping[str, Collection[date]] | None = None
    ) -> int:
        """Returns how many days changed."""
        touched = _touched(instants or {}, dates or {})
        if not touched:
            return 0
        needs = [need for servant, each in sorted(touched.items()) for need in _needs(servant, each)]
        known = await work.days.known(needs)
        # Once for everyone: people share their dates, and a date's parameters are looked up once.
        law, now = law_of(self.lawbook), self.clock()
        changed: list[KeptDay] = []
        findings: list[Finding] = []
        settled: list[tuple[str, date]] = []
        for servant, wanted in touched.items():
            if servant in known:
                look = _Look(servant, known[servant], law, self.lawbook.edition, now)
                look.at(_exactly(known[servant], wanted, (instants or {}).get(servant, ()), (dates or {}).get(servant, ()), law))
                changed += look.changed
                findings += look.findings
                settled += look.settled
        await work.days.keep(changed, findings, settled, now)
        return len(changed)


class _Look:
    """One look at the facts of a servant, and what it changes."""

    def __init__(self, servant: str, known: Known, law: Law, edition: str, now: datetime) -> None:
        self._servant, self._known, self._now = servant, known, now
        self._law, self._edition = law, edition
        self.changed: list[KeptDay] = []
        self.findings: list[Finding] = []
        self.settled: list[tuple[str, date]] = []

    def at(self, dates: Sequence[date]) -> None:
        known = self._known
        contents = workdays(known.facts, dates, known.zone_of, self._law, int(self._now.timestamp()))
        for content in contents:
            self._day(content)
        self._rests(dates)

    def _day(self, content: WorkdayContent) -> None:
        day, known = content.date, self._known
        placement = known.placements.get(day, NOWHERE)
        old = known.kept.get(day)
        if content.state is State.COMPUTED:
            self.settled.append((self._servant, day))
        if old is None and _says_nothing(content):
            return
        marks = marks_of(content, known.contexts, placement.body, doubt=known.doubts.get(day, False))
        plan = known.facts.plans.get(day)
        kind = plan.kind if plan else None
        fresh = KeptDay(self._servant, placement, kind, content, marks, old.revision + 1 if old else 1, self._edition, self._now)
        if old is None or (old.content, old.marks, old.placement, old.plan_kind) != (content, marks, placement, kind):
            self.changed.append(fresh)
            known.kept[day] = fresh
        claims = [
            Claim(
                self._servant,
                each.kind.value,
                day,
                each.first,
                each.seconds,
                each.rule,
                reads=tuple(f"{it.read.device}|{it.read.event_key}" for it in content.reads if it.read.at == each.first),
            )
            for each in content.findings
            if INCOMPLETE not in marks or each.kind not in FROM_THE_ABSENCE_OF_READS
        ]
        stored = {each.claim.id: each for each in known.findings.get(day, ()) if each.claim.until is None}
        self.findings += looked_at_again(About(placement.body, servant=self._servant, edition=self._edition), claims, stored)

    def _rests(self, dates: Sequence[date]) -> None:
        """The rests around the dates, from the days as they are kept now."""
        for run in _runs(dates, AROUND_A_REST):
            kept = [self._known.kept.get(day) for day in run]
            days = [each.content if each else _unknown(day) for each, day in zip(kept, run, strict=True)]
            claims = []
            for rest in short_rests(days, self._law):
                first, until = rest.dates
                claims.append(Claim(self._servant, "rest_too_short", first, rest.end_of_work, rest.seconds, rest.rule, until))
            stored = {
                each.claim.id: each
                for day in run
                for each in self._known.findings.get(day, ())
                if each.claim.until is not None and run[0] <= day and each.claim.until <= run[-1]
            }
            for claim in claims:
                body = self._known.kept[claim.date].placement.body
                about = About(body, servant=self._servant, edition=self._edition)
                self.findings += looked_at_again(about, [claim], {k: v for k, v in stored.items() if k == claim.id})
            ids = {claim.id for claim in claims}
            for id_, old in stored.items():
                if id_ not in ids:
                    about = About(old.body, servant=self._servant, edition=self._edition)
                    self.findings += looked_at_again(about, [], {id_: old})


def _exactly(known: Known, around: Collection[date], instants: Collection[int], dates: Collection[date], law: Law) -> list[date]:
    """The dates that are really touched, of those around."""
    exact = set(dates)
    if instants:
        windows = Windows(known.facts.plans, known.facts.orders, known.zone_of, law)
        for day in around:
            start, end = windows.of(day)
            if any(start <= at < end for at in instants):
                exact.update(neighbours(day, 1))
    return sorted(exact)


def _unknown(day: date) -> WorkdayContent:
    return WorkdayContent(day, State.WAITING, (0, 0), Seconds(), (), (), ())


def _says_nothing(content: WorkdayContent) -> bool:
    """A day that has not ended and of which nothing was seen yet; also one without a plan and without a read."""
    return content.state is not State.COMPUTED and not (content.reads or content.stays or content.sessions)


def _touched(instants: Mapping[str, Collection[int]], dates: Mapping[str, Collection[date]]) -> dict[str, set[date]]:
    touched = {servant: set(each) for servant, each in dates.items() if each}
    for servant, each in instants.items():
        for at in each:
            # The date of UTC is the civil date or the one before it, in any zone of the country.
            day = date.fromordinal(date(1970, 1, 1).toordinal() + at // 86_400)
            touched.setdefault(servant, set()).update(neighbours(day, AROUND_AN_INSTANT + 1))
    return touched


def _needs(servant: str, dates: Collection[date]) -> list[Need]:
    return [Need(servant, run[0], run[-1]) for run in _runs(sorted(dates), AROUND_A_REST)]


def _runs(dates: Sequence[date], around: int) -> list[list[date]]:
    """The dates with those around them, in runs without holes."""
    wanted = sorted({near for day in dates for near in neighbours(day, around)})
    runs: list[list[date]] = []
    for day in wanted:
        if runs and day - runs[-1][-1] == ONE_DAY:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
