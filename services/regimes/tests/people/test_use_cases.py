"""Taking over what the registry tells, in any order and with any repetition."""

from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest
from kernel.days import Month
from regimes.people.domain import Body, Servant, Unit
from regimes.people.use_cases import TakeBodies, TakeServants

from ..fakes import Memory
from ..samples import appointment, body, servant

OLDEST, NEWEST = Month(2026, 10), Month(2027, 1)
IN_DECEMBER = servant("s", appointment(date(2026, 12, 1), date(2026, 12, 31)))


@pytest.fixture
def memory() -> Memory:
    return Memory(OLDEST, NEWEST)


async def take(memory: Memory, *told: Body | Servant) -> None:
    for state in told:
        if isinstance(state, Body):
            await TakeBodies(memory.begin)([state])
        else:
            await TakeServants(memory.begin)([state])


async def test_the_newest_states_stay_in_whatever_order_they_come() -> None:
    told: list[Body | Servant] = [
        body(revision=1),
        body(zone="Asia/Oral", revision=2),
        servant(revision=1),
        servant("serikova", appointment(unit="duty"), revision=2),
    ]
    ends = set()
    for order in permutations(told):
        memory = Memory(OLDEST, NEWEST)
        await take(memory, *order, *order)
        ends.add((memory.tables.bodies["KGD"].zone, memory.tables.servants["serikova"].appointments))
    assert ends == {("Asia/Oral", (appointment(unit="duty"),))}


async def test_a_group_may_hold_one_key_twice(memory: Memory) -> None:
    await TakeServants(memory.begin)([servant(revision=2), servant("serikova", appointment(unit="old"), revision=1)])
    await TakeBodies(memory.begin)([body(revision=2), body(zone="Asia/Oral", revision=1)])
    assert memory.tables.servants["serikova"] == servant()
    assert memory.tables.bodies["KGD"] == body()


async def test_a_second_delivery_asks_for_nothing(memory: Memory) -> None:
    await take(memory, body(), servant())
    memory.tables.due.clear()
    await take(memory, body(), servant())
    assert memory.tables.due == []


async def test_a_new_servant_asks_for_the_months_of_the_appointments(memory: Memory) -> None:
    await take(memory, IN_DECEMBER)
    assert memory.tables.due == [("s", Month(2026, 12))]


async def test_a_changed_name_asks_for_nothing(memory: Memory) -> None:
    await take(memory, IN_DECEMBER)
    memory.tables.due.clear()
    await take(memory, replace(IN_DECEMBER, revision=2))
    assert memory.tables.due == []


async def test_an_ended_appointment_asks_for_its_months_before_and_after(memory: Memory) -> None:
    await take(memory, servant("s", appointment(date(2026, 11, 1))))
    memory.tables.due.clear()
    await take(memory, servant("s", appointment(date(2026, 11, 1), date(2026, 11, 30)), revision=2))
    assert memory.tables.due == [("s", Month(2026, 11)), ("s", Month(2026, 12)), ("s", NEWEST)]


@pytest.mark.parametrize("changed", [body(zone="Asia/Oral", revision=2), body(units=(Unit("audit"),), revision=2)], ids=["zone", "units"])
async def test_a_body_that_moved_or_was_rearranged_asks_for_its_people(memory: Memory, changed: Body) -> None:
    await take(memory, IN_DECEMBER, body())
    memory.tables.due.clear()
    await take(memory, changed)
    assert memory.tables.due == [("s", Month(2026, 12))]


async def test_a_body_of_another_region_asks_for_nothing(memory: Memory) -> None:
    await take(memory, IN_DECEMBER, body())
    memory.tables.due.clear()
    await take(memory, body(region="10", revision=2))
    assert memory.tables.due == []
    assert memory.tables.bodies["KGD"].region == "10"


async def test_the_locks_of_bodies_are_taken_before_those_of_servants(memory: Memory) -> None:
    await TakeServants(memory.begin)([servant("b", appointment(body="MF")), servant("a")])
    assert memory.locked == ["body KGD", "body MF", "servant a", "servant b"]
