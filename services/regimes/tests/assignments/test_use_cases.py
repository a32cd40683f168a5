"""Recording assignments."""

from datetime import date

import pytest
from chassis.testing.tokens import caller
from kernel.days import Month
from kernel.faults import Conflict, Forbidden, NotFound, RuleBroken, Unavailable
from lawbook import load
from regimes.assignments.domain import Remote
from regimes.assignments.use_cases import CreateAssignment, GetAssignment, ListAssignments
from regimes.people.domain import AppointmentKind
from regimes.people.use_cases import TakeBodies, TakeServants

from ..fakes import Memory
from ..samples import FLEXIBLE, REMOTE, appointment, assignment, body, servant, shifts

LAW = load()
KGD = caller("hr", ["/state-bodies/KGD/hr-officer"])
MF = caller("hr", ["/state-bodies/MF/hr-officer"])
BOTH = caller("hr", ["/state-bodies/KGD/hr-officer", "/state-bodies/MF/hr-officer"])
NOVEMBER = (date(2026, 11, 2), date(2026, 11, 30))
SECONDED = appointment(date(2026, 12, 1), date(2026, 12, 31), body="MF", kind=AppointmentKind.SECONDMENT)


@pytest.fixture
async def memory() -> Memory:
    made = Memory(Month(2026, 10), Month(2027, 1))
    await TakeBodies(made.begin)([body(), body("MF", "10")])
    await TakeServants(made.begin)(
        [servant(), servant("omarov", appointment(), SECONDED), servant("lost", appointment(body="XX"), appointment())]
    )
    made.tables.due.clear()
    return made


async def test_an_assignment_asks_for_the_months_of_its_span_however_old(memory: Memory) -> None:
    recorded = await CreateAssignment(memory.begin, LAW)(KGD, assignment(REMOTE, date(2024, 2, 20), date(2024, 3, 5)))
    assert memory.tables.due == [("serikova", Month(2024, 2)), ("serikova", Month(2024, 3))]
    assert await GetAssignment(memory.begin)(KGD, "serikova", "a1") == recorded
    (record,) = memory.records
    assert (record.action, record.resource, record.rule) == ("assignment.create", "servants/serikova/assignments/a1", "o120-p1")


async def test_the_later_recorded_goes_after_the_earlier(memory: Memory) -> None:
    create = CreateAssignment(memory.begin, LAW)
    first = await create(KGD, assignment(REMOTE, *NOVEMBER, "z"))
    second = await create(KGD, assignment(FLEXIBLE, *NOVEMBER, "a"))
    assert first.order < second.order
    assert [each.assignment for each in await ListAssignments(memory.begin)(KGD, "serikova", "", 10)] == ["a", "z"]


async def test_what_the_law_forbids_is_not_recorded(memory: Memory) -> None:
    with pytest.raises(RuleBroken):
        await CreateAssignment(memory.begin, LAW)(KGD, assignment(Remote(""), *NOVEMBER))
    assert memory.tables.assignments == {}
    assert memory.records == []


async def test_the_same_id_is_recorded_once(memory: Memory) -> None:
    await CreateAssignment(memory.begin, LAW)(KGD, assignment(REMOTE, *NOVEMBER))
    with pytest.raises(Conflict):
        await CreateAssignment(memory.begin, LAW)(KGD, assignment(FLEXIBLE, *NOVEMBER))


async def test_the_schedule_recorded_before_is_looked_at(memory: Memory) -> None:
    create = CreateAssignment(memory.begin, LAW)
    await create(KGD, assignment(shifts((date(2026, 11, 30), "20:00-08:00")), *NOVEMBER))
    with pytest.raises(RuleBroken) as refused:
        await create(KGD, assignment(shifts((date(2026, 12, 1), "08:00-20:00")), date(2026, 12, 1), date(2026, 12, 31), "a2"))
    assert refused.value.reason == "SHIFTS_IN_A_ROW"


async def test_a_servant_out_of_reach_is_not_found(memory: Memory) -> None:
    for call in (
        CreateAssignment(memory.begin, LAW)(MF, assignment(REMOTE, *NOVEMBER)),
        ListAssignments(memory.begin)(MF, "serikova", "", 10),
    ):
        with pytest.raises(NotFound):
            await call


@pytest.mark.parametrize(("who", "allowed"), [(KGD, False), (MF, False), (BOTH, True)], ids=["KGD", "MF", "both"])
async def test_nobody_sets_hours_on_days_of_another_body(memory: Memory, who: object, allowed: bool) -> None:
    given = assignment(REMOTE, date(2026, 11, 30), date(2026, 12, 1), servant="omarov")
    if allowed:
        await CreateAssignment(memory.begin, LAW)(BOTH, given)
    else:
        with pytest.raises(Forbidden):
            await CreateAssignment(memory.begin, LAW)(KGD if who is KGD else MF, given)
    assert bool(memory.tables.assignments) is allowed


async def test_a_body_that_was_not_told_of_yet_is_waited_for(memory: Memory) -> None:
    with pytest.raises(Unavailable) as refused:
        await CreateAssignment(memory.begin, LAW)(KGD, assignment(REMOTE, *NOVEMBER, servant="lost"))
    assert (refused.value.reason, refused.value.facts) == ("PROJECTION_BEHIND", {"topic": "registry.bodies.v1"})
