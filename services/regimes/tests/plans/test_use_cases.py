"""Composing what is due, publishing what changed, and the question for a span."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from chassis.testing.tokens import caller
from kernel.days import Month
from kernel.faults import Malformed, NotFound, WrongState
from lawbook import load
from regimes.assignments.use_cases import CreateAssignment
from regimes.people.domain import AppointmentKind, Body, Servant
from regimes.people.use_cases import TakeBodies, TakeServants
from regimes.plans.domain import PlanKind
from regimes.plans.use_cases import ActivateLaw, ComposeDuePlans, ListPlanDays, OtherEdition, RollPlans
from regimes.rules.use_cases import CreateLabourOrderRules

from ..fakes import Memory
from ..samples import REMOTE, appointment, assignment, body, rules, servant

LAW = load()
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
KGD = caller("hr", ["/state-bodies/KGD/hr-officer"])
MF = caller("hr", ["/state-bodies/MF/hr-officer"])
NOVEMBER, DECEMBER = Month(2026, 11), Month(2026, 12)
PERSON = servant("serikova", appointment(date(2026, 11, 1), date(2026, 12, 31)))


async def compose(memory: Memory) -> list[str]:
    """Composes all that is due; the keys that were told of, each with its revision."""
    told = len(memory.told)
    await ActivateLaw(memory.begin, LAW)()
    while await ComposeDuePlans(memory.begin, LAW, lambda: NOW)():
        pass
    return [f"{one.plan.key} r{one.revision}" for one in memory.told[told:]]


async def take(memory: Memory, *told: Body | Servant) -> None:
    for state in told:
        await (TakeBodies(memory.begin)([state]) if isinstance(state, Body) else TakeServants(memory.begin)([state]))


@pytest.fixture
def memory() -> Memory:
    return Memory(Month(2026, 10), Month(2027, 1))


@pytest.fixture
async def settled(memory: Memory) -> Memory:
    """A body with rules, and a servant in November and December, all published."""
    await take(memory, body(), PERSON)
    await CreateLabourOrderRules(memory.begin, LAW)(KGD, rules())
    assert await compose(memory) == ["serikova/2026-11 r1", "serikova/2026-12 r1"]
    return memory


async def test_a_published_plan_says_when_and_under_which_law(settled: Memory) -> None:
    first, second = settled.told
    assert (first.occurred_at, first.edition) == (NOW, LAW.edition)
    assert first.event_id != second.event_id
    assert [day.date for day in first.plan.days] == list(NOVEMBER.dates())


async def test_an_unchanged_month_is_not_told_again(settled: Memory) -> None:
    settled.tables.due += [("serikova", NOVEMBER), ("serikova", NOVEMBER)]
    assert await compose(settled) == []
    assert settled.tables.due == []


async def test_a_change_of_the_past_is_told_with_the_next_revision_and_for_its_months_only(settled: Memory) -> None:
    await CreateAssignment(settled.begin, LAW)(KGD, assignment(REMOTE, date(2026, 11, 9), date(2026, 11, 13)))
    assert await compose(settled) == ["serikova/2026-11 r2"]
    kinds = {day.date.day: day.kind for day in settled.told[-1].plan.days}
    assert (kinds[6], kinds[9], kinds[13], kinds[16]) == (PlanKind.OFFICE, PlanKind.REMOTE, PlanKind.REMOTE, PlanKind.OFFICE)


async def test_an_empty_month_is_told_only_where_it_was_not_empty_before(memory: Memory) -> None:
    await take(memory, body(), PERSON)
    assert await compose(memory) == []
    await CreateLabourOrderRules(memory.begin, LAW)(KGD, rules())
    await compose(memory)
    await take(memory, replace(servant("serikova", appointment(date(2026, 11, 1), date(2026, 11, 30))), revision=2))
    assert await compose(memory) == ["serikova/2026-12 r2"]
    assert memory.told[-1].plan.days == ()


async def test_what_arrives_in_any_order_ends_in_the_same_plan(settled: Memory) -> None:
    other = Memory(Month(2026, 10), Month(2027, 1))
    await take(other, PERSON)
    assert await compose(other) == []
    await take(other, body())
    await CreateLabourOrderRules(other.begin, LAW)(KGD, rules())
    await compose(other)
    assert [one.plan for one in other.told] == [one.plan for one in settled.told]


async def test_a_servant_whose_body_is_not_known_gets_plans_when_it_arrives(memory: Memory) -> None:
    await take(memory, body("MF", "10"), PERSON)
    await CreateLabourOrderRules(memory.begin, LAW)(MF, rules(body="MF"))
    assert await compose(memory) == []
    memory.tables.rules["KGD", "2024"] = rules()
    await take(memory, body())
    assert await compose(memory) == ["serikova/2026-11 r1", "serikova/2026-12 r1"]


async def test_plans_reach_further_as_the_clock_moves_on(settled: Memory) -> None:
    await take(settled, servant("omarov"))
    await RollPlans(settled.begin)()
    await compose(settled)
    settled.newest = Month(2027, 2)
    assert await RollPlans(settled.begin)()
    assert await compose(settled) == ["omarov/2027-02 r1"]
    assert not await RollPlans(settled.begin)()


async def test_another_edition_of_the_law_is_composed_by_the_process_that_has_it(settled: Memory) -> None:
    settled.tables.edition = "another"
    settled.tables.due.append(("serikova", NOVEMBER))
    with pytest.raises(OtherEdition):
        await ComposeDuePlans(settled.begin, LAW, lambda: NOW)()
    assert settled.tables.due == [("serikova", NOVEMBER)]
    activate = ActivateLaw(settled.begin, LAW)
    assert [await activate(), await activate()] == [1, 0]
    assert ("serikova", DECEMBER) in settled.tables.due


async def test_the_keys_of_what_is_told_are_locked(settled: Memory) -> None:
    assert {"plan serikova/2026-11", "plan serikova/2026-12"} <= set(settled.locked)


async def test_a_span_is_answered_as_it_follows_from_what_is_recorded_now(settled: Memory) -> None:
    await CreateAssignment(settled.begin, LAW)(KGD, assignment(REMOTE, date(2026, 11, 9), date(2026, 11, 9)))
    days = await ListPlanDays(settled.begin, LAW)(KGD, "serikova", date(2026, 11, 8), date(2026, 11, 10))
    assert [day.kind for day in days] == [PlanKind.DAY_OFF, PlanKind.REMOTE, PlanKind.OFFICE]


async def test_days_of_another_body_are_left_out(settled: Memory) -> None:
    seconded = appointment(date(2026, 11, 10), date(2026, 11, 10), body="MF", kind=AppointmentKind.SECONDMENT)
    await take(settled, body("MF", "10"), replace(servant("serikova", *PERSON.appointments, seconded), revision=2))
    await CreateLabourOrderRules(settled.begin, LAW)(MF, rules(body="MF"))
    ask = ListPlanDays(settled.begin, LAW)
    span = (date(2026, 11, 9), date(2026, 11, 11))
    assert [day.date.day for day in await ask(KGD, "serikova", *span)] == [9, 11]
    assert [day.date.day for day in await ask(MF, "serikova", *span)] == [10]
    assert [day.date.day for day in await ask(caller("s", servant="serikova"), "serikova", *span)] == [9, 10, 11]
    with pytest.raises(NotFound):
        await ask(caller("s", servant="omarov"), "serikova", *span)


async def test_a_span_is_bounded_and_not_reversed(settled: Memory) -> None:
    ask = ListPlanDays(settled.begin, LAW)
    with pytest.raises(WrongState) as refused:
        await ask(KGD, "serikova", date(2026, 11, 2), date(2026, 11, 1))
    assert refused.value.reason == "SPAN_REVERSED"
    assert await ask(KGD, "serikova", date(2026, 11, 1), date(2027, 12, 6))
    with pytest.raises(Malformed):
        await ask(KGD, "serikova", date(2026, 11, 1), date(2027, 12, 7))
