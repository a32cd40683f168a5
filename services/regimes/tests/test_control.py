"""Whoever controls people's working time sees their plans and assignments (Order 120, point 10)."""

from datetime import date

import pytest
from chassis.testing.answers import outcome
from kernel.days import DaySpan
from kernel.headships import Headship
from regimes.people.domain import Body
from regimes.people.use_cases import TakeBodies, TakeServants
from regimes.unit_of_work import units_of_work
from tartip.regimes.v1 import assignment_service_pb2 as a_pb
from tartip.regimes.v1 import plan_service_pb2 as p_pb

from .samples import body, servant
from .serving import HR, LAW, NOW, REMOTE, Regimes, day, new_assignment, new_rules

ON = date(2026, 11, 24)


def headed(unit: str, since: date = date(2026, 1, 1), until: date | None = None) -> Body:
    known = body()
    return Body(known.body, known.region, known.zone, known.units, 2, (Headship(unit, "head1", DaySpan(since, until), True),))


@pytest.mark.parametrize(
    ("told", "may"),
    [(headed("audit-1"), "OK"), (headed("audit"), "NOT_FOUND"), (headed("audit-1", until=date(2026, 11, 21)), "NOT_FOUND")],
    ids=["the unit", "another unit", "a headship that ended"],
)
async def test_a_head_sees_plans_and_assignments_of_the_unit_as_long_as_it_is_theirs(regimes: Regimes, told: Body, may: str) -> None:
    hr = await regimes.portal(HR)
    await hr.rules.CreateLabourOrderRules(new_rules())
    await hr.assignments.CreateAssignment(new_assignment(date(2026, 11, 2), date(2026, 11, 30), remote=REMOTE))
    work = units_of_work(regimes.database.worker, lambda: NOW, LAW)
    await TakeBodies(work)([told])
    await TakeServants(work)([servant("head1")])
    head = await regimes.portal((), "head1")
    plan = head.plans.ListPlanDays(p_pb.ListPlanDaysRequest(parent="servants/serikova", since=day(ON), until=day(ON)))
    listed = head.assignments.ListAssignments(a_pb.ListAssignmentsRequest(parent="servants/serikova"))
    got = head.assignments.GetAssignment(a_pb.GetAssignmentRequest(name="servants/serikova/assignments/a1"))
    assert [await outcome(call) for call in (plan, listed, got)] == [may] * 3
    if may == "OK":
        again = await head.plans.ListPlanDays(p_pb.ListPlanDaysRequest(parent="servants/serikova", since=day(ON), until=day(ON)))
        assert len(again.days) == 1
