"""What use cases rely on, tried on PostgreSQL and in memory alike: a fake that differs from the real repository fails here."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.tokens import caller
from kernel.faults import NotFound
from registry.bodies.domain import HrMember
from registry.servants.domain import AppointmentKind, NewServant, Order, Servant
from registry.unit_of_work import UnitOfWork, begin

from .fakes import Memory, MemoryWork
from .samples import body, iin, person, position, terms, unit

Begin = Callable[[Any], AbstractAsyncContextManager[UnitOfWork | MemoryWork]]

NATION = caller("inspector", ["/nation/inspector"])
KGD = caller("hr", ["/state-bodies/KGD/hr-officer"])
REGION_10 = caller("inspector", ["/regions/10/inspector"])
NOBODY = caller("nobody")
MARCH = date(2026, 3, 1)


@pytest.fixture(params=["memory", "postgres"])
async def work(request: pytest.FixtureRequest, emptied: MakeDatabase) -> Begin:
    """A registry with the bodies KGD (region 75) and MF (region 10), each with an audit and an hr unit and two positions."""
    opened: Begin = Memory().begin
    if request.param == "postgres":
        opened = begin((await emptied("registry")).app, lambda: datetime(2026, 2, 2, 9, tzinfo=UTC))
    async with opened(NATION) as unit_of_work:
        for owner in (body("KGD"), body("MF", region="10")):
            await unit_of_work.bodies.add(owner)
            await unit_of_work.units.add(unit("audit", owner.id))
            await unit_of_work.units.add(unit("hr", owner.id, hr_service=True))
            await unit_of_work.positions.add(position("17", "audit", owner.id))
            await unit_of_work.positions.add(position("18", "hr", owner.id, above="17", hazardous=True))
    return opened


def servant(new: NewServant) -> Servant:
    posts = {"17": "audit", "18": "hr"}
    made = new.appointed(Order(one, position(one.position, posts[one.position], one.body, *_above(one.position))) for one in new.terms)
    return Servant(made.id, made.iin, made.display_name, made.appointments, revision=1)


def _above(id: str) -> tuple[Any, ...]:
    return ("17", True) if id == "18" else ()


async def test_a_record_comes_back_as_it_was_given(work: Begin) -> None:
    serikova = servant(person("serikova", 0, terms(), terms(MARCH, position="18", kind=AppointmentKind.ACTING)))
    async with work(NATION) as one:
        await one.servants.save([(None, serikova)])
    async with work(KGD) as one:
        assert await one.bodies.get("KGD", KGD) == body("KGD")
        assert await one.units.get("KGD", "hr", KGD) == unit("hr", hr_service=True)
        assert await one.positions.get("KGD", "18", KGD) == position("18", "hr", above="17", hazardous=True)
        assert await one.servants.get("serikova", KGD) == serikova


@pytest.mark.parametrize("other", [REGION_10, NOBODY, caller("hr", ["/state-bodies/MF/hr-officer"])], ids=["region", "nobody", "body"])
async def test_what_is_out_of_reach_is_not_found(work: Begin, other: Any) -> None:
    async with work(NATION) as one:
        await one.servants.save([(None, servant(person()))])
    async with work(other) as one:
        for read in (
            one.bodies.get("KGD", other),
            one.units.get("KGD", "hr", other),
            one.positions.get("KGD", "17", other),
            one.servants.get("serikova", other),
        ):
            with pytest.raises(NotFound):
                await read
        assert await one.positions.find({("KGD", "17")}, other) == {}
        assert await one.servants.visible(["serikova"], other) == frozenset()


async def test_what_does_not_exist_is_not_found(work: Begin) -> None:
    async with work(NATION) as one:
        for read in (
            one.bodies.get("XX", NATION),
            one.units.get("KGD", "x", NATION),
            one.positions.get("KGD", "x", NATION),
            one.servants.get("x", NATION),
        ):
            with pytest.raises(NotFound):
                await read


async def test_lists_go_by_id_from_a_place_on_within_reach(work: Begin) -> None:
    async with work(NATION) as one:
        await one.servants.save([(None, servant(person(id, number))) for number, id in enumerate(["c", "B", "a"])])
        await one.servants.save([(None, servant(person("d", 4, terms(body="MF"))))])
    async with work(NATION) as one:
        assert [found.id for found in await one.bodies.page(NATION, "", 10)] == ["KGD", "MF"]
        assert [found.id for found in await one.bodies.page(NATION, "KGD", 10)] == ["MF"]
        assert [found.id for found in await one.bodies.page(REGION_10, "", 10)] == ["MF"]
        assert [found.id for found in await one.bodies.page(NOBODY, "", 10)] == []
        assert [found.id for found in await one.units.page("KGD", "", 1)] == ["audit"]
        assert [found.id for found in await one.positions.page("KGD", "17", 10)] == ["18"]
        assert [found.id for found in await one.servants.page("KGD", "", 2, NATION)] == ["B", "a"]
        assert [found.id for found in await one.servants.page("KGD", "a", 10, NATION)] == ["c"]


async def test_existence_is_known_whoever_may_see_it(work: Begin) -> None:
    async with work(NATION) as one:
        assert [await one.bodies.exists("MF"), await one.bodies.exists("XX")] == [True, False]
        assert [await one.units.exists("MF", "hr"), await one.units.exists("MF", "x")] == [True, False]
        assert [await one.positions.exists("MF", "17"), await one.positions.exists("MF", "x")] == [True, False]


async def test_known_people_are_found_by_id_or_number(work: Begin) -> None:
    async with work(NATION) as one:
        await one.servants.save([(None, servant(person(id, number))) for number, id in enumerate("abc")])
    async with work(NATION) as one:
        assert [found.id for found in await one.servants.known(["a"], [iin(1), iin(7)])] == ["a", "b"]
        assert list(await one.servants.known([], [])) == []


async def test_a_saved_change_replaces_the_record(work: Begin) -> None:
    first = servant(person())
    ended = first.ended(first.appointments[0].id, MARCH)
    changed = Servant(ended.id, ended.iin, "Серікова Ә.", ended.appointments, revision=2)
    async with work(NATION) as one:
        await one.servants.save([(None, first)])
    async with work(NATION) as one:
        await one.servants.save([(first, changed)])
        assert await one.servants.get("serikova", KGD) == changed


async def test_heads_are_replaced_as_a_whole(work: Begin) -> None:
    async with work(NATION) as one:
        await one.servants.save([(None, servant(person(id, number))) for number, id in enumerate("ab")])
    headed = unit("audit").headed_by("a", date(2026, 2, 1)).headed_by("b", MARCH)
    async with work(NATION) as one:
        await one.units.save(headed)
        assert await one.units.get("KGD", "audit", KGD) == headed
    async with work(NATION) as one:
        await one.units.save(headed.headed_by("b", date(2026, 2, 1)))
        assert [head.servant for head in (await one.units.get("KGD", "audit", KGD)).heads] == ["b"]


async def test_who_serves_in_a_body_on_a_day(work: Begin) -> None:
    async with work(NATION) as one:
        await one.servants.save([(None, servant(person("a", 0, terms(MARCH, date(2026, 3, 31)))))])
    async with work(NATION) as one:
        days = [await one.service.days_in_body("a", "KGD", on) for on in (date(2026, 2, 28), MARCH, date(2026, 3, 31), date(2026, 4, 1))]
        assert days == [False, True, True, False]
        assert await one.service.days_in_body("a", "MF", MARCH) is None
        assert await one.service.days_in_body("x", "KGD", MARCH) is None


async def test_a_changed_body_is_its_next_revision_with_units_and_hr_members(work: Begin) -> None:
    acting = terms(MARCH, position="18", kind=AppointmentKind.ACTING)
    async with work(NATION) as one:
        await one.servants.save([(None, servant(person("a", 0, terms(position="18")))), (None, servant(person("b", 1, terms(), acting)))])
    async with work(NATION) as one:
        await one.lock(bodies=["KGD", "MF"])
        state = await one.body_changed("KGD")
        assert state.body.revision == 1
        assert [found.id for found in state.units] == ["audit", "hr"]
        assert state.hr_members == (HrMember("a", terms().span),)
        assert (await one.body_changed("KGD")).body.revision == 2
        assert (await one.body_changed("MF")).hr_members == ()


async def test_hr_units_of_bodies(work: Begin) -> None:
    async with work(NATION) as one:
        assert await one.units.hr_units(["KGD"]) == {("KGD", "hr")}
        assert await one.units.hr_units([]) == frozenset()


async def test_a_servant_is_seen_by_every_body_in_whose_service_and_as_oneself(work: Begin) -> None:
    both = person("a", 0, terms(), terms(MARCH, body="MF", kind=AppointmentKind.SECONDMENT))
    async with work(NATION) as one:
        await one.servants.save([(None, servant(both)), (None, servant(person("b", 1)))])
    own = caller("a", servant="a")
    async with work(NATION) as one:
        for who in (KGD, REGION_10, NATION, own):
            assert (await one.servants.get("a", who)).id == "a"
        assert await one.servants.visible(["a", "b", "x"], own) == {"a"}
        assert await one.servants.visible(["a", "b", "x"], KGD) == {"a", "b"}


async def test_a_work_that_fails_leaves_nothing_behind(work: Begin) -> None:
    async def fails() -> None:
        async with work(NATION) as one:
            await one.servants.save([(None, servant(person()))])
            raise NotFound("anything")

    with pytest.raises(NotFound):
        await fails()
    async with work(NATION) as one:
        assert list(await one.servants.known(["serikova"], [])) == []
