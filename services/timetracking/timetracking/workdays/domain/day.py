"""The working day: a pure function of a set of facts.

`workdays` gives the days of one servant. Late, doubled, shuffled or re-sent facts give the same days. Source: Order 120
points 9 and 20, Order 121 points 3(5) and 4, Labour Code articles 71, 76, 79 and 83.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from kernel.intervals import Span, Spans, overlap, total, union, within

from timetracking.workdays.domain.borders import ONE_DAY, Law, Windows, Zones, civil_instant
from timetracking.workdays.domain.figures import (
    Outline,
    beyond_daily_limit,
    kinds_of,
    outline,
    remote_presence,
    sessions_in_office,
    shortfall,
)
from timetracking.workdays.domain.reads import CountedRead, counted_reads, in_order
from timetracking.workdays.domain.stays import crosses, presence
from timetracking.workdays.domain.words import (
    Added,
    AddedStay,
    Direction,
    Facts,
    Finding,
    Plan,
    ReadOutcome,
    Seconds,
    State,
    Stay,
    Void,
    WorkdayContent,
)

IN, OUT = Direction.IN, Direction.OUT
DAY_SECONDS = 86_400
EPOCH = date(1970, 1, 1).toordinal()


class _Window(NamedTuple):
    """A window and its reads."""

    span: Span
    counted: list[CountedRead]
    outcomes: list[ReadOutcome]


class _Servant:
    """The facts of one servant in computing order; what several dates need is computed once."""

    def __init__(self, facts: Facts, zones: Zones, law: Law) -> None:
        self.plans, self.zones, self.law = facts.plans, zones, law
        self.windows = Windows(facts.plans, facts.orders, zones, law)
        self.reads = in_order(facts.reads)
        self.instants = [read.at for read in self.reads]
        self.sessions = sorted({(each.start, each.end) for each in facts.sessions}, key=lambda each: (each[0], each[1] or each[0]))
        corrections = set(facts.corrections)
        self.voided = frozenset((each.device, each.event_key) for each in corrections if isinstance(each, Void))
        self.added = sorted((each for each in corrections if isinstance(each, Added)), key=lambda each: (each.at, each.direction))
        self.added_stays = sorted((each.start, each.end) for each in corrections if isinstance(each, AddedStay))
        self._windows: dict[date, _Window] = {}
        self._nights: dict[int, Span] = {}
        self.holidays = sorted(
            (civil_instant(zones(day), day, 0), civil_instant(zones(day), day + ONE_DAY, 0))
            for day, plan in facts.plans.items()
            if plan.holiday
        )

    def window(self, day: date) -> _Window:
        window = self._windows.get(day)
        if window is None:
            start, end = span = self.windows.of(day)
            inside = self.reads[bisect_left(self.instants, start) : bisect_left(self.instants, end)]
            window = self._windows[day] = _Window(span, *counted_reads(inside, self.voided, self.law(day).double_read_window))
        return window

    def crosses_into(self, following: date) -> bool:
        """Whether a stay goes on from the date before into `following`."""
        own = following - ONE_DAY
        last, first = self.window(own).counted, self.window(following).counted
        if not (last and first and last[-1][1] is IN and first[0][1] is OUT):
            return False
        law, duties = self.law(own), self.windows.duties
        return crosses(
            last[-1][0],
            first[0][0],
            duties.get(own),
            duties.get(following),
            law.longest_stay,
            law.stay_beyond_duty,
            law.border_margin,
        )

    def nights(self, start: int, end: int) -> list[Span]:
        """The nights of the civil clock that touch [start, end), and one beside them."""
        # The dates of UTC with one more on each side hold the civil dates of any zone; a night may have begun on the date before.
        return [self._night(EPOCH + days) for days in range(start // DAY_SECONDS - 2, end // DAY_SECONDS + 2)]

    def _night(self, ordinal: int) -> Span:
        if ordinal not in self._nights:
            day = date.fromordinal(ordinal)
            zone, (since, until) = self.zones(day), self.law(day).night
            morning = day + ONE_DAY if until <= since else day
            self._nights[ordinal] = civil_instant(zone, day, since), civil_instant(zone, morning, until)
        return self._nights[ordinal]


def workdays(facts: Facts, dates: Iterable[date], zones: Zones, law: Law, now: int) -> list[WorkdayContent]:
    """The days of one servant on `dates`, as they stand at the instant `now`.

    `zones` gives the zone of the body's place and `law` the parameters, each on a date. Windows that end after `now` are
    in progress.
    """
    return [content for content, _ in workdays_and_entries(facts, dates, zones, law, now)]


def workdays_and_entries(facts: Facts, dates: Iterable[date], zones: Zones, law: Law, now: int) -> list[tuple[WorkdayContent, bool]]:
    """The same days, each with whether a stay comes into it over its beginning: its neighbours follow from it in nothing else."""
    servant = _Servant(facts, zones, law)
    return [(_workday(servant, day, now), servant.crosses_into(day)) for day in dates]


def _workday(servant: _Servant, day: date, now: int) -> WorkdayContent:
    window, counted, outcomes = servant.window(day)
    plan, goes_on = servant.plans.get(day), servant.crosses_into(day + ONE_DAY)
    open_end = window[1] > now
    out = outline(plan) if plan is not None else None
    added = [each for each in servant.added if window[0] <= each.at < window[1]]
    seen = presence(
        counted,
        window,
        out.lending if out else None,
        added,
        crosses_in=servant.crosses_into(day),
        crosses_out=goes_on,
        open_end=open_end,
    )
    if servant.added_stays:
        seen.stays += [Stay(start, end, assumed=False) for start, end in within(servant.added_stays, *window) if start < end]
    seen.stays.sort()
    known = union((start, end) for start, end, assumed in seen.stays if not assumed)
    seconds, work = Seconds(known=total(known)), None
    findings: list[Finding] = []
    sessions: list[Stay] = []
    if plan is not None and out is not None:
        sessions, findings = remote_presence(servant.sessions, plan, window, open_end=open_end)
        seconds, more, work = _figures(servant, plan, out, known, seen.stays, sessions, open_end=open_end)
        findings += seen.findings + more
        if len(findings) > 1:
            findings.sort(key=_first_kind_seconds)
    return WorkdayContent(
        date=day,
        state=State.WAITING if plan is None else State.IN_PROGRESS if open_end else State.COMPUTED,
        window=window,
        seconds=seconds,
        stays=tuple(seen.stays) if plan is not None else tuple(stay for stay in seen.stays if not stay.assumed),
        reads=tuple(outcomes),
        findings=tuple(findings),
        superseded=tuple([each for each in added if each not in seen.used]),
        sessions=tuple(sessions),
        work=work,
        crosses=goes_on,
    )


def _first_kind_seconds(finding: Finding) -> tuple[int, str, int]:
    return finding.first, finding.kind, finding.seconds


def _figures(
    servant: _Servant,
    plan: Plan,
    out: Outline,
    known: Spans,
    stays: Sequence[Stay],
    sessions: Sequence[Stay],
    *,
    open_end: bool,
) -> tuple[Seconds, list[Finding], Span | None]:
    """The figures, the findings that follow from plan and presence, and the span from the first to the last work."""
    kinds = kinds_of(
        out,
        servant.windows.orders.get(plan.date, ()),
        known,
        union((start, end) for start, end, assumed in stays if assumed),
        union((start, end) for start, end, assumed in sessions if not assumed) if sessions else (),
        union((start, end) for start, end, assumed in sessions if assumed) if sessions else (),
    )
    worked = kinds.worked
    missed, findings = shortfall(plan, out, worked, open_end=open_end)
    findings += sessions_in_office(plan, sessions)
    findings += beyond_daily_limit(plan, worked, servant.law(plan.date).daily_limit)
    work = union(worked, kinds.overtime, kinds.rest_day) if kinds.overtime or kinds.rest_day else worked
    began_and_ended = (work[0][0], work[-1][1]) if work else None
    seconds = Seconds(
        worked=total(worked),
        assumed=kinds.assumed,
        overtime=total(kinds.overtime),
        rest_day=total(kinds.rest_day),
        outside_hours=kinds.outside,
        remote_outside_hours=kinds.remote_outside,
        gap=kinds.gap,
        night=total(overlap(work, servant.nights(*began_and_ended))) if began_and_ended else 0,
        holiday=total(overlap(work, servant.holidays)),
        late=missed.late,
        early=missed.early,
        left=missed.left,
        absent=missed.absent,
        excused=total(out.excused) - total(overlap(out.excused, worked)),
        known=total(known),
    )
    return seconds, findings, began_and_ended


@dataclass(frozen=True, slots=True)
class ShortRest:
    """Too little rest between the work of two dates (Labour Code, art. 83)."""

    dates: tuple[date, date]
    end_of_work: int
    seconds: int
    rule: str = "lc-83"


def short_rests(days: Sequence[WorkdayContent], law: Law) -> list[ShortRest]:
    """The pairs of dates with work between which the rest is too short; `days` are consecutive dates of one servant.

    The rest goes from the end of work, worked or ordered, to the beginning of work. A date between whose plan is not
    known or whose window is open says nothing yet, so no pair is made over it.
    """
    found = []
    before: WorkdayContent | None = None
    for day in days:
        if day.work is None:
            if day.state is not State.COMPUTED:
                before = None
            continue
        if before is not None and before.work is not None:
            rest = day.work[0] - before.work[1]
            if rest < law(before.date).rest_between_days:
                found.append(ShortRest((before.date, day.date), before.work[1], rest))
        before = day
    return found


def neighbours(day: date, reach: int) -> list[date]:
    """The dates that a change on `day` may touch: `day` ± `reach`."""
    return [day + timedelta(days=offset) for offset in range(-reach, reach + 1)]
