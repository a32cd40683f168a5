"""Days as they are kept: what is equal is not written, what changed is written whole, with its version, its change and its events."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from timetracking.findings.domain import State as FindingState
from timetracking.workdays.domain import State
from timetracking.workdays.domain.kept import content_of, text_of

from ..platform import Platform
from ..samples import MONDAY, THURSDAY, TUESDAY, WEDNESDAY, appointment, at, four, month_of, order, passage, servant

WORKDAYS, FINDINGS = "timetracking.workdays.v1", "timetracking.findings.v1"


@pytest.fixture
async def planned(told: Platform) -> Platform:
    """S1 with badge 17; an office plan from 19 November on; it is Wednesday evening."""
    told.now = at("2026-11-25T20:00")
    await told.badge("17", "S1")
    await told.take_plans([month_of("S1", since=19)])
    return told


async def test_a_changed_day_is_written_with_its_version_its_change_and_its_event(planned: Platform) -> None:
    await planned.record(four(TUESDAY)[:1])
    before = await planned.written()
    await planned.record(four(TUESDAY)[1:])
    after = await planned.written()
    assert {table: after[table] - before[table] for table in ("workdays", "workday_versions", "workday_changes")} == {
        "workdays": 0,
        "workday_versions": 1,
        "workday_changes": 1,
    }
    day = (await planned.days())[TUESDAY]
    assert (day.revision, day.edition, day.computed_at) == (await _last(planned), planned.law.edition, planned.now)
    event = (await planned.told(WORKDAYS))[-1]
    assert (event.servant, event.revision, event.seconds.worked, event.body, event.unit) == ("S1", day.revision, 8 * 3600, "KGD", "hr")
    (change,) = await planned.sql("SELECT servant, date, body FROM workday_changes ORDER BY xid DESC, id DESC LIMIT 1")
    assert tuple(change) == ("S1", TUESDAY, "KGD")


async def _last(platform: Platform) -> int:
    return (await platform.versions(TUESDAY))[-1]


async def test_what_is_computed_again_and_equal_is_not_written(planned: Platform) -> None:
    await planned.record(four(TUESDAY))
    before = await planned.written()
    planned.now += timedelta(minutes=5)
    await planned.record(four(TUESDAY))
    async with planned.begin() as work:
        await work.lock_servants(["S1"])
        assert await planned.compute(work, dates={"S1": [MONDAY, TUESDAY]}) == 0
    assert await planned.written() == before


async def test_a_content_comes_back_from_its_text_as_it_was_kept(planned: Platform) -> None:
    await planned.take_orders([order("2026-11-24T18:30", "2026-11-24T20:30")])
    await planned.record(
        [*four(TUESDAY), passage("2026-11-24T08:55:30"), passage("2026-11-25T09:30:00"), passage("2026-11-26T02:00:00", "out")]
    )
    for day, kept in (await planned.days()).items():
        assert content_of(day, text_of(kept.content)) == kept.content
    event = (await planned.told(WORKDAYS))[-1]
    assert {each.assumed for each in event.presence} <= {True, False}


async def test_every_revision_of_a_day_is_kept_and_told_in_its_order(planned: Platform) -> None:
    for each in four(TUESDAY):
        await planned.record([each])
    told = [each.revision for each in await planned.told(WORKDAYS) if each.date.day == 24]
    assert told == await planned.versions(TUESDAY) == list(range(1, len(told) + 1))
    assert len({each.event_id for each in await planned.told(WORKDAYS)}) == len(await planned.told(WORKDAYS))


async def test_a_finding_is_raised_changed_and_withdrawn_and_each_is_told(planned: Platform) -> None:
    reads = [passage("2026-11-24T09:12:40"), passage("2026-11-24T18:33:00", "out")]
    await planned.record(reads)
    (late,) = [each for each in await planned.findings() if each.claim.kind == "late"]
    assert (late.claim.seconds, late.state, late.revision) == (760, FindingState.RAISED, 1)
    await planned.record([passage("2026-11-24T09:05:00")])
    (late,) = [each for each in await planned.findings() if each.claim.kind == "late"]
    assert (late.claim.seconds, late.state, late.revision) == (300, FindingState.RAISED, 2)
    await planned.record([passage("2026-11-24T08:59:00")])
    (late,) = [each for each in await planned.findings() if each.claim.kind == "late"]
    assert (late.claim.seconds, late.state, late.revision) == (300, FindingState.WITHDRAWN, 3)
    told = [(each.state, each.revision) for each in await planned.told(FINDINGS) if each.finding == str(late.claim.id)]
    assert told == [(1, 1), (1, 2), (5, 3)]


async def test_a_decision_is_told_apart_from_what_a_new_look_finds(planned: Platform) -> None:
    """A decision stands on the version it saw: equal seconds leave it, others return it to the person."""
    await planned.record([passage("2026-11-24T09:12:40"), passage("2026-11-24T18:33:00", "out")])
    await planned.sql("UPDATE findings SET state = 'confirmed' WHERE kind = 'late'")
    await planned.record([passage("2026-11-24T18:40:00", "out")])
    assert {each.state for each in await planned.findings() if each.claim.kind == "late"} == {FindingState.CONFIRMED}
    await planned.record([passage("2026-11-24T09:10:00")])
    assert {each.state for each in await planned.findings() if each.claim.kind == "late"} == {FindingState.RAISED}


async def test_too_short_a_rest_is_found_between_two_days_and_gone_when_one_of_them_changes(planned: Platform) -> None:
    await planned.take_orders([order("2026-11-23T18:30", "2026-11-23T23:50")])
    await planned.record([*four(MONDAY)[:3], passage("2026-11-23T23:50:00", "out"), *four(TUESDAY)])

    async def rests() -> list[tuple[date, date | None, int, str]]:
        found = await planned.findings()
        return [(it.claim.date, it.claim.until, it.claim.seconds, it.state) for it in found if it.claim.kind == "rest_too_short"]

    raised = (MONDAY, TUESDAY, (9 * 60 + 10) * 60, FindingState.RAISED)
    assert await rests() == [raised]
    before = await planned.written()
    async with planned.begin() as work:
        await work.lock_servants(["S1"])
        await planned.compute(work, dates={"S1": [TUESDAY]})
    assert await planned.written() == before
    await planned.take_orders([order("2026-11-23T18:30", "2026-11-23T23:50", revision=2, in_force=False)])
    assert await rests() == [(*raised[:3], FindingState.WITHDRAWN)]


async def test_a_read_beyond_the_border_changes_the_day_beside_it_whichever_comes_first(planned: Platform) -> None:
    """In on Tuesday at 14:25, out on Wednesday at 05:00: one stay over the border, a part in each day."""
    entry, exit = four(TUESDAY)[2], passage("2026-11-25T05:00:00", "out")
    await planned.badge("18", "S2")
    for number, order_of in (("17", (entry, exit)), ("18", (exit, entry))):
        for each in order_of:
            await planned.record([replace(each, badge_number=number, event_key=f"{number}|{each.event_key}")])
    days = {id: await planned.days(id) for id in ("S1", "S2")}
    for kept in days.values():
        assert [kept[day].content.seconds.known for day in (TUESDAY, WEDNESDAY)] == [(13 * 60 + 35) * 60, 3600]
        assert kept[TUESDAY].content.crosses


async def test_a_day_nobody_planned_and_nobody_was_read_on_is_not_kept(planned: Platform) -> None:
    await planned.record(four(date(2026, 11, 10)))
    assert [day.day for day in await planned.days() if day.month == 11 and day.day < 19] == [10]


async def test_reads_at_another_bodys_gate_count_and_are_marked(planned: Platform) -> None:
    await planned.device("mf", body="MF")
    await planned.record(four(TUESDAY, device="mf"))
    day = (await planned.days())[TUESDAY]
    assert (day.content.seconds.worked, day.marks, day.placement.body) == (8 * 3600, ("another_place",), "KGD")
    assert (await planned.days())[MONDAY].marks == ()


async def test_a_clock_that_was_off_and_a_silent_device_leave_their_marks_and_no_accusation(planned: Platform) -> None:
    insert = """
    INSERT INTO findings (id, kind, device, body, date, first, last, seconds, state, rule, reads, revision, edition)
    VALUES (gen_random_uuid(), $1, 'gate', 'KGD', $2, $3, $4, 1, 'raised', 'lc-79', '{}', 1, 'e')
    """
    start = int(at("2026-11-24T10:00").timestamp())
    await planned.sql(insert, "device_clock", MONDAY, start - 86_400, None)
    await planned.sql(insert, "device_silent", TUESDAY, start, start + 3600)
    await planned.record([*four(MONDAY), *four(TUESDAY)[:1]])
    days = await planned.days()
    assert (days[MONDAY].marks, days[TUESDAY].marks) == (("doubtful_clock",), ("incomplete",))
    assert [each.kind.value for each in days[TUESDAY].content.findings] == ["missing_exit"]
    assert {each.state for each in await planned.findings() if each.claim.date == TUESDAY} == {FindingState.WITHDRAWN}


async def test_wall_times_that_occur_twice_leave_their_mark(told: Platform) -> None:
    told.now = at("2024-03-01T12:00")
    await told.badge("17", "S1")
    received = at("2024-03-01T00:00")
    await told.record([passage("2024-02-29T23:30:00", "in", offset=None, received=received)])
    assert (await told.days())[date(2024, 2, 29)].marks == ("ambiguous_time",)


async def test_a_day_whose_body_changes_is_another_day(planned: Platform) -> None:
    await planned.record(four(WEDNESDAY))
    await planned.take_servants([servant("S1", appointment(), appointment(WEDNESDAY, body="MF", kind="secondment"), revision=2)])
    plan = month_of("S1", revision=2, since=19)
    await planned.take_plans([replace(plan, days=tuple(_moved(day) for day in plan.days))])
    days = await planned.days()
    assert [days[day].placement.body for day in (TUESDAY, WEDNESDAY)] == ["KGD", "MF"]
    assert days[WEDNESDAY].content.state is State.IN_PROGRESS
    assert (await planned.told(WORKDAYS))[-1].body == "MF"


def _moved(day: Any) -> Any:
    return replace(day, body="MF", unit="x") if day.plan.date == WEDNESDAY else day


async def test_two_people_are_computed_together_and_kept_apart(planned: Platform) -> None:
    await planned.badge("18", "S2")
    await planned.take_plans([month_of("S2", since=19)])
    await planned.record([*four(TUESDAY), *four(TUESDAY, "18")[:2], *four(THURSDAY, "18")[:1]])
    one, other = (await planned.days("S1"))[TUESDAY], (await planned.days("S2"))[TUESDAY]
    assert (one.content.seconds.worked, other.content.seconds.worked) == (8 * 3600, 4 * 3600)
