"""Taking over plans and orders: the newest state stays, the days around it are derived anew, both versions are kept."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from kernel.days import Month
from timetracking.workdays.domain import OrderKind, PlanKind, State
from timetracking.workdays.domain.kept import content_of

from ..platform import Platform
from ..samples import MONDAY, NOVEMBER, THURSDAY, TUESDAY, WEDNESDAY, four, month_of, off, office, order, passage, remote, second

FRIDAY = date(2026, 11, 27)


@pytest.fixture
async def read(told: Platform) -> Platform:
    """S1 holds badge 17 and was read on the ordinary way from Monday to Thursday; no plan is known."""
    await told.badge("17", "S1")
    for day in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY):
        await told.record(four(day))
    return told


async def kinds(platform: Platform) -> dict[int, PlanKind | None]:
    return {day.day: kept.plan_kind for day, kept in (await platform.days()).items()}


async def test_a_plan_that_comes_after_the_reads_ends_the_waiting(read: Platform) -> None:
    assert {each.content.state for each in (await read.days()).values()} == {State.WAITING}
    await read.take_plans([month_of("S1")])
    day = (await read.days())[TUESDAY]
    assert (day.content.state, day.content.seconds.worked, day.content.findings) == (State.COMPUTED, 8 * 3600, ())
    assert await read.versions(TUESDAY) == [1, 2]


@pytest.mark.parametrize("seed", range(3))
async def test_the_newest_plan_of_a_month_stays_in_any_order_and_any_groups(read: Platform, seed: int) -> None:
    plans = (off, remote, office)
    states = [month_of("S1", revision=revision, plan=plan) for revision, plan in enumerate(plans, 1)] * 2
    rng = random.Random(seed)
    rng.shuffle(states)
    while states:
        await read.take_plans([states.pop() for _ in range(min(rng.randrange(1, 4), len(states)))])
    assert (await read.days())[TUESDAY].plan_kind is PlanKind.OFFICE
    assert (await read.sql("SELECT revision FROM plan_months"))[0]["revision"] == 3
    before = await read.written()
    await read.take_plans([month_of("S1", revision=2, plan=off), month_of("S1", revision=3, plan=off)])
    assert await read.written() == before


async def test_a_plan_changed_backwards_computes_the_dates_around_it_and_keeps_both_versions(read: Platform) -> None:
    await read.take_plans([month_of("S1")])
    await read.close()
    before = await read.days()

    def changed(day: date) -> Any:
        return remote(day) if MONDAY <= day <= TUESDAY else office(day)

    await read.take_plans([month_of("S1", revision=2, plan=changed)])
    after = await read.days()
    assert [day for day in after if after[day] != before[day]] == [MONDAY, TUESDAY]
    assert (after[TUESDAY].plan_kind, after[TUESDAY].content.seconds.worked) == (PlanKind.REMOTE, 8 * 3600)
    versions = await read.sql(
        "SELECT revision, content FROM workday_versions WHERE servant = 'S1' AND date = $1 ORDER BY revision", TUESDAY
    )
    assert [content_of(TUESDAY, row["content"]) for row in versions[1:]] == [before[TUESDAY].content, after[TUESDAY].content]


async def test_a_changed_plan_reaches_the_dates_beside_its_month(read: Platform) -> None:
    """A night shift on the last of October moves the border of the first of November."""
    await read.take_plans([month_of("S1"), month_of("S1", Month(2026, 10), plan=off)])
    await read.record([passage("2026-11-01T06:00:00"), passage("2026-11-01T09:00:00", "out")])
    first = date(2026, 11, 1)
    assert (await read.days())[first].content.window[0] == second("2026-11-01T04:00")

    def night(day: date) -> Any:
        plain = office(MONDAY + timedelta(days=(day - MONDAY).days // 7 * 7))
        interval = replace(plain.plan.intervals[0], start=second("2026-10-31T20:00"), end=second("2026-11-01T08:00"))
        plan = replace(plain.plan, date=day, kind=PlanKind.SHIFT, intervals=(interval,), breaks=())
        return replace(plain, plan=plan) if day == date(2026, 10, 31) else off(day)

    await read.take_plans([month_of("S1", Month(2026, 10), revision=2, plan=night)])
    assert (await read.days())[first].content.window[0] == second("2026-11-01T10:00")
    assert (await read.sql("SELECT window_end FROM plan_days WHERE date = '2026-10-31'"))[0]["window_end"] == datetime(
        2026, 11, 1, 5, tzinfo=UTC
    )


async def test_a_date_that_is_no_longer_planned_waits_again(read: Platform) -> None:
    await read.take_plans([month_of("S1")])
    plan = month_of("S1", revision=2)
    await read.take_plans([replace(plan, days=tuple(day for day in plan.days if day.plan.date != TUESDAY))])
    days = await read.days()
    assert [days[day].content.state for day in (MONDAY, TUESDAY, WEDNESDAY)] == [State.COMPUTED, State.WAITING, State.COMPUTED]
    assert (days[TUESDAY].plan_kind, days[TUESDAY].placement.body) == (None, "KGD")


async def test_a_plan_of_days_to_come_computes_nothing(told: Platform) -> None:
    told.now = datetime(2026, 10, 30, tzinfo=UTC)
    await told.take_plans([month_of("S1")])
    assert await told.days() == {}
    ends = await told.sql("SELECT date, window_end, settled FROM plan_days ORDER BY date")
    assert len(ends) == 30
    assert {row["settled"] for row in ends} == {False}
    assert all(
        row["window_end"] == datetime.combine(row["date"] + timedelta(days=1), datetime.min.time(), UTC) - timedelta(hours=1)
        for row in ends
    )


async def test_an_order_moves_the_end_of_its_window_and_the_day_is_closed_again_when_that_has_passed(read: Platform) -> None:
    read.now = datetime(2026, 11, 25, 0, 30, tzinfo=UTC)  # half past five in the morning
    await read.take_plans([month_of("S1")])
    while await read.close():
        pass
    await read.take_orders([order("2026-11-24T18:30", "2026-11-25T05:00")])
    day = (await read.days())[TUESDAY]
    assert (day.content.window[1], day.content.state) == (second("2026-11-25T07:00"), State.IN_PROGRESS)
    assert await read.close() == 0
    read.now = datetime(2026, 11, 25, 2, tzinfo=UTC)
    assert await read.close() == 1
    day = (await read.days())[TUESDAY]
    assert (day.content.state, day.content.seconds.overtime) == (State.COMPUTED, 180)


async def test_an_order_counts_while_it_is_in_force_and_where_it_lies_now(read: Platform) -> None:
    """It moves further than a neighbour's reach: the day that it left is computed for its own sake."""
    later = date(2026, 11, 30)
    await read.take_plans([month_of("S1")])
    await read.record(four(later))

    async def overtime() -> list[int]:
        days = await read.days()
        return [days[day].content.seconds.overtime for day in (TUESDAY, later)]

    moved = "2026-11-30T18:30", "2026-11-30T20:30"
    await read.take_orders([order("2026-11-24T18:30", "2026-11-24T20:30")])
    assert await overtime() == [180, 0]
    await read.take_orders([order(*moved, revision=2)])
    assert await overtime() == [0, 180]
    await read.take_orders([order(*moved, revision=3, in_force=False)])
    assert await overtime() == [0, 0]
    await read.take_orders([order("2026-11-24T18:30", "2026-11-24T20:30"), order(*moved, revision=2)])
    assert await overtime() == [0, 0]


async def test_of_an_orders_states_in_one_group_the_newest_counts(read: Platform) -> None:
    await read.take_plans([month_of("S1")])
    states = [
        order("2026-11-24T18:30", "2026-11-24T20:30", revision=2),
        order("2026-11-24T18:30", "2026-11-24T18:31", revision=1),
        order("2026-11-28T09:00", "2026-11-28T12:00", id="o2", kind=OrderKind.REST_DAY),
    ]
    await read.take_orders(states)
    await read.record([passage("2026-11-28T09:00:00"), passage("2026-11-28T13:00:00", "out")])
    days = await read.days()
    assert days[TUESDAY].content.seconds.overtime == 180
    assert days[date(2026, 11, 28)].content.seconds.rest_day == 3 * 3600


async def test_people_with_equal_plans_share_a_text_and_the_premises_are_found(told: Platform) -> None:
    await told.take_plans([month_of("S1"), month_of("S2", NOVEMBER)])
    rows = await told.sql(
        "SELECT count(DISTINCT content) AS texts, array_agg(DISTINCT premises) AS premises FROM plan_days WHERE date = $1", FRIDAY
    )
    assert dict(rows[0]) == {"texts": 1, "premises": [["HQ"]]}
