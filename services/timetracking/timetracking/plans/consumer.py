"""Plans and orders from Kafka into the projection."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chassis.delivery import Subscription
from chassis.wire import YEARS, day
from kernel.days import Month
from kernel.faults import Malformed
from kernel.intervals import Span
from tartip.regimes.v1 import events_pb2 as pb
from tartip.regimes.v1 import plan_service_pb2 as plan_pb

from timetracking.plans.domain import MonthPlan, OrderTold, PlanDetails, PlannedDay
from timetracking.workdays.domain import Order, OrderKind, Place, Plan, PlanKind, PlannedInterval

PLANS, ORDERS = "regimes.plans.v1", "regimes.orders.v1"
# A month is some thirty days, and a transaction's worth is some thousand.
MONTHS_A_TRANSACTION = 30
_EARLIEST, _LATEST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (YEARS.start, YEARS.stop))

ORDER_KINDS = {
    pb.ORDER_KIND_OVERTIME: OrderKind.OVERTIME,
    pb.ORDER_KIND_REST_DAY: OrderKind.REST_DAY,
    pb.ORDER_KIND_OFF_HOURS: OrderKind.OVERTIME,  # Order 120, point 11: counted as overtime
}


def plans(
    take: Callable[[Sequence[MonthPlan]], Awaitable[None]], forget: Callable[[Sequence[tuple[str, Month]]], Awaitable[None]]
) -> Subscription[pb.MonthPlanChanged]:
    """The subscription that takes over plans, and forgets those that nobody keeps any more."""

    async def apply(messages: Sequence[pb.MonthPlanChanged]) -> None:
        await take([month_told(each) for each in messages])

    async def erase(keys: Sequence[str]) -> None:
        await forget([_month_of(key) for key in keys])

    return Subscription(PLANS, pb.MonthPlanChanged, apply, most=MONTHS_A_TRANSACTION, erase=erase)


def orders(take: Callable[[Sequence[OrderTold]], Awaitable[None]]) -> Subscription[pb.OrderChanged]:
    """The subscription that takes over orders."""

    async def apply(messages: Sequence[pb.OrderChanged]) -> None:
        await take([order_told(each) for each in messages])

    return Subscription(ORDERS, pb.OrderChanged, apply)


def _month_of(key: str) -> tuple[str, Month]:
    """Servant and month of a plan's key; Malformed where it is none."""
    servant, _, month = key.rpartition("/")
    try:
        return servant, Month.of(date.fromisoformat(f"{month}-01"))
    except ValueError:
        raise Malformed({"key": "servant/YYYY-MM"}) from None


def month_told(message: pb.MonthPlanChanged) -> MonthPlan:
    """The plan of a month; Malformed with the field that is wrong."""
    if not message.servant:
        raise Malformed({"servant": "must be set"})
    try:
        month = Month(message.year, message.month)
    except ValueError:
        raise Malformed({"month": "a year and a month from 1 to 12"}) from None
    days = tuple(_day(each, f"days[{at}]") for at, each in enumerate(message.days))
    if any(Month.of(each.plan.date) != month for each in days) or len({each.plan.date for each in days}) < len(days):
        raise Malformed({"days": f"dates of {month}, each once"})
    return MonthPlan(message.servant, month, days, message.revision, message.edition)


def _day(message: plan_pb.PlanDay, field: str) -> PlannedDay:
    intervals = sorted(message.intervals, key=lambda each: each.start.seconds)
    breaks = sorted(_span(each, f"{field}.breaks") for each in message.breaks)
    _require_apart([_span(each, f"{field}.intervals") for each in intervals], f"{field}.intervals")
    _require_apart(breaks, f"{field}.breaks")
    plan = Plan(
        date=day(message.date, f"{field}.date"),
        kind=_kind(message.kind, f"{field}.kind"),
        intervals=tuple(PlannedInterval(each.start.seconds, each.end.seconds, _place(each.place, field)) for each in intervals),
        breaks=tuple(breaks),
        core=_span(message.core, f"{field}.core") if message.HasField("core") else None,
        excused=tuple(_span(each, f"{field}.excused") for each in message.excused),
        holiday=message.public_holiday,
        grace=message.grace.seconds,
    )
    details = PlanDetails(
        premises=tuple(each.premises for each in intervals),
        reasons=tuple(each.reason for each in message.excused),
        norm=message.norm.seconds,
        accounting_mode=plan_pb.AccountingMode.Name(message.accounting_mode)
        if message.accounting_mode in plan_pb.AccountingMode.values()
        else plan_pb.AccountingMode.Name(plan_pb.ACCOUNTING_MODE_UNSPECIFIED),
        accounting_since=day(message.accounting_since, field) if message.HasField("accounting_since") else None,
        accounting_until=day(message.accounting_until, field) if message.HasField("accounting_until") else None,
        act=message.act,
    )
    return PlannedDay(plan, message.body, message.unit, _zone(message.zone, f"{field}.zone"), details)


def order_told(message: pb.OrderChanged) -> OrderTold:
    """An order as it stands; Malformed with the field that is wrong."""
    if not message.order or not message.servant:
        raise Malformed({"order": "order and servant must be set"})
    if message.kind not in ORDER_KINDS:
        raise Malformed({"kind": "overtime, rest-day or off-hours"})
    start, end = _span(message.interval, "interval")
    if end <= start:
        raise Malformed({"interval": "an end after its start"})
    content = Order(
        date=day(message.date, "date"),
        kind=ORDER_KINDS[message.kind],
        start=start,
        end=end,
        breaks=tuple(sorted(_span(each, "breaks") for each in message.breaks)),
    )
    return OrderTold(message.order, message.servant, content, message.status == pb.ORDER_STATUS_IN_FORCE, message.revision)


def _span(message: plan_pb.TimeSpan | plan_pb.PlannedInterval | plan_pb.ExcusedInterval, field: str) -> Span:
    """The seconds of a span whose ends lie where days can be computed."""
    span = message.start.seconds, message.end.seconds
    if not all(_EARLIEST <= each < _LATEST for each in span):
        raise Malformed({field: f"instants of the years {YEARS.start} to {YEARS.stop - 1}"})
    return span


def _require_apart(spans: Sequence[Span], field: str) -> None:
    if any(end <= start for start, end in spans) or any(start < end for (_, end), (start, _) in pairwise(spans)):
        raise Malformed({field: "spans that end after they begin and do not overlap"})


def _zone(name: str, field: str) -> str:
    """The zone, which everything that is computed of its servant will need."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Malformed({field: "an IANA name such as Asia/Almaty"}) from None


def _kind(value: int, field: str) -> PlanKind:
    """A kind of a later version is read as summarised: no daily limit is claimed by who does not know it."""
    if value == plan_pb.PLAN_KIND_UNSPECIFIED:
        raise Malformed({field: "must be set"})
    known = value in plan_pb.PlanKind.values()
    return (
        PlanKind(plan_pb.PlanKind.Name(plan_pb.PlanKind.ValueType(value)).removeprefix("PLAN_KIND_").lower())
        if known
        else PlanKind.SUMMARISED
    )


def _place(value: int, field: str) -> Place:
    if value not in (plan_pb.PLACE_OFFICE, plan_pb.PLACE_REMOTE, plan_pb.PLACE_WAY):
        raise Malformed({f"{field}.intervals": "a place: office, remote or way"})
    return Place(plan_pb.Place.Name(plan_pb.Place.ValueType(value)).removeprefix("PLACE_").lower())
