"""What registry and regimes tell of the servants of KGD, as it comes from Kafka."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from tartip.regimes.v1 import events_pb2 as regimes
from tartip.regimes.v1 import plan_service_pb2 as plan
from tartip.registry.v1 import events_pb2 as registry
from tartip.registry.v1 import servant_service_pb2 as servants

ZONE = ZoneInfo("Asia/Almaty")


def day_message(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


def at(day: date, wall: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{wall}").replace(tzinfo=ZONE)


def instant(moment: datetime) -> Timestamp:
    return Timestamp(seconds=int(moment.timestamp()))


def body_told() -> registry.StateBodyChanged:
    return registry.StateBodyChanged(event_id="body", revision=1, body="KGD", region="75", zone="Asia/Almaty")


def servant_told(servant: str) -> registry.ServantChanged:
    held = registry.DatedAppointment(
        appointment=f"{servant}-1",
        since=day_message(date(2026, 1, 12)),
        body="KGD",
        unit="hr",
        kind=servants.APPOINTMENT_KIND_MAIN,
        keeps_time=True,
    )
    return registry.ServantChanged(event_id=servant, revision=1, servant=servant, appointments=[held])


def plan_told(servant: str) -> regimes.MonthPlanChanged:
    days = [office(date(2026, 11, number)) for number in range(1, 31)]
    return regimes.MonthPlanChanged(event_id=f"{servant}-11", revision=1, servant=servant, year=2026, month=11, days=days, edition="test")


def order_told(servant: str, on: date) -> regimes.OrderChanged:
    """Overtime from 18:30 to 20:30."""
    message = regimes.OrderChanged(event_id="o1", revision=1, order="o1", servant=servant, kind=regimes.ORDER_KIND_OVERTIME)
    message.date.CopyFrom(day_message(on))
    message.interval.CopyFrom(plan.TimeSpan(start=instant(at(on, "18:30")), end=instant(at(on, "20:30"))))
    message.status = regimes.ORDER_STATUS_IN_FORCE
    return message


def office(day: date) -> plan.PlanDay:
    """09:00 to 18:30 with a break from 13:00 to 14:30, or a day off at the weekend."""
    planned = plan.PlanDay(date=day_message(day), kind=plan.PLAN_KIND_DAY_OFF, zone="Asia/Almaty", body="KGD", unit="hr", act="№ 1")
    planned.accounting_mode = plan.ACCOUNTING_MODE_DAILY
    if day.weekday() < 5:
        planned.kind = plan.PLAN_KIND_OFFICE
        planned.norm.CopyFrom(Duration(seconds=28_800))
        planned.intervals.add(start=instant(at(day, "09:00")), end=instant(at(day, "18:30")), place=plan.PLACE_OFFICE, premises="HQ")
        planned.breaks.add(start=instant(at(day, "13:00")), end=instant(at(day, "14:30")))
    return planned
