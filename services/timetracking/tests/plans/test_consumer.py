"""Plans and orders as regimes tells of them: the contract understood, and what is refused by its field."""

from datetime import date
from typing import Any

import pytest
from chassis.testing.contracts import contract
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from kernel.days import Month
from kernel.faults import Malformed
from tartip.regimes.v1 import events_pb2 as pb
from tartip.regimes.v1 import plan_service_pb2 as plan_pb
from timetracking.plans.consumer import ORDERS, PLANS, month_told, order_told, orders, plans
from timetracking.plans.domain import OrderTold, PlanDetails, PlannedDay, read_plan, written
from timetracking.workdays.domain import Order, OrderKind, Place, Plan, PlanKind, PlannedInterval

from ..samples import second

UTC = second("2026-12-14T09:00") - 4 * 3600  # midnight of 14 December
DAY = 86_400


def hours(day: int, start: float, end: float) -> tuple[int, int]:
    """A span of December in hours of UTC."""
    midnight = UTC + (day - 14) * DAY
    return midnight + int(start * 3600), midnight + int(end * 3600)


def expected(
    day: int,
    kind: PlanKind,
    span: tuple[float, float] | None = None,
    place: Place = Place.OFFICE,
    pause: tuple[float, float] = (8, 9.5),
    core: tuple[float, float] | None = None,
    norm: int = 28_800,
    mode: str = "DAILY",
    accounting: tuple[int, int] | None = None,
    act: str = "№ 12-ж",
) -> PlannedDay:
    intervals = (PlannedInterval(*hours(day, *span), place),) if span else ()
    plan = Plan(
        date(2026, 12, day),
        kind,
        intervals,
        (hours(day, *pause),) if span else (),
        hours(day, *core) if core else None,
        holiday=kind is PlanKind.PUBLIC_HOLIDAY,
        grace=300,
    )
    premises = (("HQ" if place is Place.OFFICE else ""),) if span else ()
    since, until = (date(2026, 12, accounting[0]), date(2026, 12, accounting[1])) if accounting else (None, None)
    details = PlanDetails(premises, (), norm if span else 0, f"ACCOUNTING_MODE_{mode}", since, until, act)
    return PlannedDay(plan, "KGD", "audit-1", "Asia/Almaty", details)


def test_the_contract_of_plans_is_understood() -> None:
    told = month_told(contract(PLANS, pb.MonthPlanChanged))
    assert (told.servant, told.month, told.revision, told.edition) == ("serikova", Month(2026, 12), 4, "7d3f0c2b9a1e4f58")
    night = {"pause": (20, 21), "norm": 39_600, "mode": "SUMMARISED", "accounting": (18, 19)}
    assert told.days == (
        expected(14, PlanKind.OFFICE, (4, 13.5), act="№ 7-қ"),
        expected(15, PlanKind.COMBINED, (4, 13.5), Place.REMOTE, mode="FIXED"),
        expected(16, PlanKind.PUBLIC_HOLIDAY, mode="FIXED"),
        expected(17, PlanKind.FLEXIBLE, (2, 11.5), core=(5, 11), mode="FLEXIBLE", accounting=(17, 17)),
        expected(18, PlanKind.SHIFT, (15, 27), **night),  # type: ignore[arg-type]
        expected(19, PlanKind.DAY_OFF, mode="SUMMARISED", accounting=(18, 19)),
        expected(20, PlanKind.DAY_OFF, act="№ 7-қ"),
    )


def test_the_contract_of_orders_is_understood() -> None:
    told = order_told(contract(ORDERS, pb.OrderChanged))
    start, end, pause = second("2026-11-24T18:30"), second("2026-11-24T20:30"), second("2026-11-24T19:30")
    content = Order(date(2026, 11, 24), OrderKind.OVERTIME, start, end, ((pause, pause + 900),))
    assert told == OrderTold("01987d3c-6f00-7a10-8000-000000000200", "serikova", content, True, 2)


def test_a_plan_comes_back_from_its_text_as_it_was_told() -> None:
    message = contract(PLANS, pb.MonthPlanChanged)
    message.days[0].excused.add(start=message.days[0].intervals[0].start, end=message.days[0].breaks[0].start, reason="annual-leave")
    for day in month_told(message).days:
        assert read_plan(day.plan.date, written(day)) == (day.plan, day.details)


async def test_what_is_told_goes_to_the_use_case() -> None:
    taken: list[Any] = []

    async def take(told: Any) -> None:
        taken.extend(told)

    await plans(take, take).apply([contract(PLANS, pb.MonthPlanChanged)])
    await orders(take).apply([contract(ORDERS, pb.OrderChanged)])
    assert [each.revision for each in taken] == [4, 2]


def test_values_of_a_later_version_are_kept_and_accuse_nobody() -> None:
    message = contract(PLANS, pb.MonthPlanChanged)
    message.days[0].kind, message.days[0].accounting_mode = 99, 99  # type: ignore[assignment]
    told = month_told(message).days[0]
    assert (told.plan.kind, told.details.accounting_mode) == (PlanKind.SUMMARISED, "ACCOUNTING_MODE_UNSPECIFIED")


def test_an_off_hours_engagement_counts_as_overtime_and_a_cancelled_order_is_not_in_force() -> None:
    message = contract(ORDERS, pb.OrderChanged)
    message.kind, message.status = pb.ORDER_KIND_OFF_HOURS, pb.ORDER_STATUS_CANCELLED
    told = order_told(message)
    assert (told.content.kind, told.in_force) == (OrderKind.OVERTIME, False)


def changed_month(change: Any) -> pb.MonthPlanChanged:
    message = contract(PLANS, pb.MonthPlanChanged)
    change(message)
    return message


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda it: it.ClearField("servant"), "servant"),
        (lambda it: setattr(it, "month", 13), "month"),
        (lambda it: setattr(it, "year", 0), "month"),
        (lambda it: setattr(it, "month", 11), "days"),
        (lambda it: it.days[2].date.CopyFrom(Date(year=2026, month=2, day=30)), "days[2].date"),
        (lambda it: it.days[2].ClearField("date"), "days[2].date"),
        (lambda it: it.days.append(it.days[0]), "days"),
        (lambda it: it.days[0].ClearField("kind"), "days[0].kind"),
        (lambda it: it.days[0].intervals[0].ClearField("place"), "days[0].intervals"),
        (lambda it: setattr(it.days[0], "zone", "Asia/Nowhere"), "days[0].zone"),
        (lambda it: it.days[0].ClearField("zone"), "days[0].zone"),
        (lambda it: it.days[0].intervals[0].end.CopyFrom(it.days[0].intervals[0].start), "days[0].intervals"),
        (lambda it: it.days[0].intervals.append(it.days[0].intervals[0]), "days[0].intervals"),
    ],
)
def test_a_month_that_cannot_be_is_refused_by_its_field(change: Any, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        month_told(changed_month(change))
    assert list(refused.value.violations) == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda it: it.ClearField("order"), "order"),
        (lambda it: it.ClearField("servant"), "order"),
        (lambda it: it.ClearField("kind"), "kind"),
        (lambda it: it.ClearField("date"), "date"),
        (lambda it: it.interval.end.CopyFrom(Timestamp(seconds=0)), "interval"),
    ],
)
def test_an_order_that_cannot_be_is_refused_by_its_field(change: Any, field: str) -> None:
    message = contract(ORDERS, pb.OrderChanged)
    change(message)
    with pytest.raises(Malformed) as refused:
        order_told(message)
    assert list(refused.value.violations) == [field]


def test_every_word_of_the_contract_has_its_word_in_the_domain() -> None:
    assert {name.removeprefix("PLAN_KIND_").lower() for name, value in plan_pb.PlanKind.items() if value} == {
        kind.value for kind in PlanKind
    }
    assert {name.removeprefix("PLACE_").lower() for name, value in plan_pb.Place.items() if value} == {place.value for place in Place}
