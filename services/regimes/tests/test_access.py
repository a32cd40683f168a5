"""Who may call what, inside and outside of their scope: every RPC of the regimes by every role that stands in a token."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from chassis.testing.answers import answered, refused
from chassis.testing.client import channel
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.matrix import WALLS, People, callers, expected
from kernel.days import DaySpan
from kernel.headships import Headship
from regimes.people.domain import Body
from regimes.people.use_cases import TakeBodies, TakeServants
from regimes.unit_of_work import units_of_work
from tartip.regimes.v1 import assignment_service_pb2 as a_pb
from tartip.regimes.v1 import labour_order_rules_service_pb2 as r_pb
from tartip.regimes.v1 import labour_order_rules_service_pb2_grpc as r_grpc
from tartip.regimes.v1 import law_service_pb2 as l_pb
from tartip.regimes.v1 import plan_service_pb2 as p_pb

from .samples import body, servant
from .serving import HR, NOW, REMOTE, Portal, Regimes, day, new_assignment, new_rules, serving
from .serving import LAW as STATUTE

ON = date(2026, 11, 24)
RULES, ASSIGNMENTS = "/tartip.regimes.v1.LabourOrderRulesService", "/tartip.regimes.v1.AssignmentService"
LAW, PLANS = "/tartip.regimes.v1.LawService", "/tartip.regimes.v1.PlanService"


@dataclass(frozen=True)
class Rpc:
    """A call about KGD and its servant serikova; the number makes what it records a new one each time."""

    method: str
    call: Callable[[Portal, int], Any]
    shows: Callable[[Any], bool] = lambda answer: True
    """Whether the answer holds what was asked for."""


RPCS = [
    Rpc(f"{ASSIGNMENTS}/CreateAssignment", lambda to, n: to.assignments.CreateAssignment(new_assignment(ON, ON, f"new{n}", remote=REMOTE))),
    Rpc(
        f"{ASSIGNMENTS}/GetAssignment",
        lambda to, n: to.assignments.GetAssignment(a_pb.GetAssignmentRequest(name="servants/serikova/assignments/a1")),
    ),
    Rpc(
        f"{ASSIGNMENTS}/ListAssignments",
        lambda to, n: to.assignments.ListAssignments(a_pb.ListAssignmentsRequest(parent="servants/serikova")),
        lambda answer: bool(answer.assignments),
    ),
    Rpc(
        f"{RULES}/CreateLabourOrderRules",
        lambda to, n: to.rules.CreateLabourOrderRules(new_rules(f"new{n}", date(2025, 1, 1) + timedelta(n))),
    ),
    Rpc(
        f"{RULES}/GetLabourOrderRules",
        lambda to, n: to.rules.GetLabourOrderRules(r_pb.GetLabourOrderRulesRequest(name="stateBodies/KGD/labourOrderRules/2024")),
    ),
    Rpc(
        f"{RULES}/ListLabourOrderRules",
        lambda to, n: to.rules.ListLabourOrderRules(r_pb.ListLabourOrderRulesRequest(parent="stateBodies/KGD")),
        lambda answer: bool(answer.labour_order_rules),
    ),
    Rpc(
        f"{LAW}/GetProvision",
        lambda to, n: to.law.GetProvision(l_pb.GetProvisionRequest(name="provisions/working-time/night", on=day(ON))),
    ),
    Rpc(f"{LAW}/ListProvisions", lambda to, n: to.law.ListProvisions(l_pb.ListProvisionsRequest(on=day(ON)))),
    Rpc(
        f"{LAW}/GetProductionCalendar",
        lambda to, n: to.law.GetProductionCalendar(l_pb.GetProductionCalendarRequest(year=2026, week_type=r_pb.WEEK_TYPE_FIVE_DAY)),
    ),
    Rpc(
        f"{PLANS}/ListPlanDays",
        lambda to, n: to.plans.ListPlanDays(p_pb.ListPlanDaysRequest(parent="servants/serikova", since=day(ON), until=day(ON))),
        lambda answer: bool(answer.days),
    ),
]
PEOPLE = People(own="serikova", other="omarov", head="head1", other_head="head2")


@pytest.fixture(params=WALLS, ids=list(WALLS.values()))
async def filled(request: pytest.FixtureRequest, emptied: MakeDatabase) -> AsyncIterator[Regimes]:
    """KGD of region 75 with rules and heads of two units, and serikova of the first with an assignment."""
    async with serving(await emptied("regimes"), request.param) as regimes:
        await regimes.fill()
        hr = await regimes.portal(HR)
        await hr.rules.CreateLabourOrderRules(new_rules())
        await hr.assignments.CreateAssignment(new_assignment(date(2026, 11, 2), date(2026, 11, 30), remote=REMOTE))
        since, known = DaySpan(date(2026, 1, 1)), body()
        heads = (Headship("audit-1", "head1", since, True), Headship("duty", "head2", since, True))
        told = Body(known.body, known.region, known.zone, known.units, 2, heads)
        work = units_of_work(regimes.database.worker, lambda: NOW, STATUTE)
        await TakeBodies(work)([told])
        await TakeServants(work)([servant("head1"), servant("head2")])
        yield regimes


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: str(rpc.method.rpartition("/")[2]))
async def test_every_caller_is_answered_as_the_matrix_says(filled: Regimes, rpc: Rpc) -> None:
    for number, someone in enumerate(callers(PEOPLE)):
        portal = await filled.portal(someone.grants, someone.servant)
        assert await answered(rpc.call(portal, number), rpc.shows) == expected(rpc.method, someone), str(someone)


def test_every_rpc_is_called() -> None:
    services = [service for file in (a_pb, r_pb, l_pb, p_pb) for service in file.DESCRIPTOR.services_by_name.values()]
    assert [rpc.method for rpc in RPCS] == [f"/{service.full_name}/{method.name}" for service in services for method in service.methods]


async def test_without_a_token_nobody_is_known(filled: Regimes) -> None:
    async with channel(filled.address) as opened:
        stub: Any = r_grpc.LabourOrderRulesServiceStub(opened)
        assert (
            await refused(stub.ListLabourOrderRules(r_pb.ListLabourOrderRulesRequest(parent="stateBodies/KGD")))
        ).reason == "UNAUTHENTICATED"
