"""Badges in holders' hands: never two holders at once, and reads that came before the badge was known are not lost."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from chassis.testing.tokens import caller
from kernel.faults import Fault, NotFound, WrongState
from timetracking.badges.domain import Badge
from timetracking.badges.use_cases import AssignBadge
from timetracking.due.use_cases import ComputeDueReads

from ..platform import Pausing, Platform
from ..samples import MONDAY, TUESDAY, WEDNESDAY, appointment, at, device, four, month_of, passage, second, servant

HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
NOON = at("2026-11-24T12:00")


def badge(
    since: str | datetime = "2026-11-24T00:00", until: str | datetime | None = None, number: str = "17", servant: str = "S1", id: str = ""
) -> Badge:
    given = [at(each) if isinstance(each, str) else each for each in (since, until)]
    assert given[0] is not None
    return Badge(id or f"{servant}-{number}-{since}", "hq", number, servant, given[0], given[1])


@pytest.fixture
async def planned(told: Platform) -> Platform:
    """S1 and S2 of KGD with office plans for the end of November; nobody holds a badge."""
    await told.take_servants([servant("S2")])
    await told.take_plans([month_of("S1", since=19), month_of("S2", since=19)])
    return told


async def worked(platform: Platform, id: str = "S1") -> dict[int, int]:
    return {day.day: kept.content.seconds.worked for day, kept in (await platform.days(id)).items() if kept.content.seconds.worked}


async def test_a_badge_assigned_later_brings_the_reads_that_came_before(planned: Platform) -> None:
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        await planned.record(four(day))
    assert await worked(planned) == {}
    await planned.assign(HR, badge("2026-11-24T00:00"))
    assert await worked(planned) == {24: 8 * 3600, 25: 8 * 3600}
    assert (await planned.days())[TUESDAY].content.findings == ()
    told = await planned.told("timetracking.workdays.v1")
    assert [each.date.day for each in told if each.seconds.worked] == [24, 25]
    assert [row["action"] for row in await planned.sql("SELECT action FROM audit_records WHERE action LIKE 'badge%'")] == ["badge.assign"]


async def test_a_read_belongs_to_its_holder_at_its_instant(planned: Platform) -> None:
    await planned.assign(HR, badge(until=NOON))
    await planned.assign(HR, badge(NOON, servant="S2"))
    reads = [passage(f"2026-11-24T{wall}", way) for wall, way in (("08:55:00", "in"), ("11:59:59", "out"), ("12:00:00", "in"))]
    await planned.record(reads)
    seen = {id: [read.at for read, _ in (await planned.days(id))[TUESDAY].content.reads] for id in ("S1", "S2")}
    assert seen == {"S1": [second("2026-11-24T08:55"), second("2026-11-24T11:59:59")], "S2": [second("2026-11-24T12:00")]}


async def test_reads_before_the_span_stay_unknown_when_the_badge_is_assigned(planned: Platform) -> None:
    await planned.record(four(TUESDAY))
    await planned.assign(HR, badge(NOON, "2026-11-24T14:00"))
    assert [read.at for read, _ in (await planned.days())[TUESDAY].content.reads] == [second("2026-11-24T13:02")]


async def test_reads_of_a_device_that_is_not_enrolled_wait_for_it(planned: Platform) -> None:
    await planned.record(four(TUESDAY, device="later"))
    await planned.assign(HR, badge())
    assert await worked(planned) == {}
    await planned.enrol(HR, device("later"))
    await planned.do_what_is_due()
    assert await worked(planned) == {24: 8 * 3600}


@pytest.mark.parametrize("seed", range(2))
async def test_the_spans_of_a_badge_never_overlap_whoever_asks_and_in_whatever_order(planned: Platform, seed: int) -> None:
    """Forty spans of two badges, asked for eight at a time; what was granted is compared with a plain count of minutes."""
    rng, start = random.Random(seed), at("2026-11-02T00:00")
    asked = []
    for n in range(40):
        since = start + timedelta(minutes=rng.randrange(60))
        until = since + timedelta(minutes=rng.randrange(1, 12)) if rng.random() < 0.95 else None
        asked.append(badge(since, until, rng.choice(("17", "18")), rng.choice(("S1", "S2")), f"b{n}"))

    async def assign(each: Badge) -> Badge | Fault:
        try:
            return await planned.assign(HR, each)
        except Fault as fault:
            return fault

    outcomes: list[Badge | Fault] = []
    for first in range(0, len(asked), 8):
        outcomes += await asyncio.gather(*(assign(each) for each in asked[first : first + 8]))
    granted = [each for each in outcomes if isinstance(each, Badge)]
    assert {each.reason for each in outcomes if isinstance(each, Fault)} == {"BADGE_SPANS_OVERLAP"}
    held = [(each.number, minute) for each in granted for minute in _minutes(each, start)]
    assert len(held) == len(set(held))
    refused = [each for each, outcome in zip(asked, outcomes, strict=True) if isinstance(outcome, Fault)]
    assert all(any((each.number, minute) in set(held) for minute in _minutes(each, start)) for each in refused)
    rows = await planned.sql("SELECT id FROM badges")
    assert {row["id"] for row in rows} == {each.badge for each in granted}


def _minutes(each: Badge, start: datetime) -> Sequence[int]:
    until = each.until or start + timedelta(minutes=80)
    return range(int((each.since - start).total_seconds()) // 60, int((until - start).total_seconds()) // 60)


async def test_a_refusal_says_in_which_span_it_is_held_and_changes_nothing(planned: Platform) -> None:
    await planned.assign(HR, badge())
    before = await planned.written()
    with pytest.raises(WrongState) as refused:
        await planned.assign(HR, badge("2026-11-25T00:00", servant="S2"))
    assert (refused.value.reason, dict(refused.value.facts)) == ("BADGE_SPANS_OVERLAP", {"since": badge().since, "until": "…"})
    assert await planned.written() == before
    await planned.assign(HR, badge("2026-11-23T00:00", badge().since, servant="S2"))
    await planned.assign(HR, replace(badge("2026-11-25T00:00", servant="S2"), system="another"))


async def test_the_database_itself_holds_a_badge_to_one_holder(planned: Platform) -> None:
    insert = "INSERT INTO badges VALUES ($1, 'hq', $2, 'S1', tstzrange($3, $4))"
    await planned.sql(insert, "a", "17", NOON, NOON + timedelta(hours=2))
    await planned.sql(insert, "b", "18", NOON, None)
    await planned.sql(insert, "c", "17", NOON + timedelta(hours=2), None)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await planned.sql(insert, "d", "17", NOON + timedelta(hours=1), NOON + timedelta(hours=3))
    with pytest.raises(asyncpg.CheckViolationError):
        await planned.sql(insert, "e", "19", NOON, NOON)


async def test_a_passage_whose_days_are_being_computed_is_not_missed_by_the_assignment_of_its_badge(planned: Platform) -> None:
    """An unknown badge has no servant to lock: the badge itself is."""
    pausing = Pausing(planned.compute)
    await planned.store(four(TUESDAY))
    await pausing.meanwhile(planned, ComputeDueReads(planned.begin, pausing)(), planned.assign(HR, badge()))
    assert await worked(planned) == {24: 8 * 3600}


async def test_a_badge_that_is_being_assigned_is_not_missed_by_its_passages(planned: Platform) -> None:
    pausing = Pausing(planned.compute)
    assign = AssignBadge(planned.begin, pausing)
    await pausing.meanwhile(planned, assign(HR, badge()), planned.record(four(TUESDAY)))
    assert await worked(planned) == {24: 8 * 3600}


async def test_many_passages_and_assignments_at_once_miss_nothing(planned: Platform) -> None:
    numbers = [str(n) for n in range(100, 106)]

    async def record(number: str) -> None:
        for each in four(TUESDAY, number):
            await planned.record([each])

    await asyncio.gather(*(job for number in numbers for job in (record(number), planned.assign(HR, badge(number=number)))))
    assert len((await planned.days())[TUESDAY].content.reads) == 4 * len(numbers)


async def test_a_badge_is_given_to_people_in_reach_at_that_time(planned: Platform) -> None:
    left = appointment(date(2024, 1, 1), date(2026, 10, 31), body="MF")
    await planned.take_servants([servant("S3", left, appointment(date(2026, 11, 1)))])
    mf = caller("hr", ["/state-bodies/MF/hr-officer"])
    await planned.assign(mf, badge("2026-10-01T00:00", "2026-10-31T18:00", servant="S3"))
    for asks, given in ((mf, badge("2026-11-05T00:00", servant="S3")), (mf, badge()), (HR, badge(servant="S9"))):
        with pytest.raises(NotFound):
            await planned.assign(asks, given)


async def test_badges_are_listed_by_start_from_a_place_on(planned: Platform) -> None:
    given = [badge("2026-11-24T00:00", number=number, id=id) for number, id in (("2", "b"), ("1", "c"), ("3", "A"))]
    given.append(badge("2026-11-01T00:00", "2026-11-02T00:00", number="4"))
    for each in given:
        await planned.assign(HR, each)
    await planned.assign(HR, badge(number="5", servant="S2"))

    async def page(after: Any, limit: int) -> list[str]:
        async with planned.begin() as work:
            return [each.number for each in await work.badges.page("S1", after, limit)]

    assert await page(None, 10) == ["4", "3", "2", "1"]
    assert await page(None, 2) == ["4", "3"]
    assert await page((at("2026-11-24T00:00"), "A"), 10) == ["2", "1"]
    async with planned.begin() as work:
        assert [replace(each, since=each.since.astimezone(UTC)) for each in await work.badges.page("S1", None, 1)] == [given[3]]
