"""What is asked of the three services so that a department comes into being and grows: the requests of its officials."""

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

from tartip.law.v1.law_pb2 import LocalizedText
from tartip.regimes.v1 import assignment_service_pb2 as assignments
from tartip.regimes.v1 import labour_order_rules_service_pb2 as labour_order
from tartip.regimes.v1.assignment_service_pb2_grpc import AssignmentServiceStub
from tartip.regimes.v1.labour_order_rules_service_pb2_grpc import LabourOrderRulesServiceStub
from tartip.regimes.v1.plan_service_pb2 import ListPlanDaysRequest
from tartip.regimes.v1.plan_service_pb2_grpc import PlanServiceStub
from tartip.registry.v1 import servant_service_pb2 as servants
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.registry.v1.servant_service_pb2_grpc import ServantServiceStub
from tartip.registry.v1.state_body_service_pb2_grpc import StateBodyServiceStub
from tartip.timetracking.v1 import device_service_pb2 as devices
from tartip.timetracking.v1.device_service_pb2_grpc import DeviceServiceStub
from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub

from ..chaos.department import JUDGED, NOW, PLANNED, SYSTEM, TODAY, ZONE, Department
from ..demo.calls import clock_time, day, instant
from ..demo.people import check_digit

STUBS: Mapping[str, Sequence[Any]] = {
    "registry": (StateBodyServiceStub, ServantServiceStub),
    "regimes": (LabourOrderRulesServiceStub, AssignmentServiceStub, PlanServiceStub),
    "timetracking": (DeviceServiceStub, WorkdayServiceStub),
}
UNIT = "unit"
# The department's plans: `e2e_tests/chaos/department.py` states them as they follow from these rules.
END, BREAK = time(18, 30), (time(13), time(14, 30))
NAMED = LocalizedText(kk="Бөлім", ru="Отдел", en="Department")
# Possible IINs are those of people born on so many dates.
BORN = date(1970, 1, 1)


def body(of: Department) -> bodies.CreateStateBodyRequest:
    """The body of the department."""
    made = bodies.StateBody(title=NAMED, kind=bodies.STATE_BODY_KIND_CENTRAL, region="75", zone=ZONE.key)
    return bodies.CreateStateBodyRequest(state_body_id=of.body, state_body=made)


def unit(of: Department, name: str) -> bodies.CreateUnitRequest:
    """A unit of it."""
    return bodies.CreateUnitRequest(parent=_parent(of), unit_id=name, unit=bodies.Unit(title=NAMED))


def get_unit(name: str) -> bodies.GetUnitRequest:
    """A unit, to be shown."""
    return bodies.GetUnitRequest(name=name)


def position(of: Department, servant: str) -> servants.CreatePositionRequest:
    """The post of a servant."""
    made = servants.Position(title=NAMED, unit=f"{_parent(of)}/units/{UNIT}", category="C-4")
    return servants.CreatePositionRequest(parent=_parent(of), position_id=servant, position=made)


def servant(of: Department, name: str, number: int) -> servants.CreateServantRequest:
    """A servant who serves from the first planned day on; `number` makes the IIN."""
    appointment = servants.Appointment(
        position=f"{_parent(of)}/positions/{name}",
        kind=servants.APPOINTMENT_KIND_MAIN,
        since=day(PLANNED[0]),
        rate_percent=100,
        act="№ 1",
    )
    made = servants.Servant(iin=_iin(number), display_name="Серікова А.", appointments=[appointment])
    return servants.CreateServantRequest(servant_id=name, servant=made)


def rules(of: Department) -> labour_order.CreateLabourOrderRulesRequest:
    """When and where the department works."""
    made = labour_order.LabourOrderRules(
        since=day(PLANNED[0]),
        week_type=labour_order.WEEK_TYPE_FIVE_DAY,
        start=clock_time(time(9, of.revision % 60)),
        end=clock_time(END),
        break_start=clock_time(BREAK[0]),
        break_end=clock_time(BREAK[1]),
        premises=of.body,
        act="№ 1",
    )
    return labour_order.CreateLabourOrderRulesRequest(parent=_parent(of), labour_order_rules_id="rules", labour_order_rules=made)


def plans(name: str) -> ListPlanDaysRequest:
    """The plans of a servant's days that are judged, to be shown."""
    return ListPlanDaysRequest(parent=f"servants/{name}", since=day(JUDGED[0]), until=day(JUDGED[-1]))


def remote(name: str) -> assignments.CreateAssignmentRequest:
    """A servant works at home tomorrow and the day after."""
    made = assignments.Assignment(since=day(TODAY + timedelta(days=1)), until=day(PLANNED[-1]), act="№ 2")
    made.remote.CopyFrom(assignments.RemoteRegime(place="Алматы қ."))
    return assignments.CreateAssignmentRequest(parent=f"servants/{name}", assignment_id="remote", assignment=made)


def badge(name: str) -> devices.AssignBadgeRequest:
    """A badge in a servant's hands."""
    made = devices.Badge(badge_system=SYSTEM, badge_number=f"9{name.rpartition('-')[2]}", since=instant(NOW))
    return devices.AssignBadgeRequest(parent=f"servants/{name}", badge=made)


def _parent(of: Department) -> str:
    return f"stateBodies/{of.body}"


def _iin(number: int) -> str:
    """The IIN of a number; of those whose check digit is none another day's is taken."""
    for later in range(100):
        digits = f"{BORN + timedelta(days=number * 100 + later):%y%m%d}30001"
        last = check_digit(digits)
        if last is not None:
            return f"{digits}{last}"
    raise AssertionError("of a hundred days one has a check digit")
