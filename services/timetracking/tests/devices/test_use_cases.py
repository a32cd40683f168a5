"""Devices and their dated settings: what changes backwards makes the days of its reads due."""

import asyncio
from datetime import date

import pytest
from chassis.testing.tokens import caller
from kernel.faults import Conflict, Malformed, NotFound, Stale, Unavailable
from timetracking.devices.domain import DeviceDirection, Role
from timetracking.due.use_cases import ComputeDueReads

from ..platform import BODIES, SERVANTS, Pausing, Platform
from ..samples import MONDAY, TUESDAY, WEDNESDAY, device, four, month_of, passage, second, settings

HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
MF = caller("hr", ["/state-bodies/MF/hr-officer"])
AROUND = [date(2026, 11, day) for day in range(20, 29)]


@pytest.fixture
async def read(told: Platform) -> Platform:
    """S1 passed the gate on the ordinary way from Monday to Wednesday; the terminal sends no offset."""
    await told.badge("17", "S1")
    await told.take_plans([month_of("S1", since=19)])
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        await told.record(four(day, offset=None))
    return told


async def firsts(platform: Platform) -> list[int]:
    """When S1 was first read on each of the three days, in seconds after half past eight of Almaty."""
    days = await platform.days()
    return [days[day].content.reads[0][0].at - second(f"{day}T08:30") for day in (MONDAY, TUESDAY, WEDNESDAY)]


async def test_a_device_comes_back_as_it_was_enrolled(told: Platform) -> None:
    given = device(
        "D.1-x",
        "KGD",
        settings("A", DeviceDirection.IN, Role.INTERNAL, zone="Asia/Oral"),
        settings("B", DeviceDirection.ALTERNATING, utc_offset=-3600, since="2026-11-24T00:00:00"),
        settings("C", DeviceDirection.OUT, since=7),
    )
    assert (await told.enrol(HR, given)).device == given
    async with told.begin() as work:
        assert await work.devices.get("KGD", "D.1-x", visible_to=HR) == given
        assert [each.serial for each in await work.devices.page("KGD", "", 10, visible_to=HR)] == ["D.1-x", "gate"]
        assert [each.serial for each in await work.devices.page("KGD", "D.1-x", 1, visible_to=HR)] == ["gate"]
        assert await work.devices.page("KGD", "", 10, visible_to=MF) == []
        for body, serial, asks in (("KGD", "gate", MF), ("MF", "gate", HR), ("KGD", "x", HR)):
            with pytest.raises(NotFound):
                await work.devices.get(body, serial, visible_to=asks)


async def test_a_serial_is_enrolled_once_at_whatever_body(told: Platform) -> None:
    with pytest.raises(Conflict):
        await told.enrol(MF, device("gate", "MF"))
    with pytest.raises(NotFound):
        await told.enrol(HR, device("new", "MF"))
    outcomes = await asyncio.gather(*(told.enrol(HR, device("twice")) for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "Conflict", "Conflict", "Enrolled"]


async def test_what_a_device_sent_before_it_was_enrolled_counts_when_it_is(told: Platform) -> None:
    await told.badge("17", "S1")
    await told.record(four(TUESDAY, device="later"))
    assert await told.days() == {}
    await told.enrol(HR, device("later"))
    assert set(await told.due_days()) >= {("S1", MONDAY), ("S1", TUESDAY), ("S1", WEDNESDAY)}
    await told.do_what_is_due()
    assert (await told.days())[TUESDAY].content.seconds.known == (8 * 60 + 15) * 60


async def test_a_time_policy_changed_backwards_moves_the_reads_from_there_on(read: Platform) -> None:
    assert await firsts(read) == [1500] * 3
    before = [await read.versions(day) for day in (MONDAY, TUESDAY)]
    changed = await read.change(HR, "KGD", "gate", settings(utc_offset=6 * 3600, since="2026-11-24T00:00:00"), "1")
    assert changed.etag == "2"
    assert await read.due_days() == [("S1", day) for day in AROUND[1:]]
    await read.do_what_is_due()
    assert await firsts(read) == [1500, 1500 - 3600, 1500 - 3600]
    assert [await read.versions(day) for day in (MONDAY, TUESDAY)] == [before[0], [*before[1], 3]]
    assert await read.due_days() == []


async def test_settings_from_an_event_number_on_move_the_reads_with_that_number(told: Platform) -> None:
    await told.badge("17", "S1")
    reads = [("100", "2026-11-24T08:55:00", "in"), ("101", "2026-11-24T18:33:00", "out")]
    await told.record([passage(wall, way, key=key) for key, wall, way in reads])
    await told.change(HR, "KGD", "gate", settings(utc_offset=6 * 3600, since=101), "")
    await told.do_what_is_due()
    assert [read.at for read, _ in (await told.days())[TUESDAY].content.reads] == [second("2026-11-24T08:55"), second("2026-11-24T17:33")]


async def test_another_role_or_direction_changes_what_becomes_of_the_reads(read: Platform) -> None:
    await read.change(HR, "KGD", "gate", settings(role=Role.INTERNAL, since="2026-11-25T00:00:00"), "")
    await read.do_what_is_due()
    days = await read.days()
    assert [days[day].content.seconds.known > 0 for day in (TUESDAY, WEDNESDAY)] == [True, False]
    assert [became.value for _, became in days[WEDNESDAY].content.reads] == ["internal"] * 4


async def test_a_change_that_moves_nobody_asks_for_nobody(read: Platform) -> None:
    await read.change(HR, "KGD", "gate", settings(utc_offset=6 * 3600, since="2026-11-26T00:00:00"), "")
    assert await read.due_days() == []


async def test_what_is_refused_changes_nothing(read: Platform) -> None:
    for etag in ("0", "2", "x"):
        with pytest.raises(Stale):
            await read.change(HR, "KGD", "gate", settings(since="2026-11-24T00:00:00"), etag)
    with pytest.raises(NotFound):
        await read.change(MF, "KGD", "gate", settings(since="2026-11-24T00:00:00"), "1")
    with pytest.raises(Malformed):
        await read.change(HR, "KGD", "gate", settings(), "1")
    assert await read.due_days() == []
    async with read.begin() as work:
        assert await work.devices.get("KGD", "gate", visible_to=HR) == device()


async def test_of_two_changes_at_once_with_one_etag_one_is_stale(read: Platform) -> None:
    changes = (read.change(HR, "KGD", "gate", settings(premises, since="2026-11-24T00:00:00"), "1") for premises in ("A", "B"))
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["Device", "Stale"]


async def test_passages_whose_days_are_being_computed_are_not_missed_by_a_change(told: Platform) -> None:
    """They were computed with the settings of before: the change waits, and finds them."""
    await told.badge("17", "S1")
    pausing = Pausing(told.compute)
    await told.store(four(TUESDAY, offset=None))
    change = told.change(HR, "KGD", "gate", settings(utc_offset=6 * 3600, since="2026-11-24T00:00:00"), "")
    await pausing.meanwhile(told, ComputeDueReads(told.begin, pausing)(), change)
    await told.do_what_is_due()
    assert (await told.days())[TUESDAY].content.reads[0][0].at == second("2026-11-24T07:55")


async def test_a_change_and_the_passages_of_the_device_never_miss_each_other(told: Platform) -> None:
    """Whichever comes first: in the end every read lies where the last settings put it."""
    await told.badge("17", "S1")

    async def record() -> None:
        for minute in range(20):
            await told.record([passage(f"2026-11-24T09:{minute:02}:00", "in" if minute % 2 else "out", offset=None)])

    async def change() -> None:
        for hours in (6, 7, 8, 6):
            await told.change(HR, "KGD", "gate", settings(utc_offset=hours * 3600, since="2026-11-24T00:00:00"), "")
            await told.do_what_is_due()

    await asyncio.gather(record(), change())
    await told.do_what_is_due()
    reads = (await told.days())[TUESDAY].content.reads
    assert [read.at for read, _ in reads] == [second(f"2026-11-24T08:{minute:02}") for minute in range(20)]


async def test_while_the_registry_may_still_tell_of_the_body_its_devices_are_not_said_to_be_missing(told: Platform) -> None:
    await told.sql("DELETE FROM projection_positions")
    region = caller("inspector", ["/regions/75/inspector"])
    async with told.begin() as work:
        for read in (work.devices.get("KGD", "gate", visible_to=region), work.bodies.get("KGD", visible_to=region)):
            with pytest.raises(Unavailable) as refused:
                await read
            assert refused.value.facts["topic"] == BODIES
        with pytest.raises(Unavailable) as refused:
            await work.servants.require("S1", visible_to=region)
        assert refused.value.facts["topic"] == SERVANTS
