"""From presence and plan to figures and findings: what was worked, what was due and not worked, what was beyond the plan.

Seconds inside, minutes are only shown. Grace never reduces a figure, it only keeps a finding from being raised.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise

from kernel.intervals import Span, Spans, less, overlap, total, union, within

from timetracking.workdays.domain.words import (
    Finding,
    FindingKind,
    Order,
    OrderKind,
    Place,
    Plan,
    PlanKind,
    Stay,
)

RULE_OF_THE_BODYS_HOURS = "o121-p4"
RULE_OF_FLEXIBLE_HOURS = "o120-p20"
RULE_OF_REMOTE_ACCOUNTING = "o120-p9"
RULE_OF_THE_DAILY_LIMIT = "lc-71"

BEYOND_THE_DAILY_LIMIT = frozenset({PlanKind.SHIFT, PlanKind.SLIDING, PlanKind.FLEXIBLE, PlanKind.SUMMARISED})
REMOTE_KINDS = frozenset({PlanKind.REMOTE, PlanKind.COMBINED})


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of consecutive intervals at one place, with the seconds of it that are due."""

    place: Place
    due: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """What follows from a plan alone, computed once for all who share the plan."""

    span: Span | None
    lending: Span | None
    office: tuple[Span, ...]
    remote: tuple[Span, ...]
    way: tuple[Span, ...]
    planned: tuple[Span, ...]
    excused: tuple[Span, ...]
    stretches: tuple[Stretch, ...]


@lru_cache(maxsize=65_536)
def outline(plan: Plan) -> Outline:
    """Breaks are taken out of everything; due are the planned seconds that are not excused, of a flexible plan its core."""
    breaks, excused = union(plan.breaks), union(plan.excused)

    def at(*places: Place) -> tuple[Span, ...]:
        return tuple(less(union((each.start, each.end) for each in plan.intervals if each.place in places), breaks))

    stretches = []
    for place, run in groupby(plan.intervals, key=lambda each: each.place):
        if place is Place.WAY:
            continue
        due = less(less(union((each.start, each.end) for each in run), breaks), excused)
        stretches.append(Stretch(place, tuple(overlap(due, [plan.core]) if plan.core else due)))
    planned = at(*Place)
    return Outline(
        span=plan.span,
        lending=plan.core or plan.span,
        office=at(Place.OFFICE),
        remote=at(Place.REMOTE),
        way=at(Place.WAY),
        planned=planned,
        excused=tuple(overlap(planned, excused)),
        stretches=tuple(stretches),
    )


def remote_presence(
    sessions: Sequence[tuple[int, int | None]], plan: Plan | None, window: Span, *, open_end: bool
) -> tuple[list[Stay], list[Finding]]:
    """The parts of sessions inside a window. A session without an end lasts to the end of the remote interval it began in."""
    stays: list[Stay] = []
    findings: list[Finding] = []
    for start, end in sessions:
        if end is not None:
            stays.extend(Stay(*part, assumed=False) for part in within([(start, end)], *window) if part[0] < part[1])
        elif window[0] <= start < window[1] and not open_end:
            holding = [each.end for each in plan.intervals if each.place is Place.REMOTE and each.start <= start < each.end] if plan else []
            until = min(holding[0], window[1]) if holding else start
            if start < until:
                stays.append(Stay(start, until, assumed=True))
            findings.append(Finding(FindingKind.MISSING_END_OF_SESSION, start, until - start, RULE_OF_REMOTE_ACCOUNTING))
    return stays, findings


@dataclass(frozen=True, slots=True)
class Kinds:
    """The seconds of a window by what they are."""

    worked: list[Span]
    assumed: int
    overtime: list[Span]
    rest_day: list[Span]
    outside: int
    remote_outside: int
    gap: int

    @property
    def ordered(self) -> list[Span]:
        return union(self.overtime, self.rest_day)


def kinds_of(plan: Plan, orders: Sequence[Order], known: Spans, assumed: Spans, sessions: Spans, assumed_sessions: Spans) -> Kinds:
    """Gives each known second exactly one kind; assumed seconds are worked or nothing; orders count only what is known."""
    out = outline(plan)
    span = [out.span] if out.span else []
    anywhere = union(known, sessions)  # what orders and remote intervals count
    sure = union(overlap(out.office, known), overlap(out.remote, anywhere), out.way)
    worked = union(sure, overlap(out.office, assumed), overlap(out.remote, assumed_sessions)) if assumed or assumed_sessions else sure
    beyond = less(known, span)
    overtime: list[Span] = []
    rest_day: list[Span] = []
    remote_beyond = less(less(sessions, span), known) if sessions else []
    if orders:
        called = less(anywhere, span)
        overtime = overlap(called, _ordered(orders, OrderKind.OVERTIME))
        rest_day = less(overlap(called, _ordered(orders, OrderKind.REST_DAY)), overtime)
        ordered = union(overtime, rest_day)
        beyond = less(beyond, ordered)
        # A session in the break of an order is inside the order, and no work: it has no kind.
        remote_beyond = less(remote_beyond, union((order.start, order.end) for order in orders))
    return Kinds(
        worked=worked,
        assumed=total(worked) - total(sure),
        overtime=overtime,
        rest_day=rest_day,
        outside=total(beyond),
        remote_outside=total(remote_beyond),
        gap=total(less(overlap(known, span), out.planned)),
    )


def _ordered(orders: Sequence[Order], kind: OrderKind) -> list[Span]:
    return union(*(less([(order.start, order.end)], union(order.breaks)) for order in orders if order.kind is kind))


@dataclass(slots=True)
class Shortfall:
    """The due seconds that were not worked, and what is raised for them."""

    late: int = 0
    early: int = 0
    left: int = 0
    absent: int = 0


def shortfall(plan: Plan, worked: Spans, *, open_end: bool) -> tuple[Shortfall, list[Finding]]:
    """Late, early, left and absent of each stretch, and their findings; an open day is neither left early nor absent.

    A plan is flexible by its core: the kind is read by the daily limit alone.
    """
    out = outline(plan)
    rule = RULE_OF_FLEXIBLE_HOURS if plan.core is not None else RULE_OF_THE_BODYS_HOURS
    sums = Shortfall()
    findings: list[Finding] = []

    def beyond_grace(kind: FindingKind, spans: Spans, seconds: int) -> None:
        if seconds > plan.grace:
            findings.append(Finding(kind, spans[0][0], seconds, rule))

    for stretch in out.stretches:
        due = stretch.due
        unworked = less(due, worked)
        if not unworked:
            continue
        done = overlap(due, worked)
        if not done:
            if not open_end:
                seconds = total(due)
                sums.absent += seconds
                if stretch.place is Place.REMOTE:
                    findings.append(Finding(FindingKind.REMOTE_WITHOUT_SESSION, due[0][0], seconds, RULE_OF_REMOTE_ACCOUNTING))
                else:
                    findings.append(Finding(FindingKind.ABSENT, due[0][0], seconds, rule))
            continue
        first, last = done[0][0], done[-1][1]
        before = [part for part in unworked if part[0] < first]
        if before:
            late = total(before)
            sums.late += late
            beyond_grace(FindingKind.LATE, before, late)
        after = [part for part in unworked if part[0] >= last]
        if after and not open_end:
            early = total(after)
            sums.early += early
            beyond_grace(FindingKind.EARLY_LEAVE, after, early)
        for gap in _gaps(unworked, done):
            seconds = total(gap)
            sums.left += seconds
            beyond_grace(FindingKind.LEFT_DURING_DAY, gap, seconds)
    return sums, findings


def _gaps(unworked: Spans, done: Spans) -> Iterator[list[Span]]:
    """The unworked due seconds between two worked ones; a break between does not part a gap."""
    at = 0
    for (_, leave), (back, _) in pairwise(done):
        while at < len(unworked) and unworked[at][0] < leave:
            at += 1
        gap = []
        while at < len(unworked) and unworked[at][0] < back:
            gap.append(unworked[at])
            at += 1
        if gap:
            yield gap


def sessions_in_office(plan: Plan, sessions: Sequence[Stay]) -> list[Finding]:
    """A session counts nothing in an office interval: each unbroken run of both is shown, with its seconds less breaks."""
    office = union((each.start, each.end) for each in plan.intervals if each.place is Place.OFFICE)
    breaks = union(plan.breaks)
    runs = overlap(union((each.start, each.end) for each in sessions), office)
    lengths = ((start, total(less([(start, end)], breaks))) for start, end in runs)
    return [
        Finding(FindingKind.SESSION_IN_OFFICE_INTERVAL, start, seconds, RULE_OF_REMOTE_ACCOUNTING) for start, seconds in lengths if seconds
    ]


def beyond_daily_limit(plan: Plan, worked: Spans, limit: int) -> list[Finding]:
    """Work beyond the daily limit, outside the modes in which a day may be longer."""
    if plan.kind in BEYOND_THE_DAILY_LIMIT:
        return []
    excess = total(worked) - limit
    if excess <= 0:
        return []
    rule = RULE_OF_REMOTE_ACCOUNTING if plan.kind in REMOTE_KINDS else RULE_OF_THE_DAILY_LIMIT
    left = limit
    for start, end in worked:
        if left < end - start:
            return [Finding(FindingKind.DAILY_LIMIT, start + left, excess, rule)]
        left -= end - start
    raise AssertionError("work beyond a limit has a first second beyond it")


def on_civil_clock(spans: Spans, bands: Callable[[int, int], list[Span]]) -> int:
    """The seconds that fall into bands of the civil clock, whatever date the work belongs to."""
    return total(overlap(spans, bands(spans[0][0], spans[-1][1]))) if spans else 0
