"""What use cases rely on, tried on PostgreSQL and in memory alike: a fake that differs from the real repository fails here."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from chassis.access import Caller
from chassis.database import Database
from chassis.tables import projection_positions
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.tokens import caller
from kernel.days import DaySpan, Month
from kernel.faults import NotFound, Unavailable
from lawbook import load
from regimes.assignments.domain import Remote
from regimes.people.domain import AppointmentKind, Unit
from regimes.plans.domain import PublishedPlan, compose_month
from regimes.projections import BODIES, SERVANTS
from regimes.unit_of_work import UnitOfWork, units_of_work
from sqlalchemy import insert

from .fakes import Memory, MemoryWork
from .samples import FLEXIBLE, REMOTE, appointment, assignment, body, grounds, rules, servant, shifts, six_day

Begin = Callable[[Caller | None], AbstractAsyncContextManager[UnitOfWork | MemoryWork]]

LAW = load()
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
OLDEST, NEWEST = Month(2025, 10), Month(2027, 1)
NOVEMBER = Month(2026, 11)
NATION = caller("inspector", ["/nation/inspector"])
KGD = caller("hr", ["/state-bodies/KGD/hr-officer"])
MF = caller("hr", ["/state-bodies/MF/hr-officer"])
REGION_10 = caller("inspector", ["/regions/10/inspector"])
NOBODY = caller("nobody")
OWN = caller("s", servant="serikova")


@dataclass(slots=True)
class Opened:
    """The regimes at one instant, which a test may move."""

    begin: Begin
    move: Callable[[datetime], None]


async def level(database: Database, *topics: str) -> None:
    rows = [{"topic": topic, "partition": 0, "start_offset": 0, "applied": 0} for topic in topics]
    async with database.transaction() as transaction:
        await transaction.session.execute(insert(projection_positions), rows)


@pytest.fixture(params=["memory", "postgres"])
async def opened(request: pytest.FixtureRequest, emptied: MakeDatabase) -> Opened:
    if request.param == "memory":
        memory = Memory(OLDEST, NEWEST)

        def move(now: datetime) -> None:
            memory.oldest, memory.newest = Month.of((now - timedelta(days=400)).date()), Month.of(now.date()).next().next()

        return Opened(memory.begin, move)
    fresh, now = await emptied("regimes"), [NOW]
    await level(fresh.app, BODIES, SERVANTS)
    asked, told = units_of_work(fresh.app, lambda: now[0], LAW), units_of_work(fresh.worker, lambda: now[0], LAW)
    return Opened(lambda who: asked(who) if who is not None else told(who), lambda moved: now.__setitem__(0, moved))


@pytest.fixture
async def work(opened: Opened) -> Begin:
    """The bodies KGD (region 75) and MF (region 10), a servant of KGD, one who is seconded to MF in December."""
    seconded = appointment(date(2026, 12, 1), date(2026, 12, 31), body="MF", unit="x", kind=AppointmentKind.SECONDMENT)
    async with opened.begin(None) as one:
        await one.bodies.save([body("KGD"), body("MF", "10", "Asia/Qostanay", (Unit("x"),))])
        await one.servants.save([servant(), servant("omarov", appointment(), seconded)])
    return opened.begin


async def due(begin: Begin) -> list[tuple[str, Month]]:
    """Takes all that is due."""
    async with begin(None) as one:
        waiting = await one.due_months.waiting(10_000)
        await one.due_months.take(waiting)
    return list(waiting)


async def test_a_record_comes_back_as_it_was_given(work: Begin) -> None:
    given = [
        assignment(REMOTE, date(2026, 11, 1), date(2026, 11, 30), "r"),
        assignment(Remote("үйі", frozenset({1, 5})), date(2026, 11, 1), date(2026, 11, 30), "c"),
        assignment(FLEXIBLE, date(2026, 11, 1), date(2026, 11, 30), "f"),
        assignment(
            shifts((date(2026, 11, 2), "20:00-08:00", "01:00-02:00"), (date(2026, 11, 5), "09:00-09:00")),
            date(2026, 11, 1),
            date(2026, 11, 30),
            "s",
        ),
    ]
    async with work(KGD) as one:
        await one.rules.add(rules(grace=300))
        await one.rules.add(six_day(unit="audit"))
        recorded = [await one.assignments.add(each) for each in given]
        assert await one.bodies.get("KGD", KGD) == body()
        assert await one.servants.get("serikova", KGD) == servant()
        assert await one.rules.get("KGD", "2024", KGD) == rules(grace=300)
        assert await one.rules.of_body("KGD") == [rules(grace=300), six_day(unit="audit")]
        assert await one.assignments.of_servant("serikova") == recorded
        assert [replace(each, order=1) for each in recorded] == given
        assert [each.order for each in recorded] == sorted({each.order for each in recorded})


async def test_a_projection_keeps_the_highest_revision_whatever_comes_later(work: Begin) -> None:
    newer, older = body(zone="Asia/Qostanay", revision=3), body(zone="Asia/Oral", revision=2)
    person, stale = servant("serikova", appointment(unit="duty"), revision=3), servant("serikova", appointment(unit="x"), revision=2)
    async with work(None) as one:
        await one.bodies.save([newer])
        await one.servants.save([person])
    async with work(None) as one:
        await one.bodies.save([older, newer])
        await one.servants.save([stale])
        assert (await one.bodies.find(["KGD"]))["KGD"].zone == "Asia/Qostanay"
        assert (await one.bodies.find(["KGD"]))["KGD"].revision == 3
        assert await one.servants.find(["serikova", "x"]) == {"serikova": person}


@pytest.mark.parametrize("other", [MF, REGION_10, NOBODY], ids=["body", "region", "nobody"])
async def test_what_is_out_of_reach_is_not_found(work: Begin, other: Caller) -> None:
    async with work(None) as one:
        await one.rules.add(rules())
        await one.assignments.add(assignment(REMOTE, date(2026, 11, 1), date(2026, 11, 30)))
    async with work(other) as one:
        for read in (
            one.bodies.get("KGD", other),
            one.servants.get("serikova", other),
            one.rules.get("KGD", "2024", other),
            one.assignments.get("serikova", "a1", other),
            one.grounds.visible("serikova", other),
        ):
            with pytest.raises(NotFound):
                await read
        assert await one.assignments.page("serikova", "", 10, other) == []
        assert await one.bodies.within(["KGD"], other) == frozenset()


@pytest.mark.parametrize("other", [KGD, NATION, OWN, caller("i", ["/regions/75/inspector"])], ids=["body", "nation", "own", "region"])
async def test_what_is_within_reach_is_found(work: Begin, other: Caller) -> None:
    async with work(None) as one:
        recorded = await one.assignments.add(assignment(REMOTE, date(2026, 11, 1), date(2026, 11, 30)))
    async with work(other) as one:
        assert (await one.servants.get("serikova", other)).servant == "serikova"
        assert await one.assignments.get("serikova", "a1", other) == recorded
        assert await one.assignments.page("serikova", "", 10, other) == [recorded]
        assert (await one.grounds.visible("serikova", other)).servant == servant()


async def test_an_assignment_is_seen_by_the_bodies_in_whose_service_its_dates_are(work: Begin) -> None:
    async with work(None) as one:
        before = await one.assignments.add(assignment(REMOTE, date(2026, 11, 1), date(2026, 11, 30), "before", servant="omarov"))
        during = await one.assignments.add(assignment(REMOTE, date(2026, 12, 31), date(2027, 1, 5), "during", servant="omarov"))
    async with work(MF) as one:
        assert await one.assignments.page("omarov", "", 10, MF) == [during]
        assert await one.assignments.page("omarov", "", 10, KGD) == [before, during]
        with pytest.raises(NotFound):
            await one.assignments.get("omarov", "before", MF)


async def test_what_does_not_exist_is_not_found(work: Begin) -> None:
    async with work(NATION) as one:
        for read in (
            one.bodies.get("XX", NATION),
            one.servants.get("x", NATION),
            one.rules.get("KGD", "x", NATION),
            one.assignments.get("serikova", "x", NATION),
            one.grounds.visible("x", NATION),
        ):
            with pytest.raises(NotFound):
                await read
        assert await one.bodies.within(["KGD", "MF"], KGD) == {"KGD"}
        assert await one.bodies.within(["KGD", "MF"], REGION_10) == {"MF"}


async def test_lists_go_by_id_from_a_place_on(work: Begin) -> None:
    async with work(None) as one:
        for number, id in enumerate(["c", "B", "a"]):
            await one.rules.add(rules(id, since=date(2024, 1, 1 + number)))
            await one.assignments.add(assignment(REMOTE, date(2026, 11, 1), date(2026, 11, 30), id))
        assert [each.rules for each in await one.rules.page("KGD", "", 2)] == ["B", "a"]
        assert [each.rules for each in await one.rules.page("KGD", "a", 10)] == ["c"]
        assert [each.assignment for each in await one.assignments.page("serikova", "B", 1, KGD)] == ["a"]


async def test_grounds_are_all_that_a_plan_follows_from(work: Begin) -> None:
    async with work(None) as one:
        await one.rules.add(rules())
        await one.rules.add(rules("mf", body="MF"))
        recorded = await one.assignments.add(assignment(REMOTE, date(2026, 11, 1), date(2026, 11, 30)))
        found = await one.grounds.of(["serikova", "omarov", "never told of"])
    assert found["serikova"].rules == (rules(),)
    assert found["serikova"].assignments == (recorded,)
    assert set(found["omarov"].rules) == {rules(), rules("mf", body="MF")}
    assert {"KGD", "MF"} <= found["omarov"].bodies.keys()
    assert found["never told of"].servant.appointments == ()


async def test_a_published_plan_comes_back_as_it_was_told(work: Begin) -> None:
    night = shifts((date(2026, 11, 10), "20:00-08:00", "01:00-02:00"))
    given = grounds(
        assigned=[
            assignment(FLEXIBLE, date(2026, 11, 1), date(2026, 11, 8), "f", 1),
            assignment(night, date(2026, 11, 9), date(2026, 11, 15), "s", 2),
            assignment(REMOTE, date(2026, 11, 16), date(2026, 11, 20), "r", 3),
        ]
    )
    told = PublishedPlan(compose_month(given, NOVEMBER, LAW), 1, "event", NOW, "edition")
    empty = PublishedPlan(replace(told.plan, month=Month(2026, 12), days=()), 1, "event 2", NOW, "edition")
    async with work(None) as one:
        await one.published.save([told, empty])
    async with work(None) as one:
        keys = [("serikova", NOVEMBER), ("serikova", Month(2026, 12)), ("serikova", Month(2027, 1))]
        assert await one.published.find(keys) == {keys[0]: told, keys[1]: empty}
        await one.published.save([replace(told, revision=2)])
        assert (await one.published.find(keys[:1]))[keys[0]].revision == 2
        await one.published.save([])
        assert await one.published.find([]) == {}


async def test_a_span_asks_for_its_months_between_the_oldest_and_the_newest(work: Begin) -> None:
    async with work(None) as one:
        await one.due_months.ask_servants(
            [("serikova", DaySpan(date(2026, 10, 31), date(2026, 12, 1))), ("omarov", DaySpan(date(2020, 1, 1)))]
        )
        await one.due_months.ask_servants([])
    months = await due(work)
    assert [month for servant, month in months if servant == "serikova"] == [Month(2026, 10), NOVEMBER, Month(2026, 12)]
    assert next(month for servant, month in months if servant == "omarov") == OLDEST
    assert [month for servant, month in months if servant == "omarov"][-1] == NEWEST
    assert len(months) == 3 + 16


async def test_an_old_span_asks_for_old_months_only_where_told_to_or_published_before(work: Begin) -> None:
    old = ("serikova", DaySpan(date(2024, 2, 1), date(2024, 3, 31)))
    async with work(None) as one:
        await one.due_months.ask_servants([old])
    assert await due(work) == []
    plan = replace(compose_month(grounds(), NOVEMBER, LAW), month=Month(2024, 3))
    async with work(None) as one:
        await one.published.save([PublishedPlan(plan, 1, "e", NOW, "e")])
        await one.due_months.ask_servants([old])
    assert await due(work) == [("serikova", Month(2024, 3))]
    async with work(None) as one:
        await one.due_months.ask_servants([old], however_old=True)
    assert await due(work) == [("serikova", Month(2024, 2)), ("serikova", Month(2024, 3))]


async def test_a_body_asks_for_the_months_of_everyone_ever_appointed_in_it(work: Begin) -> None:
    async with work(None) as one:
        await one.due_months.ask_bodies(["MF"], DaySpan(date.min))
        await one.due_months.ask_bodies([], DaySpan(date.min))
    assert await due(work) == [("omarov", Month(2026, 12))]
    async with work(None) as one:
        await one.due_months.ask_bodies(["KGD"], DaySpan(date(2026, 12, 15)))
    assert await due(work) == [(id, month) for id in ("omarov", "serikova") for month in (Month(2026, 12), NEWEST)]


async def test_a_month_is_taken_once_however_often_it_was_asked_for(work: Begin) -> None:
    key = ("serikova", NOVEMBER)
    async with work(None) as one:
        for _ in range(3):
            await one.due_months.ask_servants([("serikova", DaySpan(date(2026, 11, 1), date(2026, 11, 30)))])
    async with work(None) as one:
        assert list(await one.due_months.waiting(10)) == [key]
        assert await one.due_months.take([key, ("x", NOVEMBER)]) == {key}
        assert await one.due_months.take([key]) == frozenset()
        assert list(await one.due_months.waiting(10)) == []


async def test_rolling_asks_for_everyones_months_up_to_the_newest_once(opened: Opened, work: Begin) -> None:
    async with work(None) as one:
        assert await one.due_months.roll()
    first = await due(work)
    assert len(first) == 2 * 16
    async with work(None) as one:
        assert not await one.due_months.roll()
    opened.move(datetime(2026, 12, 5, tzinfo=UTC))
    async with work(None) as one:
        assert await one.due_months.roll()
    assert await due(work) == [("omarov", Month(2027, 2)), ("serikova", Month(2027, 2))]


async def test_what_is_asked_for_reaches_the_rolled_month_even_if_the_clock_of_the_asker_is_behind(opened: Opened, work: Begin) -> None:
    opened.move(datetime(2026, 12, 5, tzinfo=UTC))
    async with work(None) as one:
        await one.due_months.roll()
    await due(work)
    opened.move(NOW)
    async with work(None) as one:
        await one.due_months.ask_servants([("serikova", DaySpan(date(2027, 1, 1)))])
    assert await due(work) == [("serikova", Month(2027, 1)), ("serikova", Month(2027, 2))]


async def test_another_edition_of_the_law_makes_all_plans_due_once(work: Begin) -> None:
    async with work(None) as one:
        await one.due_months.activate("first")
        assert await one.due_months.edition() == "first"
    assert len(await due(work)) == 2 * 16
    async with work(None) as one:
        await one.due_months.activate("first")
    assert await due(work) == []


async def test_a_work_that_fails_leaves_nothing_behind(work: Begin) -> None:
    async def fails() -> None:
        async with work(None) as one:
            await one.rules.add(rules())
            raise NotFound("anything")

    with pytest.raises(NotFound):
        await fails()
    async with work(None) as one:
        assert await one.rules.of_body("KGD") == []


async def test_a_projection_that_is_behind_answers_so_and_never_not_found(emptied: MakeDatabase) -> None:
    fresh = await emptied("regimes")
    begin = units_of_work(fresh.app, lambda: NOW, LAW)

    async def refused(topic: str) -> None:
        async with begin(NATION) as one:
            for read in (one.servants.get("x", NATION), one.grounds.visible("x", NATION)):
                with pytest.raises(Unavailable) as fault:
                    await read
                assert (fault.value.reason, fault.value.facts) == ("PROJECTION_BEHIND", {"topic": topic})

    await refused(SERVANTS)
    await level(fresh.app, SERVANTS)
    await refused(BODIES)
    async with begin(NATION) as one:
        with pytest.raises(Unavailable):
            await one.bodies.get("KGD", NATION)
    async with fresh.app.transaction() as transaction:
        rows = [{"topic": BODIES, "partition": number, "start_offset": 5, "applied": applied} for number, applied in ((0, 5), (1, 4))]
        await transaction.session.execute(insert(projection_positions), rows)
    await refused(BODIES)
