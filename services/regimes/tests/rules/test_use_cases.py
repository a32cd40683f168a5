"""Recording labour-order rules."""

from datetime import date
from typing import Any

import pytest
from chassis.testing.tokens import caller
from kernel.days import Month
from kernel.faults import Conflict, Fault, NotFound, Unavailable
from lawbook import load
from regimes.people.use_cases import TakeBodies, TakeServants
from regimes.rules.use_cases import CreateLabourOrderRules, GetLabourOrderRules, ListLabourOrderRules

from ..fakes import Memory
from ..samples import appointment, body, rules, servant

LAW = load()
KGD = caller("hr", ["/state-bodies/KGD/hr-officer"])
MF = caller("hr", ["/state-bodies/MF/hr-officer"])


@pytest.fixture
async def memory() -> Memory:
    made = Memory(Month(2026, 10), Month(2027, 1))
    await TakeBodies(made.begin)([body()])
    await TakeServants(made.begin)([servant("a", appointment(date(2026, 11, 1))), servant("b", appointment(body="MF"))])
    made.tables.due.clear()
    return made


async def test_rules_ask_for_the_months_of_the_body_from_their_first_day_on(memory: Memory) -> None:
    given = rules(since=date(2026, 11, 16))
    assert await CreateLabourOrderRules(memory.begin, LAW)(KGD, given) == given
    assert memory.tables.rules["KGD", "2024"] == given
    assert memory.tables.due == [("a", Month(2026, 11)), ("a", Month(2026, 12)), ("a", Month(2027, 1))]
    (record,) = memory.records
    assert (record.action, record.resource, record.rule) == (
        "labour-order-rules.create",
        "stateBodies/KGD/labourOrderRules/2024",
        "o121-p4",
    )
    assert memory.locked[-1] == "body KGD"


@pytest.mark.parametrize(
    ("who", "given", "fault", "reason"),
    [
        (MF, rules(), NotFound, "NOT_FOUND"),
        (KGD, rules(body="MF"), NotFound, "NOT_FOUND"),
        (KGD, rules(unit="x"), NotFound, "NOT_FOUND"),
        (KGD, rules("there", since=date(2025, 1, 1)), Conflict, "ALREADY_EXISTS"),
        (KGD, rules("other"), Conflict, "RULES_EXIST"),
        (KGD, rules("other", "audit", hours="09:00-19:00"), Fault, "DAILY_LIMIT"),
    ],
    ids=["another body's officer", "unknown body", "unknown unit", "same ID", "same day", "against the law"],
)
async def test_what_may_not_be_recorded_changes_nothing(memory: Memory, who: Any, given: Any, fault: type[Fault], reason: str) -> None:
    await CreateLabourOrderRules(memory.begin, LAW)(KGD, rules("there"))
    before = memory.tables.copy()
    with pytest.raises(fault) as refused:
        await CreateLabourOrderRules(memory.begin, LAW)(who, given)
    assert refused.value.reason == reason
    assert memory.tables == before
    assert len(memory.records) == 1


async def test_a_unit_may_have_rules_beside_those_of_the_body(memory: Memory) -> None:
    create = CreateLabourOrderRules(memory.begin, LAW)
    await create(KGD, rules())
    await create(KGD, rules("audit", "audit"))
    assert [each.rules for each in await ListLabourOrderRules(memory.begin)(KGD, "KGD", "", 10)] == ["2024", "audit"]
    assert (await GetLabourOrderRules(memory.begin)(KGD, "KGD", "audit")).unit == "audit"


async def test_while_bodies_may_still_be_told_of_nobody_hears_that_there_is_none(memory: Memory) -> None:
    memory.tables.level = frozenset()
    for call in (
        CreateLabourOrderRules(memory.begin, LAW)(KGD, rules()),
        GetLabourOrderRules(memory.begin)(KGD, "KGD", "2024"),
        ListLabourOrderRules(memory.begin)(KGD, "KGD", "", 10),
    ):
        with pytest.raises(Unavailable) as refused:
            await call
        assert refused.value.facts == {"topic": "registry.bodies.v1"}
