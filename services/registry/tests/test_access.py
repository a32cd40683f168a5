"""Who may call what, inside and outside of their scope: every RPC of the registry by every role that stands in a token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from chassis.testing.answers import answered, refused
from chassis.testing.client import Refusal, channel
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.matrix import GRANTS, WALLS, People, callers, expected
from tartip.audit.v1 import audit_service_pb2 as au
from tartip.personal.v1 import personal_data_service_pb2 as pd
from tartip.registry.v1 import hold_service_pb2 as ho
from tartip.registry.v1 import protected_fact_service_pb2 as pf
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import state_body_service_pb2 as sb
from tartip.registry.v1 import state_body_service_pb2_grpc as sb_grpc

from .serving import (
    FOR,
    MARCH,
    Portal,
    Registry,
    appointment,
    day,
    new_body,
    new_fact,
    new_hold,
    new_position,
    new_servant,
    new_unit,
    row,
    serving,
)

HR_KGD, HR_MF = "/state-bodies/KGD/hr-officer", "/state-bodies/MF/hr-officer"
JANUARY = date(2026, 1, 20)


@dataclass(frozen=True)
class Rpc:
    """A call about KGD and its servant serikova; the number makes what it records a new one each time."""

    method: str
    call: Callable[[Portal, Registry, int], Any]
    shows: Callable[[Any], bool] = lambda answer: True
    """Whether the answer holds what was asked for."""


def rows(request: sv.CreateServantRequest) -> Any:
    async def stream() -> Any:
        yield row(1, request)

    return stream()


def created(answer: sv.ImportServantsResponse) -> bool:
    return answer.rows[0].outcome == sv.ImportedRow.OUTCOME_CREATED


async def export_of(to: Portal) -> list[pd.ExportOwnDataResponse]:
    return [each async for each in to.personal.ExportOwnData(pd.ExportOwnDataRequest())]


async def reads_of(to: Portal, registry: Registry) -> pd.ListOwnReadsResponse:
    """Who read the caller's file, after an officer read that of serikova."""
    officer = await registry.portal((HR_KGD,))
    await officer.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))
    answer: pd.ListOwnReadsResponse = await to.personal.ListOwnReads(pd.ListOwnReadsRequest())
    return answer


async def released(to: Portal, registry: Registry) -> Any:
    """The answer to the release of a hold that an inspector of the region placed."""
    region = await registry.portal(("/regions/75/inspector",))
    placed = await region.holds.PlaceHold(new_hold())
    return await to.holds.ReleaseHold(ho.ReleaseHoldRequest(name=placed.name, ground="Акт № 8"))


async def listed_holds(to: Portal, registry: Registry) -> Any:
    nation = await registry.portal(("/nation/inspector",))
    await nation.holds.PlaceHold(new_hold())
    return await to.holds.ListHolds(ho.ListHoldsRequest(parent=KGD))


KGD = "stateBodies/KGD"
AUDIT = "/tartip.audit.v1.AuditService"
BODIES, SERVANTS = "/tartip.registry.v1.StateBodyService", "/tartip.registry.v1.ServantService"
HOLDS, PERSONAL = "/tartip.registry.v1.HoldService", "/tartip.personal.v1.PersonalDataService"
PROTECTED = "/tartip.registry.v1.ProtectedFactService"
RPCS = [
    Rpc(
        f"{AUDIT}/ListAuditRecords",
        lambda to, _, n: to.audit.ListAuditRecords(au.ListAuditRecordsRequest(resource=f"{KGD}/units/audit")),
        lambda answer: bool(answer.audit_records),
    ),
    Rpc(f"{AUDIT}/VerifyAuditLog", lambda to, _, n: to.audit.VerifyAuditLog(au.VerifyAuditLogRequest())),
    Rpc(
        f"{PERSONAL}/ExportOwnData",
        lambda to, _, n: export_of(to),
        lambda rows: any(each.table == "servants" and each.row["id"] == "serikova" for each in rows),
    ),
    Rpc(f"{PERSONAL}/ListOwnReads", lambda to, registry, n: reads_of(to, registry), lambda answer: bool(answer.own_reads)),
    Rpc(f"{HOLDS}/PlaceHold", lambda to, _, n: to.holds.PlaceHold(new_hold())),
    Rpc(f"{HOLDS}/ReleaseHold", lambda to, registry, n: released(to, registry)),
    Rpc(f"{HOLDS}/ListHolds", lambda to, registry, n: listed_holds(to, registry), lambda answer: bool(answer.holds)),
    Rpc(f"{BODIES}/CreateStateBody", lambda to, _, n: to.bodies.CreateStateBody(new_body(f"NEW{n}"))),
    Rpc(f"{BODIES}/GetStateBody", lambda to, _, n: to.bodies.GetStateBody(sb.GetStateBodyRequest(name=KGD))),
    Rpc(
        f"{BODIES}/ListStateBodies",
        lambda to, _, n: to.bodies.ListStateBodies(sb.ListStateBodiesRequest()),
        lambda answer: KGD in {body.name for body in answer.state_bodies},
    ),
    Rpc(f"{BODIES}/CreateUnit", lambda to, _, n: to.bodies.CreateUnit(new_unit(f"new{n}"))),
    Rpc(f"{BODIES}/GetUnit", lambda to, _, n: to.bodies.GetUnit(sb.GetUnitRequest(name=f"{KGD}/units/audit"))),
    Rpc(f"{BODIES}/ListUnits", lambda to, _, n: to.bodies.ListUnits(sb.ListUnitsRequest(parent=KGD))),
    Rpc(
        f"{BODIES}/AppointUnitHead",
        lambda to, _, n: to.bodies.AppointUnitHead(
            sb.AppointUnitHeadRequest(name=f"{KGD}/units/hr", head="servants/serikova", since=day(MARCH))
        ),
    ),
    Rpc(f"{SERVANTS}/CreatePosition", lambda to, _, n: to.servants.CreatePosition(new_position(f"new{n}", "audit"))),
    Rpc(f"{SERVANTS}/GetPosition", lambda to, _, n: to.servants.GetPosition(sv.GetPositionRequest(name=f"{KGD}/positions/17"))),
    Rpc(f"{SERVANTS}/ListPositions", lambda to, _, n: to.servants.ListPositions(sv.ListPositionsRequest(parent=KGD))),
    Rpc(f"{SERVANTS}/CreateServant", lambda to, _, n: to.servants.CreateServant(new_servant(f"new{n:05}", 10 + n))),
    Rpc(f"{SERVANTS}/GetServant", lambda to, _, n: to.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))),
    Rpc(
        f"{SERVANTS}/ListServants",
        lambda to, _, n: to.servants.ListServants(sv.ListServantsRequest(parent=KGD)),
        lambda answer: "servants/serikova" in {servant.name for servant in answer.servants},
    ),
    Rpc(f"{SERVANTS}/ImportServants", lambda to, _, n: to.servants.ImportServants(rows(new_servant(f"row{n:05}", 60 + n))), created),
    Rpc(
        f"{SERVANTS}/CreateAppointment",
        lambda to, _, n: to.servants.CreateAppointment(
            sv.CreateAppointmentRequest(
                parent="servants/serikova", appointment=appointment("18", MARCH + timedelta(days=n), kind=sv.APPOINTMENT_KIND_ACTING)
            )
        ),
    ),
    Rpc(
        f"{SERVANTS}/EndAppointment",
        lambda to, registry, n: to.servants.EndAppointment(sv.EndAppointmentRequest(name=registry.held, until=day(MARCH))),
    ),
    Rpc(f"{PROTECTED}/RecordProtectedFact", lambda to, _, n: to.protected.RecordProtectedFact(new_fact())),
    Rpc(
        f"{PROTECTED}/ListProtectedFacts",
        lambda to, _, n: to.protected.ListProtectedFacts(pf.ListProtectedFactsRequest(parent="servants/serikova"), metadata=FOR),
        lambda answer: bool(answer.protected_facts and answer.protected_facts[0].document),
    ),
    Rpc(
        f"{PROTECTED}/EndProtectedFact",
        lambda to, registry, n: to.protected.EndProtectedFact(pf.EndProtectedFactRequest(name=registry.fact, until=day(MARCH))),
    ),
    Rpc(
        f"{PROTECTED}/ListServantLimits",
        lambda to, _, n: to.protected.ListServantLimits(
            pf.ListServantLimitsRequest(parent="servants/serikova", since=day(JANUARY), until=day(JANUARY))
        ),
        lambda answer: answer.servant_limits[0].night_work == pf.LIMIT_BARRED,
    ),
]


@pytest.fixture(params=WALLS, ids=list(WALLS.values()))
async def both(request: pytest.FixtureRequest, emptied: MakeDatabase) -> Any:
    """KGD of region 75 as `fill` records it, with anna as the head of audit; and MF of region 10 with a headed unit."""
    async with serving(await emptied("registry"), request.param) as registry:
        await registry.fill()
        kgd, mf = await registry.portal((HR_KGD,)), await registry.portal(("/regions/10/operator", HR_MF))
        await mf.bodies.CreateStateBody(new_body("MF", "10"))
        for hr, body, unit, position, servant, number in ((kgd, "KGD", "audit", "19", "anna1", 8), (mf, "MF", "tax", "1", "berik", 9)):
            if unit != "audit":
                await hr.bodies.CreateUnit(new_unit(unit, body))
            await hr.servants.CreatePosition(new_position(position, unit, body))
            await hr.servants.CreateServant(new_servant(servant, number, appointment(position, body=body)))
            await hr.bodies.AppointUnitHead(
                sb.AppointUnitHeadRequest(name=f"stateBodies/{body}/units/{unit}", head=f"servants/{servant}", since=day(JANUARY))
            )
        registry.fact = (await kgd.protected.RecordProtectedFact(new_fact())).name
        yield registry


PEOPLE = People(own="serikova", other="stranger", head="anna1", other_head="berik")


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: str(rpc.method.rpartition("/")[2]))
async def test_every_caller_is_answered_as_the_matrix_says(both: Registry, rpc: Rpc) -> None:
    for number, someone in enumerate(callers(PEOPLE)):
        portal = await both.portal(someone.grants, someone.servant)
        assert await answered(rpc.call(portal, both, number), rpc.shows) == expected(rpc.method, someone), str(someone)


def test_every_rpc_is_called() -> None:
    services = [
        au.DESCRIPTOR.services_by_name["AuditService"],
        pd.DESCRIPTOR.services_by_name["PersonalDataService"],
        ho.DESCRIPTOR.services_by_name["HoldService"],
        sb.DESCRIPTOR.services_by_name["StateBodyService"],
        sv.DESCRIPTOR.services_by_name["ServantService"],
        pf.DESCRIPTOR.services_by_name["ProtectedFactService"],
    ]
    assert [rpc.method for rpc in RPCS] == [f"/{service.full_name}/{method.name}" for service in services for method in service.methods]


async def test_a_servant_sees_the_own_record_with_its_number_and_no_other(both: Registry) -> None:
    hr = await both.portal((GRANTS["hr-officer@body"][0],))
    await hr.servants.CreateServant(new_servant("akhmetov", 1))
    own, other = await both.portal((), "serikova"), await both.portal((), "akhmetov")
    request = sv.GetServantRequest(name="servants/serikova")
    assert (await own.servants.GetServant(request)).iin
    assert (await refused(other.servants.GetServant(request))).reason == "NOT_FOUND"


@pytest.mark.parametrize(("role", "shown"), [("hr-officer@body", True), ("inspector@region", False), ("integrator@body", False)])
async def test_the_number_is_shown_to_the_hr_officer_alone(both: Registry, role: str, shown: bool) -> None:
    portal = await both.portal((GRANTS[role][0],))
    servant = await portal.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))
    found = (await portal.servants.ListServants(sv.ListServantsRequest(parent=KGD))).servants
    (listed,) = [each for each in found if each.name == "servants/serikova"]
    assert (bool(servant.iin), bool(listed.iin)) == (shown, shown)


async def test_a_use_case_that_forgets_whom_it_shows_a_number_shows_it_to_nobody_else(
    both: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.servants.use_cases.as_seen_by", lambda caller, servant: servant)
    portal = await both.portal((GRANTS["inspector@region"][0],))
    assert not (await portal.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))).iin


async def test_bodies_are_listed_within_reach(both: Registry) -> None:
    async def listed(*grants: str) -> list[str]:
        portal = await both.portal(grants)
        return [body.name for body in (await portal.bodies.ListStateBodies(sb.ListStateBodiesRequest())).state_bodies]

    assert await listed("/state-bodies/KGD/hr-officer") == [KGD]
    assert await listed("/regions/10/operator") == ["stateBodies/MF"]
    assert await listed("/regions/71/inspector") == []
    assert await listed("/nation/inspector") == await listed("/regions/10/inspector", "/regions/75/auditor") == [KGD, "stateBodies/MF"]


async def test_grants_of_different_bodies_are_not_mixed(both: Registry) -> None:
    """An HR officer of MF who inspects region 75 sees KGD and changes nothing of it."""
    portal = await both.portal((GRANTS["hr-officer@body"][1], GRANTS["inspector@region"][0]))
    assert (await portal.bodies.GetStateBody(sb.GetStateBodyRequest(name=KGD))).name == KGD
    assert (await refused(portal.bodies.CreateUnit(new_unit("new")))).reason == "NOT_FOUND"
    assert not (await portal.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))).iin


async def test_the_refusal_of_what_is_hidden_is_that_of_what_is_not_there(both: Registry) -> None:
    portal = await both.portal((GRANTS["hr-officer@body"][1],), language="en")

    async def refusal(name: str) -> Refusal:
        return await refused(portal.servants.GetServant(sv.GetServantRequest(name=f"servants/{name}")))

    hidden, absent = await refusal("serikova"), await refusal("nobody00")
    assert hidden.text.replace("serikova", "nobody00") == absent.text
    assert hidden.code == absent.code == "NOT_FOUND"


async def test_an_unsigned_call_is_unauthenticated(both: Registry) -> None:
    async with channel(both.address) as opened:
        stub: Any = sb_grpc.StateBodyServiceStub(opened)
        assert (await refused(stub.GetStateBody(sb.GetStateBodyRequest(name=KGD)))).code == "UNAUTHENTICATED"
