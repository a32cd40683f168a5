"""Who may call what, inside and outside of their scope: every RPC of the regimes by every role that stands in a token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from chassis.client import channel
from chassis.testing.answers import outcome, refused
from chassis.testing.grants import INSIDE, OUTSIDE
from google.protobuf.descriptor import MethodDescriptor
from tartip.access.v1 import access_pb2
from tartip.regimes.v1 import assignment_service_pb2 as a_pb
from tartip.regimes.v1 import labour_order_rules_service_pb2 as r_pb
from tartip.regimes.v1 import labour_order_rules_service_pb2_grpc as r_grpc
from tartip.regimes.v1 import law_service_pb2 as l_pb
from tartip.regimes.v1 import plan_service_pb2 as p_pb

from .serving import HR, REMOTE, Portal, Regimes, day, new_assignment, new_rules

READERS = frozenset({"hr-officer", "inspector", "national inspector", "integrator"})
ON = date(2026, 11, 24)


@dataclass(frozen=True)
class Rpc:
    """A call that succeeds for `roles` inside their scope; outside it ends with `outside`, for all other roles with FORBIDDEN."""

    name: str
    roles: frozenset[str]
    call: Callable[[Portal], Any]
    outside: str = "NOT_FOUND"


EVERYONE = READERS | {"auditor", "operator"}
RPCS = [
    Rpc(
        "CreateLabourOrderRules", frozenset({"hr-officer"}), lambda to: to.rules.CreateLabourOrderRules(new_rules("new", date(2025, 1, 1)))
    ),
    Rpc(
        "GetLabourOrderRules",
        READERS | {"auditor"},
        lambda to: to.rules.GetLabourOrderRules(r_pb.GetLabourOrderRulesRequest(name="stateBodies/KGD/labourOrderRules/2024")),
    ),
    Rpc(
        "ListLabourOrderRules",
        READERS | {"auditor"},
        lambda to: to.rules.ListLabourOrderRules(r_pb.ListLabourOrderRulesRequest(parent="stateBodies/KGD")),
    ),
    Rpc(
        "CreateAssignment",
        frozenset({"hr-officer"}),
        lambda to: to.assignments.CreateAssignment(new_assignment(ON, ON, "new", remote=REMOTE)),
    ),
    Rpc(
        "GetAssignment",
        READERS,
        lambda to: to.assignments.GetAssignment(a_pb.GetAssignmentRequest(name="servants/serikova/assignments/a1")),
    ),
    Rpc("ListAssignments", READERS, lambda to: to.assignments.ListAssignments(a_pb.ListAssignmentsRequest(parent="servants/serikova"))),
    Rpc(
        "ListPlanDays",
        READERS,
        lambda to: to.plans.ListPlanDays(p_pb.ListPlanDaysRequest(parent="servants/serikova", since=day(ON), until=day(ON))),
    ),
    Rpc(
        "GetProvision",
        EVERYONE,
        lambda to: to.law.GetProvision(l_pb.GetProvisionRequest(name="provisions/working-time/night", on=day(ON))),
        "OK",
    ),
    Rpc("ListProvisions", EVERYONE, lambda to: to.law.ListProvisions(l_pb.ListProvisionsRequest(on=day(ON))), "OK"),
    Rpc(
        "GetProductionCalendar",
        EVERYONE,
        lambda to: to.law.GetProductionCalendar(l_pb.GetProductionCalendarRequest(year=2026, week_type=r_pb.WEEK_TYPE_FIVE_DAY)),
        "OK",
    ),
]
OF_A_SERVANT = {"GetAssignment", "ListAssignments", "ListPlanDays", "GetProvision", "ListProvisions", "GetProductionCalendar"}


@pytest.fixture
async def filled(regimes: Regimes) -> Regimes:
    """The body KGD of region 75 with rules, and serikova with an assignment."""
    hr = await regimes.portal(HR)
    await hr.rules.CreateLabourOrderRules(new_rules())
    await hr.assignments.CreateAssignment(new_assignment(date(2026, 11, 2), date(2026, 11, 30), remote=REMOTE))
    return regimes


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: str(rpc.name))
async def test_only_the_named_roles_may_and_only_within_their_scope(filled: Regimes, rpc: Rpc) -> None:
    for role, grant in OUTSIDE.items():
        expected = rpc.outside if role in rpc.roles else "FORBIDDEN"
        assert await outcome(rpc.call(await filled.portal((grant,)))) == expected, f"{role} outside"
    for role, grant in INSIDE.items():
        expected = "OK" if role in rpc.roles else "FORBIDDEN"
        assert await outcome(rpc.call(await filled.portal((grant,)))) == expected, f"{role} inside"


def test_every_rpc_is_tried() -> None:
    files = (a_pb.DESCRIPTOR, l_pb.DESCRIPTOR, p_pb.DESCRIPTOR, r_pb.DESCRIPTOR)
    methods: list[MethodDescriptor] = [method for file in files for service in file.services_by_name.values() for method in service.methods]
    assert {method.name for method in methods} == {rpc.name for rpc in RPCS}
    assert {m.name for m in methods if "servant" in m.GetOptions().Extensions[access_pb2.access].grants} == OF_A_SERVANT


async def test_a_servant_reads_the_own_records_and_the_law_alone(filled: Regimes) -> None:
    own, other = await filled.portal((), "serikova"), await filled.portal((), "omarov")
    assert {rpc.name for rpc in RPCS if await outcome(rpc.call(own)) == "OK"} == OF_A_SERVANT
    law = {"GetProvision", "ListProvisions", "GetProductionCalendar"}
    assert {rpc.name for rpc in RPCS if await outcome(rpc.call(other)) == "OK"} == law
    assert {await outcome(rpc.call(other)) for rpc in RPCS if rpc.name in OF_A_SERVANT - law} == {"NOT_FOUND"}


async def test_without_a_grant_nobody_may(filled: Regimes) -> None:
    nobody = await filled.portal()
    assert {rpc.name: await outcome(rpc.call(nobody)) for rpc in RPCS} == dict.fromkeys([rpc.name for rpc in RPCS], "FORBIDDEN")


async def test_without_a_token_nobody_is_known(filled: Regimes) -> None:
    async with channel(filled.address) as opened:
        stub: Any = r_grpc.LabourOrderRulesServiceStub(opened)
        assert (
            await refused(stub.ListLabourOrderRules(r_pb.ListLabourOrderRulesRequest(parent="stateBodies/KGD")))
        ).reason == "UNAUTHENTICATED"
