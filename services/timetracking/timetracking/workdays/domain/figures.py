"""From presence and plan to figures and findings: what was worked, what was due and not worked, what was beyond the plan.

Seconds inside, minutes are only shown. Grace never reduces a figure, it only keeps a finding from being raised.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from kernel.intervals import Span, Spans, less, overlap, total, union, within

from timetracking.workdays.domain.plan import Outline, Place, Plan, PlanKind, Stretch
from timetracking.workdays.domain.words import Finding, FindingKind, Order, OrderKind, Stay

RULE_OF_THE_BODYS_HOURS = "o121-p4"
RULE_OF_FLEXIBLE_HOURS = "o120-p20"
RULE_OF_REMOTE_ACCOUNTING = "o120-p9"
RULE_OF_THE_DAILY_LIMIT = "lc-71"

BEYOND_THE_DAILY_LIMIT = frozenset({PlanKind.SHIFT, PlanKind.SLIDING, PlanKind.FLEXIBLE, PlanKind.SUMMARISED})
LATE, LEFT_DURING_DAY, EARLY_LEAVE = FindingKind.LATE, FindingKind.LEFT_DURING_DAY, FindingKind.EARLY_LEAVE
REMOTE_KINDS = frozenset({PlanKind.REMOTE, PlanKind.COMBINED})


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


def worked_in_plan(
    out: Outline, known: Spans, assumed: Spans, sessions: Spans, assumed_sessions: Spans
) -> tuple[list[Span], int, int, int]:
    """What was worked, its seconds, the assumed ones of these, and how many planned seconds somebody was known at a perimeter.

    Way counts in full, known presence also in remote intervals. Assumed seconds are worked or nothing.
    """
    worked = overlap(out.office, known)
    sure = present = total(worked)
    if out.remote or out.way:
        present = total(overlap(out.planned, known))
        worked = union(worked, overlap(out.remote, union(known, sessions)), out.way)
        sure = total(worked)
    if not (assumed or assumed_sessions):
        return worked, sure, 0, present
    worked = union(worked, overlap(out.office, assumed), overlap(out.remote, assumed_sessions))
    seconds = total(worked)
    return worked, seconds, seconds - sure, present


def beyond_plan(out: Outline, orders: Sequence[Order], known: Spans, sessions: Spans) -> tuple[Spans, int, int, int, int]:
    """Gives each second outside the span one kind. Orders count known presence at a perimeter and sessions.

    Returns what was ordered, then seconds: overtime, on a rest day, outside hours, remote outside hours.
    """
    at_perimeter = less(known, out.span)
    called = union(at_perimeter, less(sessions, out.span))
    overtime = overlap(called, _ordered(orders, OrderKind.OVERTIME))
    rest_day = less(overlap(called, _ordered(orders, OrderKind.REST_DAY)), overtime)
    ordered = union(overtime, rest_day)
    # A session in the break of an order is inside the order, and no work: it has no kind.
    remote = less(less(called, at_perimeter), union((order.start, order.end) for order in orders))
    return ordered, total(overtime), total(rest_day), total(less(at_perimeter, ordered)), total(remote)


def _ordered(orders: Sequence[Order], kind: OrderKind) -> list[Span]:
    return union(*(less([(order.start, order.end)], union(order.breaks)) for order in orders if order.kind is kind))


@dataclass(slots=True)
class Shortfall:
    """The due seconds that were not worked, and what is raised for them."""

    late: int
    early: int
    left: int
    absent: int


def shortfall(plan: Plan, worked: Spans, *, open_end: bool) -> tuple[Shortfall, list[Finding]]:
    """Late, early, left and absent of each stretch, and their findings; an open day is neither left early nor absent.

    A plan is flexible by its core: the kind is read by the daily limit alone.
    """
    sums, findings = Shortfall(0, 0, 0, 0), []
    for stretch in plan.outline.stretches:
        unworked = less(stretch.due, worked)
        if unworked:
            findings += _missed(plan, stretch, unworked, sums, open_end=open_end)
    return sums, findings


def _missed(plan: Plan, stretch: Stretch, unworked: Spans, sums: Shortfall, *, open_end: bool) -> list[Finding]:
    """What is missing of a stretch: all of it, or what is due before its first, after its last, between two worked seconds."""
    rule = RULE_OF_THE_BODYS_HOURS if plan.core is None else RULE_OF_FLEXIBLE_HOURS
    findings = []
    begin, finish = stretch.due[0][0], stretch.due[-1][1]
    for first, until, seconds in _gaps(unworked, stretch.holes):
        if first > begin and until < finish:
            kind = LEFT_DURING_DAY
            sums.left += seconds
        elif until < finish:
            kind = LATE
            sums.late += seconds
        elif open_end:
            continue
        elif first > begin:
            kind = EARLY_LEAVE
            sums.early += seconds
        else:
            sums.absent += seconds
            findings.append(_absence(stretch, first, seconds, rule))
            continue
        if seconds > plan.grace:
            findings.append(Finding(kind, first, seconds, rule))
    return findings


def _absence(stretch: Stretch, first: int, seconds: int, rule: str) -> Finding:
    if stretch.place is Place.REMOTE:
        return Finding(FindingKind.REMOTE_WITHOUT_SESSION, first, seconds, RULE_OF_REMOTE_ACCOUNTING)
    return Finding(FindingKind.ABSENT, first, seconds, rule)


def _gaps(unworked: Spans, holes: Container[Span]) -> list[tuple[int, int, int]]:
    """The unworked due seconds between two worked ones are one gap: its first second, its end, and how many they are.

    What is not due between them does not part it.
    """
    gaps: list[tuple[int, int, int]] = []
    for start, end in unworked:
        first, _, seconds = gaps.pop() if gaps and (gaps[-1][1], start) in holes else (start, start, 0)
        gaps.append((first, end, seconds + end - start))
    return gaps


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


def beyond_daily_limit(plan: Plan, worked: Spans, seconds: int, limit: int) -> list[Finding]:
    """Work beyond the daily limit, outside the modes in which a day may be longer."""
    excess = seconds - limit
    if excess <= 0 or plan.kind in BEYOND_THE_DAILY_LIMIT:
        return []
    rule = RULE_OF_REMOTE_ACCOUNTING if plan.kind in REMOTE_KINDS else RULE_OF_THE_DAILY_LIMIT
    left = limit
    for start, end in worked:
        if left < end - start:
            return [Finding(FindingKind.DAILY_LIMIT, start + left, excess, rule)]
        left -= end - start
    raise AssertionError("work beyond a limit has a first second beyond it")
