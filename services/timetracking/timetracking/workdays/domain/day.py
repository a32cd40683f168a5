"""The working day: a pure function of a set of facts.

`workdays` gives the days of one servant. Late, doubled, shuffled or re-sent facts give the same days. Source: Order 120
points 9 and 20, Order 121 points 3(5) and 4, Labour Code articles 71, 76, 79 and 83.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from kernel.intervals import Span, Spans, overlap, total, union, within

from timetracking.workdays.domain import figures
from timetracking.workdays.domain.borders import ONE_DAY, Law, Windows, Zones, civil_instant
from timetracking.workdays.domain.reads import CountedRead, counted_reads, in_order
from timetracking.workdays.domain.stays import crosses, presence
from timetracking.workdays.domain.words import (
    Added,
    AddedStay,
    Facts,
    Finding,
    Parameters,
    Plan,
    Read,
    ReadOutcome,
    Seconds,
    State,
    Stay,
    Void,
    WorkdayContent,
)

DAY_SECONDS = 86_400
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class _Window:
    """The reads of one window."""

    counted: list[CountedRead]
    outcomes: list[ReadOutcome]


class _Servant:
    """The facts of one servant in computing order; what several dates need is computed once."""

    def __init__(self, facts: Facts, zones: Zones, law: Law) -> None:
        self.plans, self.zones, self.law = facts.plans, zones, law
        self.windows = Windows(facts.plans, tuple(dict.fromkeys(facts.orders)), zones, law)
        self.reads = in_order(facts.reads)
        self.instants = [read.at for read in self.reads]
        self.sessions = sorted({(each.start, each.end) for each in facts.sessions}, key=lambda each: (each[0], each[1] or each[0]))
        corrections = set(facts.corrections)
        self.voided = frozenset((each.device, each.event_key) for each in corrections if isinstance(each, Void))
        self.added = sorted((each for each in corrections if isinstance(each, Added)), key=lambda each: (each.at, each.direction))
        self.added_stays = sorted((each.start, each.end) for each in corrections if isinstance(each, AddedStay))
        self._read: dict[date, _Window] = {}

    def window(self, day: date) -> _Window:
        if day not in self._read:
            start, end = self.windows.of(day)
            inside: Sequence[Read] = self.reads[bisect_left(self.instants, start) : bisect_left(self.instants, end)]
            self._read[day] = _Window(*counted_reads(inside, self.voided, self.law(day).double_read_window))
        return self._read[day]

    def crosses_into(self, following: date) -> bool:
        """Whether a stay goes on from the date before into `following`."""
        own = following - ONE_DAY
        law = self.law(own)
        last, first = self.window(own).counted, self.window(following).counted
        return crosses(
            last[-1] if last else None,
            first[0] if first else None,
            self.windows.duties.get(own),
            self.windows.duties.get(following),
            law.longest_stay,
            law.stay_beyond_duty,
            law.border_margin,
        )

    def night(self, start: int, end: int) -> list[Span]:
        """The nights of the civil clock that touch [start, end)."""
        bands = []
        for day in self._civil_dates(start, end):
            since, until = self.law(day).night
            morning = day + ONE_DAY if until <= since else day
            bands.append((civil_instant(self.zones(day), day, since), civil_instant(self.zones(day), morning, until)))
        return bands

    def holidays(self, start: int, end: int) -> list[Span]:
        """The public holidays that touch [start, end); the flag stands in the plan of the civil date."""
        return [
            (civil_instant(self.zones(day), day, 0), civil_instant(self.zones(day), day + ONE_DAY, 0))
            for day in self._civil_dates(start, end)
            if day in self.plans and self.plans[day].holiday
        ]

    def _civil_dates(self, start: int, end: int) -> Iterable[date]:
        # The dates of UTC with one more on each side hold the civil dates of any zone.
        for ordinal in range(start // DAY_SECONDS - 1, end // DAY_SECONDS + 2):
            yield date.fromordinal(EPOCH + ordinal)


def workdays(facts: Facts, dates: Iterable[date], zones: Zones, law: Law, now: int) -> list[WorkdayContent]:
    """The days of one servant on `dates`, as they stand at the instant `now`.

    `zones` gives the zone of the body's place and `law` the parameters, each on a date. Windows that end after `now` are
    in progress.
    """
    servant = _Servant(facts, zones, law)
    return [_workday(servant, day, now) for day in dates]


def _workday(servant: _Servant, day: date, now: int) -> WorkdayContent:
    window, law, plan = servant.windows.of(day), servant.law(day), servant.plans.get(day)
    own = servant.window(day)
    open_end = window[1] > now
    added = [each for each in servant.added if window[0] <= each.at < window[1]]
    out = figures.outline(plan) if plan is not None else None
    goes_on = servant.crosses_into(day + ONE_DAY)
    day_presence = presence(
        own.counted,
        window,
        out.lending if out else None,
        added,
        crosses_in=servant.crosses_into(day),
        crosses_out=goes_on,
        open_end=open_end,
    )
    day_presence.stays.extend(Stay(*part, assumed=False) for part in within(servant.added_stays, *window) if part[0] < part[1])
    stays = sorted(day_presence.stays, key=lambda stay: (stay.start, stay.end, stay.assumed))
    known = union((stay.start, stay.end) for stay in stays if not stay.assumed)
    superseded = tuple(each for each in added if each not in day_presence.used)
    if plan is None:
        return WorkdayContent(
            date=day,
            state=State.WAITING,
            window=window,
            seconds=Seconds(known=total(known)),
            stays=tuple(stay for stay in stays if not stay.assumed),
            reads=tuple(own.outcomes),
            findings=(),
            superseded=superseded,
            crosses=goes_on,
        )
    sessions, session_findings = figures.remote_presence(servant.sessions, plan, window, open_end=open_end)
    seconds, findings, work = _figures(servant, day, plan, law, known, stays, sessions, open_end=open_end)
    return WorkdayContent(
        date=day,
        state=State.IN_PROGRESS if open_end else State.COMPUTED,
        window=window,
        seconds=seconds,
        stays=tuple(stays),
        reads=tuple(own.outcomes),
        findings=tuple(
            sorted({*day_presence.findings, *session_findings, *findings}, key=lambda each: (each.first, each.kind, each.seconds))
        ),
        superseded=superseded,
        sessions=tuple(sessions),
        work=work,
        crosses=goes_on,
    )


def _figures(
    servant: _Servant,
    day: date,
    plan: Plan,
    law: Parameters,
    known: Spans,
    stays: Sequence[Stay],
    sessions: Sequence[Stay],
    *,
    open_end: bool,
) -> tuple[Seconds, list[Finding], Span | None]:
    """The figures, the findings that follow from plan and presence, and the span from the first to the last work."""
    kinds = figures.kinds_of(
        plan,
        servant.windows.orders.get(day, ()),
        known,
        union((stay.start, stay.end) for stay in stays if stay.assumed),
        union((each.start, each.end) for each in sessions if not each.assumed),
        union((each.start, each.end) for each in sessions if each.assumed),
    )
    missed, findings = figures.shortfall(plan, kinds.worked, open_end=open_end)
    findings += figures.sessions_in_office(plan, sessions)
    findings += figures.beyond_daily_limit(plan, kinds.worked, law.daily_limit)
    ordered = kinds.ordered
    work = union(kinds.worked, ordered) if ordered else kinds.worked
    out = figures.outline(plan)
    seconds = Seconds(
        worked=total(kinds.worked),
        assumed=kinds.assumed,
        overtime=total(kinds.overtime),
        rest_day=total(kinds.rest_day),
        outside_hours=kinds.outside,
        remote_outside_hours=kinds.remote_outside,
        gap=kinds.gap,
        night=figures.on_civil_clock(work, servant.night),
        holiday=figures.on_civil_clock(work, servant.holidays),
        late=missed.late,
        early=missed.early,
        left=missed.left,
        absent=missed.absent,
        excused=total(out.excused) - total(overlap(out.excused, kinds.worked)) if out.excused else 0,
        known=total(known),
    )
    return seconds, findings, (work[0][0], work[-1][1]) if work else None


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
