"""The jobs on a real database under the stepped clock: plans roll on with the months, and are told once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import pytest
from chassis.clock import Clock, clock_from, step
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.tokens import caller
from kernel.days import Month
from kernel.faults import Unavailable
from lawbook import load
from regimes.assignments.use_cases import CreateAssignment
from regimes.people.domain import Servant
from regimes.people.use_cases import TakeBodies, TakeServants
from regimes.plans.use_cases import ActivateLaw, ComposeDuePlans, RollPlans
from regimes.projections import BODIES, SERVANTS
from regimes.rules.use_cases import CreateLabourOrderRules
from regimes.unit_of_work import units_of_work
from tartip.regimes.v1 import events_pb2, plan_service_pb2

from ..samples import REMOTE, appointment, assignment, body, rules, servant
from ..serving import level

LAW = load()
KGD = caller("hr", ["/state-bodies/KGD/hr-officer"])
ALMATY = "+05:00"


@dataclass(frozen=True, slots=True)
class Regimes:
    """The regimes' database, with a clock that a test steps."""

    database: FreshDatabase
    file: Path
    clock: Clock

    def step(self, to: str) -> None:
        step(self.file, datetime.fromisoformat(to + ALMATY))

    async def take(self, *people: Servant) -> None:
        await TakeServants(units_of_work(self.database.worker, self.clock, LAW))(people)

    async def worked(self) -> list[str]:
        """Does what is due, as the process does; what was told by it: "serikova/2026-11 r1"."""
        before = len(await self.told())
        begin = units_of_work(self.database.worker, self.clock, LAW)
        await ActivateLaw(begin, LAW)()
        await RollPlans(begin)()
        while await ComposeDuePlans(begin, LAW, self.clock)():
            pass
        return [f"{each.servant}/{each.year:04d}-{each.month:02d} r{each.revision}" for each in (await self.told())[before:]]

    async def told(self) -> Sequence[events_pb2.MonthPlanChanged]:
        rows = await self.database.rows("SELECT payload FROM outbox ORDER BY xid, id")
        return [events_pb2.MonthPlanChanged.FromString(row["payload"]) for row in rows]


@pytest.fixture
async def regimes(emptied: MakeDatabase, tmp_path: Path) -> Regimes:
    """KGD with rules since 2023 and serikova, appointed there in 2023; it is 22 November 2026."""
    file = tmp_path / "clock"
    found = Regimes(await emptied("regimes"), file, clock_from(f"file:{file}"))
    found.step("2026-11-22T14:00")
    begin = units_of_work(found.database.worker, found.clock, LAW)
    await level(found.database.worker, BODIES, SERVANTS)
    await TakeBodies(begin)([body()])
    await CreateLabourOrderRules(begin, LAW)(KGD, rules(since=date(2023, 1, 1)))
    await found.take(servant("serikova", appointment(date(2023, 3, 1))))
    return found


async def test_plans_reach_from_the_oldest_month_of_a_passage_to_two_months_ahead_and_are_told_once(regimes: Regimes) -> None:
    first = await regimes.worked()
    assert (first[0], first[-1], len(first)) == ("serikova/2025-10 r1", "serikova/2027-01 r1", 16)
    assert await regimes.worked() == []
    days = {(each.year, each.month): [day.date.day for day in each.days] for each in await regimes.told()}
    assert all(found == [on.day for on in Month(*month).dates()] for month, found in days.items())


async def test_a_new_month_begins_for_everyone_with_the_clock(regimes: Regimes) -> None:
    await regimes.take(servant("omarov", appointment(date(2026, 11, 1))))
    await regimes.worked()
    regimes.step("2026-11-29T23:59")
    assert await regimes.worked() == []
    regimes.step("2026-12-01T00:00")
    assert await regimes.worked() == ["omarov/2027-02 r1", "serikova/2027-02 r1"]
    regimes.step("2026-12-31T12:00")
    assert await regimes.worked() == ["omarov/2027-03 r1", "serikova/2027-03 r1"]
    assert await regimes.worked() == []


async def test_a_clock_that_stood_still_for_months_leaves_no_month_out(regimes: Regimes) -> None:
    await regimes.worked()
    regimes.step("2027-04-10T09:00")
    assert await regimes.worked() == [f"serikova/2027-{month:02d} r1" for month in range(2, 7)]


async def test_a_clock_that_is_behind_tells_nothing_anew(regimes: Regimes) -> None:
    await regimes.worked()
    regimes.step("2026-10-01T09:00")
    assert await regimes.worked() == []


async def test_a_backdated_assignment_changes_the_past_months_that_it_touches_and_no_other(regimes: Regimes) -> None:
    await regimes.worked()
    regimes.step("2026-12-10T09:00")
    await regimes.worked()
    begin = units_of_work(regimes.database.worker, regimes.clock, LAW)
    await CreateAssignment(begin, LAW)(KGD, assignment(REMOTE, date(2026, 9, 28), date(2026, 10, 2)))
    assert await regimes.worked() == ["serikova/2026-09 r2", "serikova/2026-10 r2"]
    september, october = (await regimes.told())[-2:]
    remote = [
        (day.date.month, day.date.day)
        for plan in (september, october)
        for day in plan.days
        if day.kind == plan_service_pb2.PLAN_KIND_REMOTE
    ]
    assert remote == [(9, 28), (9, 29), (9, 30), (10, 1), (10, 2)]
    assert await regimes.worked() == []


async def test_a_month_older_than_any_passage_is_told_of_where_an_act_changes_it(regimes: Regimes) -> None:
    await regimes.worked()
    begin = units_of_work(regimes.database.worker, regimes.clock, LAW)
    await CreateAssignment(begin, LAW)(KGD, assignment(REMOTE, date(2024, 2, 26), date(2024, 3, 1)))
    assert await regimes.worked() == ["serikova/2024-02 r1", "serikova/2024-03 r1"]


async def test_workers_side_by_side_tell_each_plan_once(regimes: Regimes) -> None:
    await regimes.take(*(servant(f"s{number:03d}", appointment(date(2026, 11, 1))) for number in range(60)))
    begin = units_of_work(regimes.database.worker, regimes.clock, LAW)
    await ActivateLaw(begin, LAW)()

    async def worker() -> None:
        await RollPlans(begin)()
        while await ComposeDuePlans(begin, LAW, regimes.clock)():
            pass

    await asyncio.gather(worker(), worker(), worker())
    told = [(each.servant, each.year, each.month, each.revision) for each in await regimes.told()]
    assert len(told) == len(set(told)) == 60 * 3 + 16
    assert {revision for *_, revision in told} == {1}


async def test_an_appointment_told_of_late_changes_the_months_since_it_began(regimes: Regimes) -> None:
    await regimes.worked()
    late = appointment(date(2026, 10, 12), date(2026, 10, 16), unit="duty")
    before = appointment(date(2023, 3, 1), date(2026, 10, 11))
    after = appointment(date(2026, 10, 17))
    await regimes.take(replace(servant("serikova", before, late, after), revision=2))
    told = await regimes.worked()
    assert told == ["serikova/2026-10 r2"]
    units = {day.date.day: day.unit for day in (await regimes.told())[-1].days}
    assert (units[11], units[12], units[16], units[17]) == ("audit-1", "duty", "duty", "audit-1")


async def test_an_assignment_of_a_servant_not_yet_told_of_is_asked_for_again(regimes: Regimes) -> None:
    await regimes.database.rows("UPDATE projection_positions SET start_offset = 1 WHERE topic = 'registry.servants.v1'")
    begin = units_of_work(regimes.database.worker, regimes.clock, LAW)
    with pytest.raises(Unavailable):
        await CreateAssignment(begin, LAW)(KGD, assignment(REMOTE, date(2026, 9, 28), date(2026, 10, 2), servant="nobody"))
