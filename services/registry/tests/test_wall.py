"""Row-level security behind the filters: a query that forgets its filter gives nothing of others."""

from typing import Any

import pytest
from chassis.testing.answers import outcome
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.matrix import GRANTS
from chassis.testing.tokens import caller
from chassis.testing.wall import open_tables, seen_by
from kernel.faults import NotFound
from registry.bodies.tables import StateBodyRow
from registry.servants import repository
from sqlalchemy import true
from tartip.registry.v1 import protected_fact_service_pb2 as pf
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import state_body_service_pb2 as sb

from .serving import FOR, MARCH, Registry, appointment, day, new_body, new_fact, new_hold, new_position, new_servant, new_unit, serving

KGD = "stateBodies/KGD"


@pytest.fixture
async def both(emptied: MakeDatabase) -> Any:
    """KGD of region 75 as `fill` records it with a headed unit; MF of region 10 with a unit, a position and a servant."""
    async with serving(await emptied("registry")) as registry:
        await registry.fill()
        mf = await registry.portal(("/regions/10/operator", "/state-bodies/MF/hr-officer"))
        await mf.bodies.CreateStateBody(new_body("MF", "10"))
        await mf.bodies.CreateUnit(new_unit("tax", "MF"))
        await mf.servants.CreatePosition(new_position("1", "tax", "MF"))
        await mf.servants.CreateServant(new_servant("muratova", 7, appointment("1", body="MF")))
        kgd = await registry.portal(("/state-bodies/KGD/hr-officer",))
        await kgd.protected.RecordProtectedFact(new_fact())
        await kgd.bodies.AppointUnitHead(sb.AppointUnitHeadRequest(name=f"{KGD}/units/audit", head="servants/serikova", since=day(MARCH)))
        await (await registry.portal(("/nation/inspector",))).holds.PlaceHold(new_hold())
        yield registry


async def test_every_table_has_a_policy(both: Registry) -> None:
    assert await open_tables(both.database) == frozenset()


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (None, {}),
        (caller("nobody"), {}),
        (
            caller("auditor", ["/state-bodies/MF/auditor"]),
            {"state_bodies": 1, "units": 1, "positions": 1, "servants": 1, "appointments": 1},
        ),
        (caller("inspector", ["/regions/10/inspector"]), {"state_bodies": 1, "units": 1, "positions": 1, "servants": 1, "appointments": 1}),
        (caller("inspector", ["/regions/71/inspector"]), {}),
        (
            caller("hr", ["/state-bodies/KGD/hr-officer"]),
            {"state_bodies": 1, "units": 2, "unit_heads": 1, "positions": 2, "servants": 1, "appointments": 1, "protected_facts": 1},
        ),
        (
            caller("serikova", servant="serikova"),
            {"servants": 1, "appointments": 1, "positions": 1, "unit_heads": 1, "protected_facts": 1},
        ),
        (
            caller("inspector", ["/regions/75/inspector"]),
            {"state_bodies": 1, "units": 2, "unit_heads": 1, "positions": 2, "servants": 1, "appointments": 1, "legal_holds": 1},
        ),
        (
            caller("inspector", ["/nation/inspector"]),
            {"state_bodies": 2, "units": 3, "unit_heads": 1, "positions": 3, "servants": 2, "appointments": 2, "legal_holds": 1},
        ),
    ],
    ids=lambda value: value.subject + str(value.grants) if hasattr(value, "subject") else "",
)
async def test_a_query_without_a_condition_gives_what_the_caller_reaches(both: Registry, who: Any, seen: dict[str, int]) -> None:
    assert await seen_by(both.database, both.database.app, who) == seen


async def test_a_filter_that_is_forgotten_everywhere_still_shows_and_changes_nothing_of_others(
    both: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StateBodyRow, "within", classmethod(lambda cls, reach: true()))
    monkeypatch.setattr(repository, "_within", lambda reach: true())
    monkeypatch.setattr("registry.protected.use_cases._opened_file", _anybody)
    hr = await both.portal((GRANTS["hr-officer@body"][1],))
    calls = {
        "GetStateBody": hr.bodies.GetStateBody(sb.GetStateBodyRequest(name=KGD)),
        "GetUnit": hr.bodies.GetUnit(sb.GetUnitRequest(name=f"{KGD}/units/audit")),
        "ListUnits": hr.bodies.ListUnits(sb.ListUnitsRequest(parent=KGD)),
        "CreateUnit": hr.bodies.CreateUnit(new_unit("new")),
        "GetPosition": hr.servants.GetPosition(sv.GetPositionRequest(name=f"{KGD}/positions/17")),
        "ListPositions": hr.servants.ListPositions(sv.ListPositionsRequest(parent=KGD)),
        "CreatePosition": hr.servants.CreatePosition(new_position("new", "audit")),
        "GetServant": hr.servants.GetServant(sv.GetServantRequest(name="servants/serikova")),
        "ListServants": hr.servants.ListServants(sv.ListServantsRequest(parent=KGD)),
        "CreateAppointment": hr.servants.CreateAppointment(
            sv.CreateAppointmentRequest(parent="servants/serikova", appointment=appointment("1", body="MF"))
        ),
    }
    assert {name: await outcome(call) for name, call in calls.items()} == dict.fromkeys(calls, "NOT_FOUND")
    facts = await hr.protected.ListProtectedFacts(pf.ListProtectedFactsRequest(parent="servants/serikova"), metadata=FOR)
    assert not facts.protected_facts
    assert await outcome(hr.protected.RecordProtectedFact(new_fact())) == "INTERNAL"
    listed = await hr.bodies.ListStateBodies(sb.ListStateBodiesRequest())
    assert [body.name for body in listed.state_bodies] == ["stateBodies/MF"]


async def _anybody(*_: object) -> None:
    """A use case that forgets to ask who opens a file."""


async def test_what_lies_beyond_the_reach_is_seen_inside_the_block_alone_also_where_it_ends_with_a_refusal(both: Registry) -> None:
    hr = caller("hr", ["/state-bodies/MF/hr-officer"])

    async def bodies(transaction: Any) -> int:
        driver = await transaction.driver()
        return int(await driver.fetchval("SELECT count(*) FROM state_bodies"))

    async def refused(transaction: Any) -> None:
        async with transaction.beyond_reach():
            assert await bodies(transaction) == 2
            raise NotFound("stateBodies/X")

    async with both.database.app.transaction(hr) as transaction:
        async with transaction.beyond_reach():
            assert await bodies(transaction) == 2
        assert await bodies(transaction) == 1
        with pytest.raises(NotFound):
            await refused(transaction)
        assert await bodies(transaction) == 1
    async with both.database.app.transaction() as transaction:
        assert await bodies(transaction) == 0
