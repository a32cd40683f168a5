"""Taking over bodies and servants: the newest state stays, and the days that follow from it are computed anew."""

import random
from datetime import date
from typing import Any

import pytest
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.tokens import caller
from kernel.faults import NotFound, Unavailable
from timetracking.people.domain import Body, Servant
from timetracking.workdays.domain import State

from ..platform import BODIES, SERVANTS, Platform, level
from ..samples import MONDAY, TUESDAY, WEDNESDAY, appointment, body, four, passage, second, servant

# Nine hours from UTC: what is computed in its zone cannot be mistaken for Almaty's.
TOKYO = "Asia/Tokyo"


@pytest.fixture
async def empty(emptied: MakeDatabase) -> Platform:
    """A platform that nobody told of anything."""
    return Platform(await emptied("timetracking"))


async def known(platform: Platform) -> tuple[Any, Any]:
    async with platform.begin() as work:
        return await work.bodies.find(["KGD", "MF"]), await work.servants.find(["S1", "S2"])


@pytest.mark.parametrize("seed", range(4))
async def test_the_newest_state_of_each_stays_in_any_order_any_groups_and_any_repetition(empty: Platform, seed: int) -> None:
    rng = random.Random(seed)
    bodies = [body("KGD", "75", zone, revision) for revision, zone in enumerate(("Asia/Oral", "Asia/Aqtau", "Asia/Almaty"), 1)]
    persons = [servant("S1", appointment(unit=f"u{revision}"), revision=revision) for revision in range(1, 4)]
    told: list[Body | Servant] = [*bodies, *bodies, *persons, *persons, body("MF", "10"), servant("S2")]
    rng.shuffle(told)
    while told:
        group = [told.pop() for _ in range(min(rng.randrange(1, 5), len(told)))]
        await empty.take_bodies([each for each in group if isinstance(each, Body)])
        await empty.take_servants([each for each in group if isinstance(each, Servant)])
    assert await known(empty) == ({"KGD": bodies[2], "MF": body("MF", "10")}, {"S1": persons[2], "S2": servant("S2")})


async def test_appointments_that_are_no_longer_told_of_are_gone(empty: Platform) -> None:
    await empty.take_servants([servant("S1", appointment(), appointment(date(2026, 1, 1), kind="secondment", body="MF"))])
    await empty.take_servants([servant("S1", appointment(), revision=2)])
    assert (await known(empty))[1] == {"S1": servant("S1", appointment(), revision=2)}


async def test_a_holder_of_whom_nobody_told_has_a_day_that_waits_and_is_filed_when_the_registry_tells(empty: Platform) -> None:
    await empty.device("gate")
    await empty.badge("17", "S1")
    await empty.record(four(TUESDAY))
    day = (await empty.days())[TUESDAY]
    assert (day.placement.body, day.content.state, day.content.seconds.known) == ("", State.WAITING, (8 * 60 + 15) * 60)
    await empty.take_servants([servant()])
    await empty.do_what_is_due()
    day = (await empty.days())[TUESDAY]
    assert (day.placement.body, day.placement.unit, day.revision) == ("KGD", "hr", 2)
    assert [(each.body, each.revision) for each in await empty.told("timetracking.workdays.v1")] == [("", 1), ("KGD", 2)]


async def test_the_same_appointments_again_ask_for_nothing(empty: Platform) -> None:
    await empty.device("gate")
    await empty.badge("17", "S1")
    await empty.take_servants([servant()])
    await empty.record(four(TUESDAY))
    await empty.take_servants([servant(revision=2)])
    assert await empty.due_days() == []
    await empty.take_servants([servant("S1", appointment(unit="audit"), revision=3)])
    assert await empty.due_days() == [("S1", MONDAY), ("S1", TUESDAY), ("S1", WEDNESDAY)]


async def test_a_day_that_waits_is_filed_under_the_appointment_that_keeps_time(empty: Platform) -> None:
    seconded = appointment(TUESDAY, TUESDAY, body="MF", unit="x", kind="secondment")
    others = appointment(kind="acting", body="A"), appointment(body="B", keeps_time=False), appointment(kind="temporary", body="C")
    await empty.take_servants([servant("S1", *others, appointment(), seconded)])
    await empty.device("gate")
    await empty.badge("17", "S1")
    await empty.record([*four(MONDAY), *four(TUESDAY), *four(WEDNESDAY)])
    assert [day.placement.body for day in (await empty.days()).values()] == ["KGD", "MF", "KGD"]


async def test_days_in_the_service_of_a_body_whose_zone_is_not_known_yet_are_computed_anew_when_it_is(empty: Platform) -> None:
    await empty.device("gate")
    await empty.badge("17", "S1")
    await empty.take_servants([servant()])
    await empty.record(four(TUESDAY))
    assert (await empty.days())[TUESDAY].content.window[0] == second("2026-11-24T04:00")
    await empty.take_bodies([body(zone=TOKYO)])
    await empty.do_what_is_due()
    assert (await empty.days())[TUESDAY].content.window[0] == second("2026-11-24T04:00") - 4 * 3600
    await empty.take_bodies([body(zone=TOKYO, revision=2)])
    assert await empty.due_days() == []


async def test_reads_without_an_offset_move_with_the_zone_of_the_devices_body(empty: Platform) -> None:
    """S1 is in the service of MF, but passed the gate of KGD, whose terminal sends no offset."""
    await empty.take_bodies([body("MF", "10")])
    await empty.take_servants([servant("S1", appointment(body="MF"))])
    await empty.device("gate", body="KGD")
    await empty.badge("17", "S1")
    await empty.record([passage("2026-11-24T12:55:00", offset=None), passage("2026-11-24T14:00:00", "out", offset=5 * 3600)])
    read = (await empty.days())[TUESDAY].content.reads[0][0]
    assert read.at == second("2026-11-24T12:55")
    await empty.take_bodies([body(zone=TOKYO)])
    await empty.do_what_is_due()
    first, last = (read.at for read, _ in (await empty.days())[TUESDAY].content.reads)
    assert (first, last) == (second("2026-11-24T08:55"), second("2026-11-24T14:00"))


async def test_who_is_out_of_reach_is_not_found(empty: Platform) -> None:
    await empty.take_bodies([body(), body("MF", "10")])
    await empty.take_servants([servant()])
    await level(empty.database.worker, BODIES, SERVANTS)
    reaching: list[tuple[str, ...]] = [("/state-bodies/KGD/hr-officer",), ("/regions/75/inspector",), ("/nation/inspector",)]
    others: list[tuple[str, ...]] = [("/state-bodies/MF/hr-officer",), ("/regions/10/inspector",), ()]
    async with empty.begin() as work:
        for grants in reaching:
            await work.servants.require("S1", visible_to=caller("x", grants))
            assert await work.bodies.get("KGD", visible_to=caller("x", grants)) == body()
        await work.servants.require("S1", visible_to=caller("x", servant="S1"))
        for grants in others:
            with pytest.raises(NotFound):
                await work.servants.require("S1", visible_to=caller("x", grants, "S2"))
            with pytest.raises(NotFound):
                await work.bodies.get("KGD", visible_to=caller("x", grants, "S1"))
        with pytest.raises(NotFound):
            await work.servants.require("S9", visible_to=caller("x", ["/nation/inspector"], "S9"))


async def test_a_servant_of_long_ago_is_in_reach_for_that_time_alone(empty: Platform) -> None:
    await empty.take_bodies([body(), body("MF", "10")])
    left = appointment(date(2024, 1, 1), date(2026, 10, 31), body="MF")
    await empty.take_servants([servant("S1", left, appointment(date(2026, 11, 1)))])
    await level(empty.database.worker, BODIES, SERVANTS)
    mf = caller("hr", ["/state-bodies/MF/hr-officer"])
    async with empty.begin() as work:
        await work.servants.require("S1", visible_to=mf)
        await work.servants.require("S1", visible_to=mf, during=left.span)
        with pytest.raises(NotFound):
            await work.servants.require("S1", visible_to=mf, during=appointment(date(2026, 11, 1)).span)


async def test_a_projection_that_is_behind_says_so_and_never_not_found(empty: Platform) -> None:
    nation = caller("x", ["/nation/inspector"])

    async def behind() -> list[Any]:
        topics = []
        async with empty.begin() as work:
            for read in (work.servants.require("S1", visible_to=nation), work.bodies.get("KGD", visible_to=nation)):
                with pytest.raises((Unavailable, NotFound)) as refused:
                    await read
                topics.append(refused.value.facts.get("topic"))
        return topics

    assert await behind() == [SERVANTS, BODIES]
    await level(empty.database.worker, SERVANTS)
    assert await behind() == [BODIES, BODIES]
    await level(empty.database.worker, BODIES)
    assert await behind() == [None, None]
