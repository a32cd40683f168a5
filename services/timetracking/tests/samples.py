"""Plausible bodies, people, plans, devices and passages for the tests; no real person among them."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from kernel.days import DaySpan, Month
from timetracking.devices.domain import Device, DeviceDirection, Proof, Protocol, Role, Settings, SystemToken
from timetracking.passages.domain import Passage
from timetracking.people.domain import Appointment, Body, Servant
from timetracking.plans.domain import MonthPlan, OrderTold, PlanDetails, PlannedDay
from timetracking.workdays.domain import Direction, Order, OrderKind, Place, Plan, PlanKind, PlannedInterval

ZONE = ZoneInfo("Asia/Almaty")
NOVEMBER = Month(2026, 11)
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 11, day) for day in (23, 24, 25, 26))
DIRECTIONS = {"in": Direction.IN, "out": Direction.OUT, "none": Direction.NONE}


def at(wall: str, zone: ZoneInfo = ZONE) -> datetime:
    """The instant of a wall time: "2026-11-24T08:55"."""
    return datetime.fromisoformat(wall).replace(tzinfo=zone).astimezone(UTC)


def second(wall: str, zone: ZoneInfo = ZONE) -> int:
    """The same in seconds since 1970."""
    return int(at(wall, zone).timestamp())


def body(id: str = "KGD", region: str = "75", zone: str = "Asia/Almaty", revision: int = 1) -> Body:
    return Body(id, region, zone, revision)


def appointment(
    since: date = date(2024, 1, 1),
    until: date | None = None,
    body: str = "KGD",
    unit: str = "hr",
    kind: str = "main",
    keeps_time: bool = True,
) -> Appointment:
    return Appointment(f"{kind}-{body}-{since}", DaySpan(since, until), body, unit, kind, keeps_time)


def servant(id: str = "S1", *appointments: Appointment, revision: int = 1) -> Servant:
    return Servant(id, appointments or (appointment(),), revision)


def office(day: date, zone: ZoneInfo = ZONE, body: str = "KGD", premises: str = "HQ") -> PlannedDay:
    """An office day 09:00–18:30 with its break, or a day off at the weekend."""
    if day.weekday() > 4:
        return planned(Plan(day, PlanKind.DAY_OFF), (), zone, body)
    interval = PlannedInterval(second(f"{day}T09:00", zone), second(f"{day}T18:30", zone), Place.OFFICE)
    pause = (second(f"{day}T13:00", zone), second(f"{day}T14:30", zone))
    return planned(Plan(day, PlanKind.OFFICE, (interval,), (pause,)), (premises,), zone, body)


def remote(day: date) -> PlannedDay:
    """A remote day 09:00–18:30 with its break, or a day off at the weekend."""
    if day.weekday() > 4:
        return planned(Plan(day, PlanKind.DAY_OFF), ())
    interval = PlannedInterval(second(f"{day}T09:00"), second(f"{day}T18:30"), Place.REMOTE)
    return planned(Plan(day, PlanKind.REMOTE, (interval,), ((second(f"{day}T13:00"), second(f"{day}T14:30")),)), ("",))


def off(day: date) -> PlannedDay:
    """A day off, whatever the weekday."""
    return planned(Plan(day, PlanKind.DAY_OFF), ())


def planned(plan: Plan, premises: tuple[str, ...], zone: ZoneInfo = ZONE, body: str = "KGD") -> PlannedDay:
    return PlannedDay(plan, body, "hr", zone.key, PlanDetails(premises, (), 28800, "ACCOUNTING_MODE_DAILY", None, None, "№ 1"))


def month_of(
    servant: str, month: Month = NOVEMBER, revision: int = 1, plan: Callable[[date], PlannedDay] = office, since: int = 1
) -> MonthPlan:
    """A month of office days, or of others, from a day of the month on."""
    return MonthPlan(servant, month, tuple(plan(day) for day in month.dates() if day.day >= since), revision, "test")


def order(
    start: str,
    end: str,
    id: str = "o1",
    servant: str = "S1",
    kind: OrderKind = OrderKind.OVERTIME,
    in_force: bool = True,
    revision: int = 1,
    on: date | None = None,
) -> OrderTold:
    """An order between two wall times, for the date on which it starts."""
    content = Order(on or date.fromisoformat(start[:10]), kind, second(start), second(end))
    return OrderTold(id, servant, content, in_force, revision)


def settings(
    premises: str = "HQ",
    direction: DeviceDirection = DeviceDirection.AS_SENT,
    role: Role = Role.PERIMETER,
    zone: str | None = None,
    utc_offset: int | None = None,
    since: str | int | None = None,
) -> Settings:
    """Settings of a device from an event number or a wall time on."""
    number, wall = (since, None) if isinstance(since, int) else (None, datetime.fromisoformat(since) if since else None)
    return Settings(role, direction, premises, zone, utc_offset, number, wall)


def device(
    serial: str = "gate", body: str = "KGD", *given: Settings, protocol: Protocol = Protocol.GRPC, proof: Proof | None = None
) -> Device:
    return Device(serial, body, protocol, "hq", given or (settings(),), proof=proof or SystemToken())


def passage(
    wall: str,
    direction: str = "in",
    number: str = "17",
    device: str = "gate",
    key: str | None = None,
    received: datetime | None = None,
    offset: int | None = 5 * 3600,
) -> Passage:
    """A passage by a badge of the system "hq", in Almaty's wall time with its offset."""
    wall_time = datetime.fromisoformat(wall)
    raw = f"{device} {key} {wall} {number} {direction}"
    return Passage(
        device=device,
        event_key=key or f"{number}|{wall}|{direction}",
        wall_time=wall_time,
        utc_offset=offset,
        badge_system="hq",
        badge_number=number,
        direction=DIRECTIONS[direction],
        verify_method=1,
        received_at=received or wall_time.replace(tzinfo=ZONE) + timedelta(seconds=2),
        live=True,
        previous_event_number=None,
        raw=raw,
        raw_digest=sha256(raw.encode()).digest(),
    )


def four(day: str | date, number: str = "17", device: str = "gate", offset: int | None = 5 * 3600) -> Sequence[Passage]:
    """The reads of an ordinary day."""
    walls = (("08:55:00", "in"), ("13:02:00", "out"), ("14:25:00", "in"), ("18:33:00", "out"))
    return [passage(f"{day}T{wall}", direction, number, device, offset=offset) for wall, direction in walls]
