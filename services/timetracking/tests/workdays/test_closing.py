"""The closing job: when a window's end passes, every planned date is computed, also one without a single read."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

import pytest
from chassis.testing.tokens import caller
from timetracking.devices.domain import DeviceDirection
from timetracking.plans.domain import PlannedDay
from timetracking.unit_of_work import UnitOfWork
from timetracking.workdays.closing import CHUNK, LATER, CloseDays
from timetracking.workdays.domain import Place, Plan, PlanKind, PlannedInterval, State

from ..platform import Platform
from ..samples import MONDAY, TUESDAY, WEDNESDAY, at, device, four, month_of, off, office, passage, second, settings
from ..samples import planned as planned_day

HR = caller("hr", ["/state-bodies/KGD/hr-officer"])


@pytest.fixture
async def planned(told: Platform) -> Platform:
    """S1 with badge 17 and an office plan from Monday on, told of before it began."""
    told.now = at("2026-11-22T12:00")
    await told.badge("17", "S1")
    await told.take_plans([month_of("S1", since=23)])
    return told


async def closed(platform: Platform, now: str) -> list[int]:
    """How many dates each run looked at, until nothing was left."""
    platform.now, runs = at(now), list[int]()
    while looked_at := await platform.close():
        runs.append(looked_at)
    return runs


async def test_a_day_without_a_single_read_is_a_day(planned: Platform) -> None:
    assert await closed(planned, "2026-11-24T03:59:59") == []
    assert await planned.days() == {}
    assert await closed(planned, "2026-11-24T04:00:00") == [1]
    day = (await planned.days())[MONDAY]
    assert (day.content.state, day.content.seconds.absent, day.revision) == (State.COMPUTED, 8 * 3600, 1)
    assert [(each.claim.kind, each.claim.seconds) for each in await planned.findings()] == [("absent", 8 * 3600)]


async def test_a_second_run_finds_nothing_to_do(planned: Platform) -> None:
    assert await closed(planned, "2026-12-02T12:00") == [8]
    before = await planned.written()
    assert await closed(planned, "2026-12-02T12:00") == []
    assert await planned.written() == before
    assert {each.content.state for each in (await planned.days()).values()} == {State.COMPUTED}


async def test_a_day_in_progress_is_closed_when_its_window_ends(planned: Platform) -> None:
    planned.now = at("2026-11-24T19:00")
    await planned.record(four(TUESDAY)[:3])
    assert (await planned.days())[TUESDAY].content.state is State.IN_PROGRESS
    assert await closed(planned, "2026-11-25T04:00") == [2], "the Monday too"
    day = (await planned.days())[TUESDAY]
    assert (day.content.state, [each.kind.value for each in day.content.findings]) == (State.COMPUTED, ["missing_exit"])
    assert day.content.seconds.assumed == 4 * 3600


async def test_a_late_read_changes_a_closed_day_and_leaves_it_closed(planned: Platform) -> None:
    await closed(planned, "2026-11-26T12:00")
    await planned.record(four(TUESDAY))
    assert await planned.close() == 0
    assert (await planned.days())[TUESDAY].content.seconds.worked == 8 * 3600
    states = {(each.claim.date, each.claim.kind): each.state.value for each in await planned.findings()}
    assert states == {(MONDAY, "absent"): "raised", (TUESDAY, "absent"): "withdrawn", (WEDNESDAY, "absent"): "raised"}


async def test_a_plan_that_comes_anew_is_looked_at_anew_and_an_equal_one_writes_nothing(planned: Platform) -> None:
    await closed(planned, "2026-11-26T12:00")
    before = await planned.written()
    await planned.take_plans([month_of("S1", since=23, revision=2)])
    assert await closed(planned, "2026-11-26T12:00") == []
    assert await planned.written() == before


async def test_more_dates_than_a_chunk_are_closed_chunk_by_chunk(planned: Platform) -> None:
    servants = [f"P{n}" for n in range(CHUNK // 8 + 2)]
    await planned.take_plans([month_of(each, since=23) for each in servants])
    runs = await closed(planned, "2026-12-02T12:00")
    assert sum(runs) == 8 * (len(servants) + 1)
    assert runs == [CHUNK, sum(runs) - CHUNK]


async def test_two_jobs_at_once_write_a_day_once(planned: Platform) -> None:
    """Only one is active; while another takes over, both may be at it for a moment."""
    planned.now = at("2026-11-26T12:00")
    await asyncio.gather(planned.close(), planned.close(), planned.record(four(TUESDAY)))
    assert [await planned.versions(day) for day in (MONDAY, WEDNESDAY)] == [[1], [1]]
    assert (await planned.days())[TUESDAY].content.seconds.worked == 8 * 3600


async def several(platform: Platform, serials: Sequence[str], direction: DeviceDirection) -> None:
    for serial in serials:
        await platform.enrol(HR, device(serial, "KGD", settings(direction=direction)))


async def test_several_readers_make_one_day(planned: Platform) -> None:
    """In at the north door, out and in at the south one, out at the gate; two of them saw the same entry."""
    await several(planned, ["north", "south"], DeviceDirection.AS_SENT)
    planned.now = at("2026-11-24T20:00")
    walls = [("north", "08:55:00", "in"), ("south", "08:55:20", "in"), ("south", "13:02:00", "out"), ("south", "14:25:00", "in")]
    for serial, wall, way in (*walls, ("gate", "18:33:00", "out")):
        await planned.record([passage(f"2026-11-24T{wall}", way, device=serial)])
    await closed(planned, "2026-11-25T04:00")
    day = (await planned.days())[TUESDAY]
    assert (day.content.seconds.worked, day.content.findings) == (8 * 3600, ())
    assert [became.value for _, became in day.content.reads] == ["counted", "double_read", "counted", "counted", "counted"]


async def test_one_reader_without_direction_alternates(planned: Platform) -> None:
    await several(planned, ["only"], DeviceDirection.ALTERNATING)
    planned.now = at("2026-11-24T20:00")
    await planned.record([*four(TUESDAY, device="only")][::-1])
    await closed(planned, "2026-11-25T04:00")
    assert (await planned.days())[TUESDAY].content.seconds.worked == 8 * 3600


async def test_the_oldest_windows_are_closed_first(planned: Platform) -> None:
    await planned.take_plans([month_of("S0", since=24)])
    async with planned.begin() as work:
        due = await work.days.due(at("2026-11-26T04:00"), 4)
    assert list(due) == [("S1", MONDAY), ("S0", TUESDAY), ("S1", TUESDAY), ("S0", WEDNESDAY)]
    async with planned.begin() as work:
        assert await work.days.due(at("2026-11-24T04:00") - timedelta(seconds=1), 4) == []


async def test_a_window_that_is_open_still_is_looked_at_again_an_hour_later(planned: Platform) -> None:
    await planned.sql("UPDATE plan_days SET window_end = window_end - interval '90 minutes' WHERE date = $1", MONDAY)
    assert await closed(planned, "2026-11-24T02:30") == [1]
    assert await planned.days() == {}
    assert await closed(planned, "2026-11-24T03:29:59") == []
    assert await closed(planned, "2026-11-24T03:30") == [1]
    assert await closed(planned, "2026-11-24T04:30") == [1]
    assert (await planned.days())[MONDAY].content.state is State.COMPUTED


async def test_a_date_that_fails_stays_due_and_holds_up_no_other(planned: Platform) -> None:
    async def compute(work: UnitOfWork, dates: Mapping[str, Collection[date]]) -> None:
        if any(TUESDAY in each for each in dates.values()):
            raise RuntimeError
        await planned.compute(work, dates=dates)

    planned.now = at("2026-11-26T12:00")
    with pytest.raises(RuntimeError):
        await CloseDays(planned.begin, compute, planned.clock)()
    assert set(await planned.days()) == {MONDAY, WEDNESDAY}
    assert await closed(planned, "2026-11-26T12:00") == [1]


async def test_a_plan_that_comes_while_a_date_is_closed_says_when_its_window_ends(planned: Platform) -> None:
    ends = "SELECT window_end FROM plan_days WHERE servant = 'S1' AND date = $1"
    told = list[datetime]()

    @asynccontextmanager
    async def begin() -> AsyncIterator[UnitOfWork]:
        async with planned.begin() as work:
            yield work
        if not told:
            await planned.take_plans([month_of("S1", since=23, plan=_night_on_monday, revision=2)])
            told.append((await planned.sql(ends, MONDAY))[0]["window_end"])

    planned.now = at("2026-11-24T04:00")
    assert await CloseDays(begin, planned.compute, planned.clock)() == 1
    assert [row["window_end"] for row in await planned.sql(ends, MONDAY)] == told
    assert planned.now < told[0] < planned.now + LATER


def _night_on_monday(day: date) -> PlannedDay:
    if day != MONDAY:
        return off(day) if day == TUESDAY else office(day)
    interval = PlannedInterval(second("2026-11-23T20:00"), second("2026-11-24T02:30"), Place.OFFICE)
    return planned_day(Plan(day, PlanKind.SHIFT, (interval,)), ("HQ",))
