"""The working day: a pure function of a set of facts.

`workdays` gives the days of one servant. Late, doubled, shuffled or re-sent facts give the same days. Source: Order 120
points 9 and 20, Order 121 points 3(5) and 4, Labour Code articles 71, 76, 79 and 83.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from typing import NamedTuple

from kernel.intervals import Span, Spans, less, overlap, total, union, within

from timetracking.workdays.domain.borders import DAY_SECONDS, ONE_DAY, Law, Windows, Zones, civil_instant, nights
from timetracking.workdays.domain.figures import (
    beyond_daily_limit,
    beyond_plan,
    remote_presence,
    sessions_in_office,
    shortfall,
    worked_in_plan,
)
from timetracking.workdays.domain.plan import Plan
from timetracking.workdays.domain.reads import CountedRead, counted_reads, in_order
from timetracking.workdays.domain.stays import StayRow, crosses, presence
from timetracking.workdays.domain.words import (
    Added,
    Became,
    Direction,
    Facts,
    Finding,
    Read,
    Seconds,
    State,
    Stay,
    Void,
    WorkdayContent,
    named,
)

IN, OUT = Direction.IN, Direction.OUT
first_kind_seconds = attrgetter("first", "kind", "seconds")
WAITING, IN_PROGRESS, COMPUTED = State.WAITING, State.IN_PROGRESS, State.COMPUTED

_Window = tuple[Span, list[Read], list[CountedRead], list[Became]]
"""A window, its reads, the counted ones, and what became of each."""


class _Servant:
    """The facts of one servant in computing order; what several dates need is computed once."""

    def __init__(self, facts: Facts, zones: Zones, law: Law, windows: Windows | None) -> None:
        self.plans, self.zones, self.law = facts.plans, zones, law
        self.windows = windows or Windows(facts.plans, facts.orders, zones, law)
        self.reads, self.instants = in_order(facts.reads)
        self.sessions = sorted({(each.start, each.end) for each in facts.sessions}, key=lambda each: (each[0], each[1] or each[0]))
        self.voided: set[tuple[str, str]] = set()
        self.added: list[Added] = []
        self.added_stays: list[Span] = []
        for each in set(facts.corrections):
            if isinstance(each, Void):
                self.voided.add((each.device, each.event_key))
            elif isinstance(each, Added):
                self.added.append(each)
            else:
                self.added_stays.append((each.start, each.end))
        self.added.sort(key=lambda each: (each.at, each.direction))
        self.added_stays.sort()
        holidays = [(zones(day), day) for day, plan in facts.plans.items() if plan.holiday]
        self.holidays = sorted([(civil_instant(zone, day, 0), civil_instant(zone, day + ONE_DAY, 0)) for zone, day in holidays])
        self._windows: dict[date, _Window] = {}

    def window(self, day: date) -> _Window:
        window = self._windows.get(day)
        if window is None:
            start, end = span = self.windows.of(day)
            reads = self.reads[bisect_left(self.instants, start) : bisect_left(self.instants, end)]
            window = self._windows[day] = span, reads, *counted_reads(reads, self.voided, self.law(day).double_read_window)
        return window

    def crosses_after(self, day: date) -> bool:
        """Whether a stay goes on over the end of a date's window."""
        following = day + ONE_DAY
        span, _, last, _ = self.window(day)
        if not last or last[-1][1] is not IN or self.instants[-1] < span[1]:
            return False
        _, _, first, _ = self.window(following)
        if not first or first[0][1] is not OUT:
            return False
        law, duties = self.law(day), self.windows.duties
        return crosses(
            last[-1][0],
            first[0][0],
            duties.get(day),
            duties.get(following),
            law.longest_stay,
            law.stay_beyond_duty,
            law.border_margin,
        )


def workdays(facts: Facts, dates: Iterable[date], zones: Zones, law: Law, now: int) -> list[WorkdayContent]:
    """The days of one servant on `dates`, as they stand at the instant `now`.

    `zones` gives the zone of the body's place and `law` the parameters, each on a date. Windows that end after `now` are
    in progress.
    """
    return [content for content, _ in workdays_and_entries(facts, dates, zones, law, now)]


def workdays_and_entries(
    facts: Facts, dates: Iterable[date], zones: Zones, law: Law, now: int, windows: Windows | None = None
) -> list[tuple[WorkdayContent, bool]]:
    """The same days, each with whether a stay comes into it over its beginning: its neighbours follow from it in nothing else.

    `windows` are given by who knows them already.
    """
    servant = _Servant(facts, zones, law, windows)
    return [_workday_and_entry(servant, day, now) for day in dates]


def _workday_and_entry(servant: _Servant, day: date, now: int) -> tuple[WorkdayContent, bool]:
    window, reads, counted, became = servant.window(day)
    plan, open_end = servant.plans.get(day), window[1] > now
    # Only here are the windows beside this one looked at.
    entered = bool(counted) and counted[0][1] is OUT and servant.crosses_after(day - ONE_DAY)
    goes_on = bool(counted) and counted[-1][1] is IN and servant.crosses_after(day)
    added = [each for each in servant.added if window[0] <= each.at < window[1]] if servant.added else []
    lending = plan.outline.lending if plan is not None else None
    seen = presence(counted, window, lending, added, crosses_in=entered, crosses_out=goes_on, open_end=open_end)
    stays = seen.stays
    if servant.added_stays:
        stays += [(start, end, False) for start, end in within(servant.added_stays, *window) if start < end]
    stays.sort()
    known = [(start, end) for start, end, assumed in stays if start < end and not assumed]
    if servant.added_stays:
        known = union(known)
    work: Span | None = None
    sessions: list[Stay] = []
    findings: list[Finding] = []
    if plan is None:
        stays = [stay for stay in stays if not stay[2]]
        seconds = Seconds(known=total(known))
    else:
        if servant.sessions:
            sessions, findings = remote_presence(servant.sessions, plan, window, open_end=open_end)
        seconds, more, work = _figures(servant, plan, known, stays, sessions, open_end=open_end)
        findings += seen.findings + more
        if len(findings) > 1:
            findings.sort(key=first_kind_seconds)
    content = WorkdayContent(
        day,
        WAITING if plan is None else IN_PROGRESS if open_end else COMPUTED,
        window,
        seconds,
        named(Stay, stays),
        tuple(zip(reads, became, strict=True)),
        tuple(findings),
        tuple([each for each in added if each not in seen.used]) if added else (),
        tuple(sessions),
        work,
        goes_on,
    )
    return content, entered


def _figures(
    servant: _Servant, plan: Plan, known: Spans, stays: Sequence[StayRow], sessions: Sequence[Stay], *, open_end: bool
) -> tuple[Seconds, list[Finding], Span | None]:
    """The figures, the findings that follow from plan and presence, and the span from the first to the last work."""
    out, law, orders = plan.outline, servant.law(plan.date), servant.windows.orders.get(plan.date, ())
    assumed = [(start, end) for start, end, assumed in stays if start < end and assumed] if len(known) < len(stays) else []
    held = union((start, end) for start, end, assumed in sessions if not assumed) if sessions else []
    held_assumed = union((start, end) for start, end, assumed in sessions if assumed) if sessions else []
    worked, worked_seconds, assumed_seconds, present = worked_in_plan(out, known, assumed, held, held_assumed)
    known_seconds, inside = total(known), total(within(known, *plan.span)) if plan.span else 0
    ordered: Spans = ()
    overtime, rest_day, outside, remote_outside = 0, 0, known_seconds - inside, 0
    if orders or held:
        ordered, overtime, rest_day, outside, remote_outside = beyond_plan(out, orders, known, held)
    missed, findings = shortfall(plan, worked, open_end=open_end)
    if sessions:
        findings += sessions_in_office(plan, sessions)
    if worked_seconds > law.daily_limit:
        findings += beyond_daily_limit(plan, worked, worked_seconds, law.daily_limit)
    work = union(worked, ordered) if ordered else worked
    began_and_ended, night = None, 0
    if work:
        start, end = began_and_ended = work[0][0], work[-1][1]
        dark = within(nights(servant.zones(plan.date), law.night, start // DAY_SECONDS, end // DAY_SECONDS), start, end)
        night = total(overlap(work, dark)) if dark else 0
    # In the order of the fields, which is quicker than by their names.
    seconds = Seconds(
        worked_seconds,
        assumed_seconds,
        overtime,
        rest_day,
        outside,
        remote_outside,
        inside - present,
        night,
        total(overlap(work, servant.holidays)) if servant.holidays else 0,
        missed.late,
        missed.early,
        missed.left,
        missed.absent,
        total(less(out.excused, worked)) if out.excused else 0,
        known_seconds,
    )
    return seconds, findings, began_and_ended


@dataclass(frozen=True, slots=True)
class ShortRest:
    """Too little rest between the work of two dates (Labour Code, art. 83)."""

    dates: tuple[date, date]
    end_of_work: int
    seconds: int
    rule: str = "lc-83"


class Worked(NamedTuple):
    """As much of a day as rests follow from."""

    date: date
    state: State
    work: Span | None


def short_rests(days: Sequence[WorkdayContent | Worked], law: Law) -> list[ShortRest]:
    """The pairs of dates with work between which the rest is too short; `days` are consecutive dates of one servant.

    The rest goes from the end of work, worked or ordered, to the beginning of work. A date between whose plan is not
    known or whose window is open says nothing yet, so no pair is made over it.
    """
    found = []
    before: WorkdayContent | Worked | None = None
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
