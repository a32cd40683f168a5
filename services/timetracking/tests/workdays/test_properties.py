"""Properties of the working day over ten thousand seeded streams, drawn around the instants where days change.

The streams are plain: dense reads near starts, ends, breaks and borders, double reads, missing ones, orders, corrections.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from kernel.intervals import Span, less, overlap, total, union
from timetracking.workdays.domain import (
    Added,
    AddedStay,
    Direction,
    Facts,
    Order,
    OrderKind,
    Parameters,
    Place,
    Plan,
    PlanKind,
    PlannedInterval,
    Read,
    Session,
    State,
    Void,
    Windows,
    WorkdayContent,
    neighbours,
    workdays,
)

STREAMS = 10_000
ZONE = ZoneInfo("Asia/Almaty")
FIRST = date(2026, 11, 23)
MIDNIGHT = 1795374000  # of FIRST in Almaty
DAY = 86_400
LAW = Parameters(
    day_border=4 * 3600,
    border_margin=7200,
    double_read_window=60,
    longest_stay=16 * 3600,
    stay_beyond_duty=4 * 3600,
    rest_between_days=12 * 3600,
    daily_limit=8 * 3600,
    night=(22 * 3600, 6 * 3600),
)
FOREVER = MIDNIGHT + 100 * DAY


def planned(rng: random.Random, day: date, start: int) -> Plan:
    """A plan of any kind."""
    kind = rng.choice(list(PlanKind))
    if kind in (PlanKind.DAY_OFF, PlanKind.PUBLIC_HOLIDAY):
        return Plan(day, kind, holiday=kind is PlanKind.PUBLIC_HOLIDAY)
    begin = start + rng.choice((0, 7, 9, 14, 20)) * 3600 + rng.randrange(12) * 300
    length = rng.choice((4, 9, 12, 24) if kind in (PlanKind.SHIFT, PlanKind.SUMMARISED) else (4, 9)) * 3600 + 1800
    cuts = sorted({begin, begin + length, *(begin + rng.randrange(1, length // 300) * 300 for _ in range(rng.choice((0, 0, 1, 3))))})
    places = {PlanKind.REMOTE: (Place.REMOTE,), PlanKind.COMBINED: tuple(Place)}.get(kind, (Place.OFFICE,))
    intervals = [PlannedInterval(a, b, rng.choice(places)) for a, b in pairwise(cuts)]
    if len(intervals) > 2 and rng.random() < 0.5:
        del intervals[1]  # leaves a gap inside the span
    pause = begin + rng.randrange(length // 300) * 300
    core = (begin + length // 4, begin + 3 * length // 4) if kind is PlanKind.FLEXIBLE and rng.random() < 0.8 else None
    away = begin + rng.randrange(length // 300) * 300
    return Plan(
        day,
        kind,
        tuple(intervals),
        breaks=((pause, pause + 3600),) if rng.random() < 0.7 else (),
        core=core,
        excused=((away, away + rng.randrange(1, 40) * 300),) if rng.random() < 0.3 else (),
        holiday=rng.random() < 0.1,
        grace=rng.choice((0, 0, 300)),
    )


def stream(seed: int) -> Facts:
    """Facts of one servant over a week with its neighbours."""
    rng = random.Random(seed)
    plans: dict[date, Plan] = {}
    orders: list[Order] = []
    for offset in range(-2, 8):
        day, start = FIRST + timedelta(days=offset), MIDNIGHT + offset * DAY
        if rng.random() < 0.95:
            plans[day] = planned(rng, day, start)
        if rng.random() < 0.2:
            span = plans[day].span if day in plans else None
            begin = span[1] if span else start + rng.randrange(8, 20) * 3600
            orders.append(Order(day, rng.choice(list(OrderKind)), begin, begin + rng.randrange(1, 24) * 600, ((begin + 600, begin + 900),)))
    edges = [each for plan in plans.values() for each in (*(plan.span or ()), *(at for pause in plan.breaks for at in pause))]
    edges += [MIDNIGHT + offset * DAY + 4 * 3600 for offset in range(-1, 7)]
    reads = [
        Read(
            rng.choice(edges) + rng.choice((0, rng.randrange(-70, 70), rng.randrange(-3600, 3600), rng.randrange(-9 * 3600, 9 * 3600))),
            rng.choice(("gate-1", "7", "07")),
            str(rng.randrange(12)),
            rng.choice((Direction.IN, Direction.OUT, Direction.IN, Direction.OUT, Direction.NONE)),
            perimeter=rng.random() < 0.95,
        )
        for _ in range(rng.randrange(40))
    ]
    begun = rng.choice(edges)
    sessions = [Session(begun, rng.choice((None, begun + rng.randrange(40) * 600)))] if rng.random() < 0.4 else []
    sessions += [Session(start, start + 7200) for start in rng.sample(edges, k=rng.choice((0, 0, 2)))]
    corrections: list[Any] = [Added(rng.choice(edges), rng.choice((Direction.IN, Direction.OUT))) for _ in range(rng.choice((0, 0, 1, 3)))]
    if reads and rng.random() < 0.2:
        voided = rng.choice(reads)
        corrections.append(Void(voided.device, voided.event_key))
    if rng.random() < 0.1:
        corrections.append(AddedStay(begun, begun + 5400))
    return Facts(plans, tuple(orders), tuple(reads), tuple(sessions), tuple(corrections))


DATES = [FIRST + timedelta(days=n) for n in range(5)]


def computed(facts: Facts, law: Parameters, now: int = FOREVER, dates: Sequence[date] = DATES) -> list[WorkdayContent]:
    return workdays(facts, dates, lambda _: ZONE, lambda _: law, now)


Fact = tuple[str, Any]
"""A fact with the name of its set."""


def facts_of(facts: Facts) -> list[Fact]:
    sets: dict[str, Any] = {name: getattr(facts, name) for name in ("orders", "reads", "sessions", "corrections")}
    return [(name, each) for name, values in {**sets, "plans": facts.plans.values()}.items() for each in values]


def set_of(facts: list[Fact]) -> Facts:
    sets: dict[str, list[Any]] = {
        name: [each for of, each in facts if of == name] for name in ("orders", "reads", "sessions", "corrections")
    }
    return Facts({plan.date: plan for of, plan in facts if of == "plans"}, **{name: tuple(each) for name, each in sets.items()})


def touched(batch: list[Fact], so_far: Facts) -> set[date]:
    """The dates that the contract has recomputed: the window's date ± 1, of plans and orders the date ± 3."""
    days: set[date] = set()
    windows = Windows(so_far.plans, so_far.orders, lambda _: ZONE, lambda _: LAW)
    for name, fact in batch:
        if name in ("plans", "orders"):
            days.update(neighbours(fact.date, 3))
            continue
        if isinstance(fact, Void):
            spans = [(read.at, read.at) for read in so_far.reads if (read.device, read.event_key) == (fact.device, fact.event_key)]
        elif isinstance(fact, Read | Added):
            spans = [(fact.at, fact.at)]
        else:
            spans = [(fact.start, fact.start if fact.end is None else fact.end)]
        for day in neighbours(FIRST + timedelta(days=2), 4):
            start, end = windows.of(day)
            if any(since < end and until >= start for since, until in spans):
                days.update(neighbours(day, 1))
    return days & set(DATES)


Stream = tuple[int, Facts, list[WorkdayContent]]


@pytest.fixture(scope="module")
def streams() -> list[Stream]:
    """All streams with their days."""
    drawn = ((seed, stream(seed)) for seed in range(STREAMS))
    return [(seed, facts, computed(facts, LAW)) for seed, facts in drawn]


def test_any_order_any_repetition_and_any_split_into_batches_give_the_same_days(streams: list[Stream]) -> None:
    """Facts of every kind come shuffled, some again, in three batches; each batch recomputes only the days that it touches."""
    for seed, facts, days in streams:
        rng = random.Random(seed)
        waiting = facts_of(facts)
        waiting += rng.choices(waiting, k=rng.randrange(8)) if waiting else []
        rng.shuffle(waiting)
        cuts = sorted(rng.choices(range(len(waiting) + 1), k=2))
        arrived: list[Fact] = []
        kept = {day.date: day for day in computed(set_of(arrived), LAW)}
        for batch in (waiting[: cuts[0]], waiting[cuts[0] : cuts[1]], waiting[cuts[1] :]):
            arrived += batch
            so_far = set_of(arrived)
            again = sorted(touched(batch, so_far))
            kept.update((day.date, day) for day in computed(so_far, LAW, dates=again))
        assert list(kept.values()) == days, f"stream {seed}"


def net_of(plan: Plan, *places: Place) -> list[Span]:
    """The planned seconds at some places without breaks."""
    return less(union((each.start, each.end) for each in plan.intervals if each.place in places), union(plan.breaks))


def test_every_known_second_has_one_kind(streams: list[Stream]) -> None:
    """A session's second may be worked or ordered without being known presence, so the days are taken without sessions."""
    for seed, facts, days in streams:
        for day in computed(replace(facts, sessions=()), LAW) if facts.sessions else days:
            known = union((stay.start, stay.end) for stay in day.stays if not stay.assumed)
            assert total(known) == day.seconds.known, f"stream {seed}, {day.date}"
            if day.state is State.WAITING:
                continue
            plan, figures = facts.plans[day.date], day.seconds
            worked_at_a_perimeter = total(overlap(known, net_of(plan, *Place)))
            way = net_of(plan, Place.WAY)
            sure = worked_at_a_perimeter + total(way) - total(overlap(way, known))
            assert figures.worked - figures.assumed == sure, f"stream {seed}, {day.date}"
            kinds = worked_at_a_perimeter + figures.overtime + figures.rest_day + figures.gap + figures.outside_hours
            assert kinds == figures.known, f"stream {seed}, {day.date}"


def test_what_was_planned_is_worked_or_missed_or_excused(streams: list[Stream]) -> None:
    for seed, facts, days in streams:
        for day in days:
            plan, figures = facts.plans.get(day.date), day.seconds
            if plan is not None and plan.core is None:
                missed = figures.late + figures.early + figures.left + figures.absent
                assert figures.worked + missed == total(net_of(plan, *Place)) - figures.excused, f"stream {seed}, {day.date}"


def test_a_finding_is_one_by_its_kind_and_first_second_and_never_more_than_its_figure(streams: list[Stream]) -> None:
    figure_of = {"late": "late", "early_leave": "early", "left_during_day": "left", "absent": "absent", "remote_without_session": "absent"}
    for seed, _, days in streams:
        for day in days:
            assert len({(each.kind, each.first) for each in day.findings}) == len(day.findings), f"stream {seed}, {day.date}"
            for kind, figure in figure_of.items():
                raised = sum(each.seconds for each in day.findings if each.kind.value == kind)
                assert raised <= getattr(day.seconds, figure), f"stream {seed}, {day.date}"


def test_a_read_two_windows_away_changes_nothing(streams: list[Stream]) -> None:
    for seed, facts, days in streams:
        middle = days[2]
        far = [days[0].window[0], days[4].window[1] - 1, days[0].window[1] - 1, days[4].window[0]]
        more = tuple(Read(at, "gate-9", "1", direction) for at in far for direction in (Direction.IN, Direction.OUT))
        assert computed(replace(facts, reads=facts.reads + more), LAW, dates=DATES[2:3]) == [middle], f"stream {seed}"


def test_windows_meet_and_borders_never_go_backwards(streams: list[Stream]) -> None:
    for seed, facts, _days in streams:
        windows = Windows(facts.plans, facts.orders, lambda _: ZONE, lambda _: LAW)
        spans = [windows.of(day) for day in DATES]
        assert all(start <= end for start, end in spans), f"stream {seed}"
        assert all(left[1] == right[0] for left, right in pairwise(spans)), f"stream {seed}"


def test_a_day_in_progress_accuses_nobody_of_what_may_still_come(streams: list[Stream]) -> None:
    for seed, facts, _days in streams:
        moment = MIDNIGHT + 2 * DAY + (seed * 977) % DAY
        for day in computed(facts, LAW, now=moment):
            if day.window[1] <= moment or day.state is State.WAITING:
                continue
            assert day.state is State.IN_PROGRESS
            assert (day.seconds.early, day.seconds.absent) == (0, 0), f"stream {seed}, {day.date}"
            raised = {each.kind.value for each in day.findings}
            assert not raised & {"early_leave", "absent", "remote_without_session", "missing_end_of_session"}, f"stream {seed}"


def test_no_stay_and_no_session_leaves_its_window_or_ends_before_it_begins(streams: list[Stream]) -> None:
    """A stay may be zero long: somebody was seen, and nothing may be assumed of how long (step 5)."""
    for seed, _facts, days in streams:
        for day in days:
            for stay in (*day.stays, *day.sessions):
                assert day.window[0] <= stay.start <= stay.end <= day.window[1], f"stream {seed}, {day.date}"
