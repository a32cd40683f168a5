"""Plausible bodies, people and regimes for the tests; no real person among them."""

from collections.abc import Iterable
from datetime import date, time

from kernel.days import DaySpan
from regimes.assignments.domain import Assignment, Flexible, Regime, Remote, Shift, ShiftSchedule
from regimes.people.domain import Appointment, AppointmentKind, Body, Servant, Unit
from regimes.plans.domain import Grounds
from regimes.rules.domain import LabourOrderRules, WeekType
from regimes.wall_clock import ClockSpan

UNITS = (Unit("audit"), Unit("audit-1", "audit"), Unit("duty"))


def at(text: str) -> time:
    return time.fromisoformat(text)


def clocks(text: str) -> ClockSpan:
    """ "09:00-18:30"."""
    start, end = text.split("-")
    return ClockSpan(at(start), at(end))


def body(id: str = "KGD", region: str = "75", zone: str = "Asia/Almaty", units: tuple[Unit, ...] = UNITS, revision: int = 1) -> Body:
    return Body(id, region, zone, units, revision)


def appointment(
    since: date = date(2024, 1, 1),
    until: date | None = None,
    body: str = "KGD",
    unit: str = "audit-1",
    kind: AppointmentKind = AppointmentKind.MAIN,
    keeps_time: bool = True,
    regulated: bool = False,
) -> Appointment:
    id = f"{kind.value}-{body}-{since}"
    return Appointment(id, DaySpan(since, until), body, unit, kind, keeps_time, regulated)


def servant(id: str = "serikova", *appointments: Appointment, revision: int = 1) -> Servant:
    return Servant(id, appointments or (appointment(),), revision)


def rules(
    id: str = "2024",
    unit: str = "",
    since: date = date(2024, 1, 1),
    hours: str = "09:00-18:30",
    pause: str | None = "13:00-14:30",
    sixth_day_end: str | None = None,
    grace: int = 0,
    premises: str = "HQ",
    body: str = "KGD",
) -> LabourOrderRules:
    day = clocks(hours)
    return LabourOrderRules(
        rules=id,
        body=body,
        unit=unit,
        since=since,
        week=WeekType.FIVE_DAY if sixth_day_end is None else WeekType.SIX_DAY,
        start=day.start,
        end=day.end,
        pause=clocks(pause) if pause is not None else None,
        sixth_day_end=at(sixth_day_end) if sixth_day_end is not None else None,
        grace=grace,
        premises=premises,
        act="№ 7-қ",
    )


def six_day(**values: str) -> LabourOrderRules:
    """Seven hours from Monday to Friday, five on Saturday."""
    return rules(hours="09:00-16:30", pause="12:00-12:30", sixth_day_end="14:30", id=values.get("id", "six"), unit=values.get("unit", ""))


def assignment(regime: Regime, since: date, until: date, id: str = "a1", order: int = 1, servant: str = "serikova") -> Assignment:
    return Assignment(id, servant, since, until, "№ 12-ж", regime, order)


REMOTE = Remote("Алматы, үйі")
FLEXIBLE = Flexible(clocks("07:00-16:30"), clocks("10:00-16:00"), clocks("13:00-14:30"))


def shifts(*rows: tuple[date, str] | tuple[date, str, str]) -> ShiftSchedule:
    return ShiftSchedule(tuple(Shift(row[0], clocks(row[1]), clocks(row[2]) if len(row) == 3 else None) for row in rows))


def grounds(
    person: Servant | None = None,
    ruled: Iterable[LabourOrderRules] | None = None,
    assigned: Iterable[Assignment] = (),
    bodies: Iterable[Body] | None = None,
) -> Grounds:
    known = tuple(bodies) if bodies is not None else (body(),)
    return Grounds(
        person or servant(), {each.body: each for each in known}, tuple(ruled) if ruled is not None else (rules(),), tuple(assigned)
    )
