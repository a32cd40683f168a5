"""Days that are due: asked for in one transaction, computed in others, and never forgotten between them."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import pytest
from chassis.testing.tokens import caller
from timetracking.device_findings.use_cases import LookAtDevices
from timetracking.due.use_cases import CHUNK, DEVICE_DATES, ComputeDueDays, ComputeDueReads
from timetracking.plans.use_cases import TakePlans
from timetracking.workdays.domain.kept import DOUBTFUL_CLOCK, INCOMPLETE

from ..platform import Pausing, Platform
from ..samples import TUESDAY, WEDNESDAY, at, four, month_of, passage, settings

HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
ASK = "INSERT INTO due_days (servant, date) VALUES ($1, $2)"
Dates = Mapping[str, Collection[date]]


async def test_what_is_asked_for_while_it_is_being_computed_is_computed_once_more(platform: Platform) -> None:
    computed: list[Dates] = []

    async def compute(work: Any, dates: Dates) -> None:
        computed.append(dates)
        if len(computed) == 1:
            await platform.sql(ASK, "S1", TUESDAY)
        await platform.compute(work, dates=dates)

    await platform.sql(ASK, "S1", TUESDAY)
    job = ComputeDueDays(platform.begin, compute)
    assert [await job(), await job(), await job()] == [1, 1, 0]
    assert computed == [{"S1": {TUESDAY}}] * 2


async def test_who_asks_slowly_is_not_forgotten(platform: Platform) -> None:
    """The wish that was written first is committed last: it is not taken for one that was done."""
    async with platform.database.worker.transaction() as slow:
        await (await slow.driver()).execute(ASK, "S1", TUESDAY)
        await platform.sql(ASK, "S2", TUESDAY)
        assert await platform.compute_due() == 1
    assert await platform.due_days() == [("S1", TUESDAY)]


async def test_what_fails_stays_due(platform: Platform) -> None:
    async def compute(work: Any, dates: Dates) -> None:
        raise RuntimeError

    await platform.sql(ASK, "S1", TUESDAY)
    with pytest.raises(RuntimeError):
        await ComputeDueDays(platform.begin, compute)()
    assert await platform.due_days() == [("S1", TUESDAY)]


async def test_what_fails_holds_up_nobody_else(platform: Platform) -> None:
    async def compute(work: Any, dates: Dates) -> None:
        if "S2" in dates:
            raise RuntimeError
        await platform.compute(work, dates=dates)

    for id in ("S1", "S2", "S3"):
        await platform.sql(ASK, id, TUESDAY)
    with pytest.raises(RuntimeError):
        await ComputeDueDays(platform.begin, compute)()
    assert await platform.due_days() == [("S2", TUESDAY)]


async def test_what_fails_waits_behind_all_others(platform: Platform) -> None:
    """A chunk full of days that always fail would keep everybody else's from being computed."""
    computed: set[str] = set()

    async def compute(work: Any, dates: Dates) -> None:
        if any(servant.startswith("bad") for servant in dates):
            raise RuntimeError
        computed.update(dates)

    await platform.sql("INSERT INTO due_days (servant, date) SELECT 'bad' || n, $1 FROM generate_series(1, $2::int) n", TUESDAY, CHUNK)
    await platform.sql(ASK, "S1", TUESDAY)
    job = ComputeDueDays(platform.begin, compute)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await job()
    assert (computed, len(await platform.due_days())) == ({"S1"}, CHUNK)


async def test_many_wishes_are_done_in_chunks_the_longest_due_first_and_a_day_once_in_each(platform: Platform) -> None:
    seen: list[Dates] = []

    async def compute(work: Any, dates: Dates) -> None:
        seen.append(dates)

    await platform.sql("INSERT INTO due_days (servant, date) SELECT 'S' || n / 3, $1 FROM generate_series(0, $2::int) n", TUESDAY, CHUNK)
    job = ComputeDueDays(platform.begin, compute)
    assert [await job(), await job(), await job()] == [CHUNK, 1, 0]
    assert [len(each) for each in seen] == [(CHUNK + 2) // 3, 1]
    assert "S0" in seen[0]


async def test_dates_of_a_device_become_days_of_those_who_hold_or_held_a_badge_read_there(told: Platform) -> None:
    await told.badge("17", "S1")
    await told.badge("18", "S2")
    await told.record(
        [passage("2026-11-03T08:55:00"), passage("2026-11-03T09:00:00", number="99"), passage("2026-11-03T09:01:00", device="x")]
    )
    await told.record([passage("2026-11-20T23:59:59", number="18"), passage("2026-11-21T00:00:00", number="18")])
    await told.change(HR, "KGD", "gate", settings(zone="Asia/Oral", since="2026-11-03T09:00:00"), "")
    around = {("S1", date(2026, 11, day)) for day in range(1, 7)} | {("S1", date(2026, 10, 31))}
    assert set(await told.due_days()) == around | {("S2", date(2026, 11, day)) for day in range(17, 25)}


async def test_many_dates_of_a_device_are_spread_piece_by_piece(told: Platform) -> None:
    await told.badge("17", "S1")
    await told.record([passage(f"2026-11-{day:02}T08:55:00") for day in range(1, 2 * DEVICE_DATES + 2)])
    await told.change(HR, "KGD", "gate", settings(zone="Asia/Oral", since="2026-11-01T00:00:00"), "")
    assert [await told.spread() for _ in range(4)] == [DEVICE_DATES, DEVICE_DATES, 1, 0]


async def test_a_passage_whose_day_is_being_computed_is_not_missed_when_its_clock_is_found_to_be_off(platform: Platform) -> None:
    """It was counted without the finding, and who looks for those who were read there cannot see it yet."""
    await platform.badge("18", "S2")
    await platform.badge("19", "S3")
    await platform.record([passage("2026-11-24T08:50:00", number="18", received=at("2026-11-24T07:50"))])
    look, pausing = LookAtDevices(platform.begin, platform.law, platform.clock), Pausing(platform.compute)
    await platform.store(four(TUESDAY, "19"))

    async def look_and_spread() -> None:
        await look()
        await platform.spread()

    await pausing.meanwhile(platform, ComputeDueReads(platform.begin, pausing)(), look_and_spread())
    while await look():
        pass
    await platform.do_what_is_due()
    assert [DOUBTFUL_CLOCK in (await platform.days(each))[TUESDAY].marks for each in ("S2", "S3")] == [True, True]


async def test_a_plan_that_is_being_taken_over_is_not_missed_when_its_gate_is_found_to_have_been_silent(platform: Platform) -> None:
    """Its days were computed without the finding, and who looks for days planned there cannot see them yet."""
    await platform.record([passage("2026-11-24T08:50:00")])
    look, pausing = LookAtDevices(platform.begin, platform.law, platform.clock), Pausing(platform.compute)
    take = TakePlans(platform.begin, pausing)
    await pausing.meanwhile(platform, take([month_of("S9")]), look())
    while await look():
        pass
    await platform.do_what_is_due()
    assert [(await platform.days(each))[WEDNESDAY].marks for each in ("S1", "S9")] == [(INCOMPLETE,)] * 2


async def test_a_day_that_is_due_and_equal_is_not_written(platform: Platform) -> None:
    await platform.record(four(TUESDAY))
    before = await platform.written()
    await platform.sql(ASK, "S1", TUESDAY)
    await platform.do_what_is_due()
    assert await platform.written() == before


async def test_a_day_of_somebody_of_whom_nothing_is_known_is_done_with(platform: Platform) -> None:
    await platform.sql(ASK, "nobody", TUESDAY)
    await platform.do_what_is_due()
    assert (await platform.due_days(), await platform.days("nobody")) == ([], {})
