"""Who may call what, inside and outside of their scope: every RPC of the registry by every role that stands in a token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from chassis.client import Refusal, channel
from chassis.testing.answers import outcome, refused
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.grants import INSIDE, OUTSIDE
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import state_body_service_pb2 as sb
from tartip.registry.v1 import state_body_service_pb2_grpc as sb_grpc

from .serving import MARCH, Portal, Registry, appointment, day, new_body, new_position, new_servant, new_unit, row, serving

READERS = {"hr-officer", "inspector", "national inspector", "integrator", "auditor"}


@dataclass(frozen=True)
class Rpc:
    """A call that succeeds for `roles` inside their scope; outside it ends with `outside`, for all other roles with FORBIDDEN."""

    name: str
    call: Callable[[Portal, Registry], Any]
    roles: frozenset[str]
    outside: str = "NOT_FOUND"


def rows(request: sv.CreateServantRequest) -> Any:
    async def stream() -> Any:
        yield row(1, request)

    return stream()


def rpc(name: str, roles: set[str], call: Callable[[Portal, Registry], Any], outside: str = "NOT_FOUND") -> Rpc:
    return Rpc(name, call, frozenset(roles), outside)


HR = {"hr-officer"}
KGD = "stateBodies/KGD"
RPCS = [
    rpc("CreateStateBody", {"operator"}, lambda to, _: to.bodies.CreateStateBody(new_body("NEW")), "FORBIDDEN"),
    rpc("GetStateBody", READERS | {"operator"}, lambda to, _: to.bodies.GetStateBody(sb.GetStateBodyRequest(name=KGD))),
    rpc("CreateUnit", HR, lambda to, _: to.bodies.CreateUnit(new_unit("new"))),
    rpc("GetUnit", READERS, lambda to, _: to.bodies.GetUnit(sb.GetUnitRequest(name=f"{KGD}/units/audit"))),
    rpc("ListUnits", READERS, lambda to, _: to.bodies.ListUnits(sb.ListUnitsRequest(parent=KGD))),
    rpc(
        "AppointUnitHead",
        HR,
        lambda to, _: to.bodies.AppointUnitHead(
            sb.AppointUnitHeadRequest(name=f"{KGD}/units/audit", head="servants/serikova", since=day(MARCH))
        ),
    ),
    rpc("CreatePosition", HR, lambda to, _: to.servants.CreatePosition(new_position("new", "audit"))),
    rpc("GetPosition", READERS, lambda to, _: to.servants.GetPosition(sv.GetPositionRequest(name=f"{KGD}/positions/17"))),
    rpc("ListPositions", READERS, lambda to, _: to.servants.ListPositions(sv.ListPositionsRequest(parent=KGD))),
    rpc("CreateServant", HR, lambda to, _: to.servants.CreateServant(new_servant("new", 5))),
    rpc("GetServant", READERS - {"auditor"}, lambda to, _: to.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))),
    rpc("ListServants", READERS - {"auditor"}, lambda to, _: to.servants.ListServants(sv.ListServantsRequest(parent=KGD))),
    rpc(
        "CreateAppointment",
        HR,
        lambda to, _: to.servants.CreateAppointment(
            sv.CreateAppointmentRequest(parent="servants/serikova", appointment=appointment("18", MARCH, kind=sv.APPOINTMENT_KIND_ACTING))
        ),
    ),
    rpc(
        "EndAppointment",
        HR,
        lambda to, registry: to.servants.EndAppointment(sv.EndAppointmentRequest(name=registry.held, until=day(MARCH))),
    ),
]


@pytest.fixture
async def both(emptied: MakeDatabase) -> Any:
    """A registry with KGD of region 75 as `fill` records it, and the empty body MF of region 10."""
    async with serving(await emptied("registry")) as registry:
        await registry.fill()
        await (await registry.portal(("/regions/10/operator",))).bodies.CreateStateBody(new_body("MF", "10"))
        yield registry


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: str(rpc.name))
async def test_only_the_named_roles_may_and_only_within_their_scope(both: Registry, rpc: Rpc) -> None:
    for role, grant in OUTSIDE.items():
        expected = rpc.outside if role in rpc.roles else "FORBIDDEN"
        assert await outcome(rpc.call(await both.portal((grant,)), both)) == expected, f"{role} outside"
    for role, grant in INSIDE.items():
        expected = "OK" if role in rpc.roles else "FORBIDDEN"
        assert await outcome(rpc.call(await both.portal((grant,)), both)) == expected, f"{role} inside"


async def test_without_a_grant_nobody_may_and_a_servant_reads_the_own_record_alone(both: Registry) -> None:
    nobody, servant = await both.portal(), await both.portal((), "serikova")
    assert {rpc.name: await outcome(rpc.call(nobody, both)) for rpc in RPCS} == dict.fromkeys([rpc.name for rpc in RPCS], "FORBIDDEN")
    assert [rpc.name for rpc in RPCS if await outcome(rpc.call(servant, both)) != "FORBIDDEN"] == ["GetServant"]


async def test_a_servant_sees_the_own_record_with_its_number_and_no_other(both: Registry) -> None:
    hr = await both.portal((INSIDE["hr-officer"],))
    await hr.servants.CreateServant(new_servant("akhmetov", 1))
    own, other = await both.portal((), "serikova"), await both.portal((), "akhmetov")
    request = sv.GetServantRequest(name="servants/serikova")
    assert (await own.servants.GetServant(request)).iin
    assert (await refused(other.servants.GetServant(request))).reason == "NOT_FOUND"


@pytest.mark.parametrize(("role", "shown"), [("hr-officer", True), ("inspector", False), ("integrator", False)])
async def test_the_number_is_shown_to_the_hr_officer_alone(both: Registry, role: str, shown: bool) -> None:
    portal = await both.portal((INSIDE[role],))
    servant = await portal.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))
    (listed,) = (await portal.servants.ListServants(sv.ListServantsRequest(parent=KGD))).servants
    assert (bool(servant.iin), bool(listed.iin)) == (shown, shown)


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
    portal = await both.portal((OUTSIDE["hr-officer"], INSIDE["inspector"]))
    assert (await portal.bodies.GetStateBody(sb.GetStateBodyRequest(name=KGD))).name == KGD
    assert (await refused(portal.bodies.CreateUnit(new_unit("new")))).reason == "NOT_FOUND"
    assert not (await portal.servants.GetServant(sv.GetServantRequest(name="servants/serikova"))).iin


async def test_an_import_is_for_hr_officers_and_reaches_their_body(both: Registry) -> None:
    outside, inside = await both.portal((OUTSIDE["hr-officer"],)), await both.portal((INSIDE["hr-officer"],))
    answer = await outside.servants.ImportServants(rows(new_servant("new", 5)))
    assert answer.rows[0].outcome == sv.ImportedRow.OUTCOME_REFUSED
    answer = await inside.servants.ImportServants(rows(new_servant("new", 5)))
    assert answer.rows[0].outcome == sv.ImportedRow.OUTCOME_CREATED
    for role in set(INSIDE) - {"hr-officer"}:
        portal = await both.portal((INSIDE[role],))
        assert await outcome(portal.servants.ImportServants(rows(new_servant("new", 5)))) == "FORBIDDEN"


async def test_the_refusal_of_what_is_hidden_is_that_of_what_is_not_there(both: Registry) -> None:
    portal = await both.portal((OUTSIDE["hr-officer"],), language="en")

    async def refusal(name: str) -> Refusal:
        return await refused(portal.servants.GetServant(sv.GetServantRequest(name=f"servants/{name}")))

    hidden, absent = await refusal("serikova"), await refusal("nobody00")
    assert hidden.text.replace("serikova", "nobody00") == absent.text
    assert hidden.code == absent.code == "NOT_FOUND"


def test_every_rpc_is_in_the_table() -> None:
    services = [sb.DESCRIPTOR.services_by_name["StateBodyService"], sv.DESCRIPTOR.services_by_name["ServantService"]]
    declared = {method.name for service in services for method in service.methods}
    assert declared == {rpc.name for rpc in RPCS} | {"ListStateBodies", "ImportServants"}


async def test_an_unsigned_call_is_unauthenticated(both: Registry) -> None:
    async with channel(both.address) as opened:
        stub: Any = sb_grpc.StateBodyServiceStub(opened)
        assert (await refused(stub.GetStateBody(sb.GetStateBodyRequest(name=KGD)))).code == "UNAUTHENTICATED"
