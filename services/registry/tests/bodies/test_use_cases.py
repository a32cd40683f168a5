"""What operators and HR officers do with bodies and units."""

from datetime import date

import pytest
from chassis.testing.tokens import caller
from kernel.days import DaySpan
from kernel.faults import Conflict, Forbidden, NotFound, Stale, WrongState
from registry.bodies.domain import BodyState, Headship, HrMember
from registry.bodies.use_cases import AppointUnitHead, CreateStateBody, CreateUnit, ListUnits
from registry.positions.use_cases import CreatePosition, ListPositions
from registry.servants.use_cases import CreateServant

from ..fakes import Memory
from ..samples import body, person, position, terms, unit

OPERATOR = caller("operator", ["/regions/75/operator"])
HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
OTHER_HR = caller("hr", ["/state-bodies/MF/hr-officer"])
FEBRUARY = date(2026, 2, 1)


@pytest.fixture
async def registry() -> Memory:
    """The body KGD with the units audit and hr, a position in each, and Serikova in the audit unit."""
    memory = Memory()
    await CreateStateBody(memory.begin)(OPERATOR, body("KGD"))
    await CreateUnit(memory.begin)(HR, unit("audit"))
    await CreateUnit(memory.begin)(HR, unit("hr", hr_service=True))
    await CreatePosition(memory.begin)(HR, position("17", "audit"))
    await CreatePosition(memory.begin)(HR, position("18", "hr"))
    await CreateServant(memory.begin)(HR, person())
    memory.published.clear()
    memory.records.clear()
    return memory


def published(memory: Memory) -> list[BodyState]:
    return [state for state in memory.published if isinstance(state, BodyState)]


async def test_a_recorded_body_is_published_as_its_first_revision() -> None:
    memory = Memory()
    created = await CreateStateBody(memory.begin)(OPERATOR, body("KGD"))
    assert created.revision == 1
    assert published(memory) == [BodyState(created)]
    assert [(record.action, record.resource, record.rule) for record in memory.records] == [
        ("state-body.create", "stateBodies/KGD", "o15-p1")
    ]


async def test_an_operator_records_bodies_of_the_own_region_only(registry: Memory) -> None:
    with pytest.raises(Forbidden) as refused:
        await CreateStateBody(registry.begin)(OPERATOR, body("MF", region="10"))
    assert refused.value.facts["takes"] == "/nation, /regions/10: operator"
    assert refused.value.facts["grants"] == ", ".join(grant.path for grant in OPERATOR.grants)
    assert "MF" not in registry.tables.bodies


async def test_a_body_twice_is_a_conflict(registry: Memory) -> None:
    with pytest.raises(Conflict):
        await CreateStateBody(registry.begin)(OPERATOR, body("KGD"))


@pytest.mark.parametrize("field", ["parent", "hr_service_body"])
async def test_a_body_refers_to_recorded_bodies_only(registry: Memory, field: str) -> None:
    create = CreateStateBody(registry.begin)
    with pytest.raises(NotFound) as refused:
        await create(OPERATOR, body("UGD", **{field: "XX"}))
    assert refused.value.resource == "stateBodies/XX"
    assert (await create(OPERATOR, body("UGD", **{field: "KGD"}))).id == "UGD"


async def test_a_new_unit_publishes_its_body_as_the_next_revision(registry: Memory) -> None:
    before = registry.tables.bodies["KGD"].revision
    created = await CreateUnit(registry.begin)(HR, unit("audit-1", parent_unit="audit"))
    (state,) = published(registry)
    assert state.body.revision == before + 1
    assert created in state.units
    assert [record.action for record in registry.records] == ["unit.create"]


async def test_units_of_another_body_are_out_of_reach(registry: Memory) -> None:
    for attempt in (
        CreateUnit(registry.begin)(OTHER_HR, unit("new")),
        ListUnits(registry.begin)(OTHER_HR, "KGD", "", 10),
        ListPositions(registry.begin)(OTHER_HR, "KGD", "", 10),
        CreatePosition(registry.begin)(OTHER_HR, position("99")),
        AppointUnitHead(registry.begin)(OTHER_HR, "KGD", "audit", "serikova", FEBRUARY),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert registry.published == []


async def test_a_unit_twice_or_under_an_unknown_one_is_refused(registry: Memory) -> None:
    with pytest.raises(Conflict):
        await CreateUnit(registry.begin)(HR, unit("audit"))
    with pytest.raises(NotFound):
        await CreateUnit(registry.begin)(HR, unit("new", parent_unit="none"))


async def test_a_position_stands_in_a_recorded_unit_under_a_recorded_position(registry: Memory) -> None:
    create = CreatePosition(registry.begin)
    assert (await create(HR, position("19", "audit", above="17"))).supervising_position == "17"
    with pytest.raises(Conflict):
        await create(HR, position("19", "audit"))
    with pytest.raises(NotFound):
        await create(HR, position("20", "none"))
    with pytest.raises(NotFound):
        await create(HR, position("20", "audit", above="none"))


async def test_naming_a_head_publishes_the_body(registry: Memory) -> None:
    headed = await AppointUnitHead(registry.begin)(HR, "KGD", "audit", "serikova", FEBRUARY)
    assert headed.heads == (Headship("serikova", DaySpan(FEBRUARY)),)
    (state,) = published(registry)
    assert headed in state.units
    assert [(record.action, record.rule) for record in registry.records] == [("unit.appoint-head", "o120-p10")]


async def test_naming_the_present_head_again_publishes_nothing(registry: Memory) -> None:
    appoint = AppointUnitHead(registry.begin)
    first = await appoint(HR, "KGD", "audit", "serikova", FEBRUARY)
    registry.published.clear()
    assert await appoint(HR, "KGD", "audit", "serikova", FEBRUARY) == first
    assert registry.published == []


async def test_a_head_serves_in_the_body_on_the_first_day(registry: Memory) -> None:
    appoint = AppointUnitHead(registry.begin)
    with pytest.raises(WrongState) as refused:
        await appoint(HR, "KGD", "audit", "serikova", date(2026, 1, 11))
    assert refused.value.reason == "NOT_APPOINTED"
    assert refused.value.facts == {"servant": "servants/serikova", "on": date(2026, 1, 11)}
    with pytest.raises(NotFound):
        await appoint(HR, "KGD", "audit", "stranger", FEBRUARY)


async def test_a_head_is_named_on_the_state_that_was_seen(registry: Memory) -> None:
    appoint = AppointUnitHead(registry.begin)
    with pytest.raises(Stale):
        await appoint(HR, "KGD", "audit", "serikova", FEBRUARY, seen="r7")
    assert (await appoint(HR, "KGD", "audit", "serikova", FEBRUARY, seen="r1")).revision == 2


async def test_whoever_is_appointed_into_the_hr_service_is_published_with_the_body(registry: Memory) -> None:
    await CreateServant(registry.begin)(HR, person("akhmetov", 1, terms(FEBRUARY, position="18")))
    (state,) = published(registry)
    assert state.hr_members == (HrMember("akhmetov", DaySpan(FEBRUARY)),)


async def test_whoever_is_appointed_elsewhere_leaves_the_body_as_it_is(registry: Memory) -> None:
    await CreateServant(registry.begin)(HR, person("akhmetov", 1, terms(FEBRUARY)))
    assert published(registry) == []
