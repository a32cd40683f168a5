"""From presence and plan to figures and findings: what was worked, what was due and not worked, what was beyond the plan.

Seconds inside, minutes are only shown. Grace never reduces a figure, it only keeps a finding from being raised.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

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


class Kinds(NamedTuple):
    """The seconds of a window by what they are."""

    worked: list[Span]
    assumed: int
    overtime: list[Span]
    rest_day: list[Span]
    outside: int
    remote_outside: int
    gap: int


def kinds_of(out: Outline, orders: Sequence[Order], known: Spans, assumed: Spans, sessions: Spans, assumed_sessions: Spans) -> Kinds:
    """Gives each known second exactly one kind; assumed seconds are worked or nothing; orders count only what is known."""
    span = (out.span,) if out.span else ()
    inside = overlap(known, span)
    anywhere = union(known, sessions) if sessions else known  # what orders and remote intervals count
    sure = overlap(out.office, inside)
    planned = total(sure)
    if out.remote or out.way:
        planned = total(overlap(out.planned, inside))
        sure = union(sure, overlap(out.remote, anywhere), out.way)
    worked = union(sure, overlap(out.office, assumed), overlap(out.remote, assumed_sessions)) if assumed or assumed_sessions else sure
    outside = total(known) - total(inside)
    overtime: list[Span] = []
    rest_day: list[Span] = []
    remote_beyond = less(less(sessions, span), known) if sessions else []
    if orders:
        called = less(anywhere, span)
        overtime = overlap(called, _ordered(orders, OrderKind.OVERTIME))
        rest_day = less(overlap(called, _ordered(orders, OrderKind.REST_DAY)), overtime)
        outside = total(less(less(known, span), union(overtime, rest_day)))
        # A session in the break of an order is inside the order, and no work: it has no kind.
        remote_beyond = less(remote_beyond, union((order.start, order.end) for order in orders))
    return Kinds(
        worked=worked,
        assumed=total(worked) - total(sure) if worked is not sure else 0,
        overtime=overtime,
        rest_day=rest_day,
        outside=outside,
        remote_outside=total(remote_beyond),
        gap=total(inside) - planned,
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


def shortfall(plan: Plan, out: Outline, worked: Spans, *, open_end: bool) -> tuple[Shortfall, list[Finding]]:
    """Late, early, left and absent of each stretch, and their findings; an open day is neither left early nor absent.

    A plan is flexible by its core: the kind is read by the daily limit alone.
    """
    sums = Shortfall()
    findings: list[Finding] = []
    for stretch in out.stretches:
        unworked = less(stretch.due, worked)
        if not unworked:
            continue
        done = overlap(stretch.due, worked)
        if done:
            _missed(plan, sums, findings, unworked, done, open_end=open_end)
        elif not open_end:
            absent = total(unworked)
            sums.absent += absent
            if stretch.place is Place.REMOTE:
                findings.append(Finding(FindingKind.REMOTE_WITHOUT_SESSION, unworked[0][0], absent, RULE_OF_REMOTE_ACCOUNTING))
            else:
                findings.append(Finding(FindingKind.ABSENT, unworked[0][0], absent, _rule_of(plan)))
    return sums, findings


def _rule_of(plan: Plan) -> str:
    return RULE_OF_THE_BODYS_HOURS if plan.core is None else RULE_OF_FLEXIBLE_HOURS


def _missed(plan: Plan, sums: Shortfall, findings: list[Finding], unworked: Spans, done: Spans, *, open_end: bool) -> None:
    """What is missing of a stretch that was worked in part: before its first, after its last, between two worked seconds.

    The unworked seconds between the same two worked spans are one gap; a break between them does not part it.
    """
    for worked_before, parts in groupby(unworked, key=lambda part: bisect_left(done, part)):
        missed = list(parts)
        seconds = total(missed)
        if worked_before == 0:
            kind = FindingKind.LATE
            sums.late += seconds
        elif worked_before < len(done):
            kind = FindingKind.LEFT_DURING_DAY
            sums.left += seconds
        elif open_end:
            continue
        else:
            kind = FindingKind.EARLY_LEAVE
            sums.early += seconds
        if seconds > plan.grace:
            findings.append(Finding(kind, missed[0][0], seconds, _rule_of(plan)))


def sessions_in_office(plan: Plan, sessions: Sequence[Stay]) -> list[Finding]:
    """A session counts nothing in an office interval: each unbroken run of both is shown, with its seconds less breaks."""
    if not sessions:
        return []
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
