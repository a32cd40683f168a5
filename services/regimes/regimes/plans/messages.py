"""Plans as protobuf messages, for the answer of an RPC and for the event alike."""

from typing import Final

from chassis.wire import day_message, instant_message
from google.protobuf.duration_pb2 import Duration
from tartip.regimes.v1 import events_pb2, plan_service_pb2

from regimes.plans.domain import AccountingMode, Place, PlanDay, PlanKind, PublishedPlan
from regimes.wall_clock import Span

KINDS: Final = {
    PlanKind.OFFICE: plan_service_pb2.PLAN_KIND_OFFICE,
    PlanKind.REMOTE: plan_service_pb2.PLAN_KIND_REMOTE,
    PlanKind.COMBINED: plan_service_pb2.PLAN_KIND_COMBINED,
    PlanKind.FLEXIBLE: plan_service_pb2.PLAN_KIND_FLEXIBLE,
    PlanKind.SHIFT: plan_service_pb2.PLAN_KIND_SHIFT,
    PlanKind.DAY_OFF: plan_service_pb2.PLAN_KIND_DAY_OFF,
    PlanKind.PUBLIC_HOLIDAY: plan_service_pb2.PLAN_KIND_PUBLIC_HOLIDAY,
}
PLACES: Final = {Place.OFFICE: plan_service_pb2.PLACE_OFFICE, Place.REMOTE: plan_service_pb2.PLACE_REMOTE}
MODES: Final = {
    AccountingMode.DAILY: plan_service_pb2.ACCOUNTING_MODE_DAILY,
    AccountingMode.FIXED: plan_service_pb2.ACCOUNTING_MODE_FIXED,
    AccountingMode.FLEXIBLE: plan_service_pb2.ACCOUNTING_MODE_FLEXIBLE,
    AccountingMode.SUMMARISED: plan_service_pb2.ACCOUNTING_MODE_SUMMARISED,
}


def month_plan_changed(published: PublishedPlan) -> events_pb2.MonthPlanChanged:
    """Returns the event of a published plan."""
    return events_pb2.MonthPlanChanged(
        event_id=published.event_id,
        occurred_at=instant_message(published.occurred_at),
        revision=published.revision,
        servant=published.plan.servant,
        year=published.plan.month.year,
        month=published.plan.month.month,
        days=[plan_day(day) for day in published.plan.days],
        edition=published.edition,
    )


def plan_day(day: PlanDay) -> plan_service_pb2.PlanDay:
    """Returns a plan day as a message."""
    period = day.accounting.period
    return plan_service_pb2.PlanDay(
        date=day_message(day.date),
        kind=KINDS[day.kind],
        intervals=[
            plan_service_pb2.PlannedInterval(
                start=instant_message(each.span.start), end=instant_message(each.span.end), place=PLACES[each.place], premises=each.premises
            )
            for each in day.intervals
        ],
        breaks=[_span(each) for each in day.breaks],
        core=_span(day.core) if day.core is not None else None,
        norm=Duration(seconds=day.norm),
        public_holiday=day.public_holiday,
        accounting_mode=MODES[day.accounting.mode],
        accounting_since=day_message(period.since if period is not None else None),
        accounting_until=day_message(period.until if period is not None else None),
        grace=Duration(seconds=day.grace),
        act=day.act,
        zone=day.zone,
        body=day.body,
        unit=day.unit,
    )


def _span(span: Span) -> plan_service_pb2.TimeSpan:
    return plan_service_pb2.TimeSpan(start=instant_message(span.start), end=instant_message(span.end))
