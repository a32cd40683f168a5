"""The plan of a servant: for every date what was to be done, when, where and by which act."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from kernel.days import DaySpan, Month, dates
from lawbook import CalendarDay, Lawbook, NotInForce, ProductionCalendar

from regimes.assignments.domain import Assignment, Flexible, Regime, Remote, Shift, ShiftSchedule, in_effect
from regimes.people.domain import Body, Servant
from regimes.rules.domain import LabourOrderRules, WeekType, in_force
from regimes.wall_clock import ClockSpan, Span

# What a plan is of.
ServantMonth = tuple[str, Month]


class PlanKind(Enum):
    """What kind of day it is."""

    OFFICE = "office"
    REMOTE = "remote"
    COMBINED = "combined"
    FLEXIBLE = "flexible"
    SHIFT = "shift"
    DAY_OFF = "day_off"
    PUBLIC_HOLIDAY = "public_holiday"


class Place(Enum):
    """Where an interval is worked."""

    OFFICE = "office"
    REMOTE = "remote"


class AccountingMode(Enum):
    """How the hours are summed."""

    DAILY = "daily"
    FIXED = "fixed"
    FLEXIBLE = "flexible"
    SUMMARISED = "summarised"


@dataclass(frozen=True, slots=True)
class PlannedInterval:
    """A span that is to be worked, and where; `premises` only of an office interval."""

    span: Span
    place: Place
    premises: str = ""


@dataclass(frozen=True, slots=True)
class Accounting:
    """How the hours are summed, and over which period where it is not each day by itself."""

    mode: AccountingMode
    period: DaySpan | None = None


@dataclass(frozen=True, slots=True)
class PlanDay:
    """The plan of one servant for one date; `norm` and `grace` in seconds."""

    date: date
    kind: PlanKind
    intervals: tuple[PlannedInterval, ...]
    breaks: tuple[Span, ...]
    core: Span | None
    norm: int
    public_holiday: bool
    accounting: Accounting
    grace: int
    act: str
    zone: str
    body: str
    unit: str


@dataclass(frozen=True, slots=True)
class MonthPlan:
    """The plan of a servant for a month: every date on which an appointment keeps time and rules are known, in order."""

    servant: str
    month: Month
    days: tuple[PlanDay, ...]

    @property
    def key(self) -> str:
        """The key of its events: "servant/2026-11"."""
        return f"{self.servant}/{self.month}"


@dataclass(frozen=True, slots=True)
class PublishedPlan:
    """A plan as it was told: the state `revision` of its key, under the law of `edition`."""

    plan: MonthPlan
    revision: int
    event_id: str
    occurred_at: datetime
    edition: str


def newest_month(now: datetime) -> Month:
    """Returns the last month whose plans are published: two after the current one (design: events.md).

    A month counts as current a day early, so that it is there when it begins in whatever zone.
    """
    return Month.of((now + timedelta(days=1)).date()).next().next()


def oldest_month(now: datetime, law: Lawbook) -> Month:
    """Returns the first month that a passage can still concern: older ones are not accepted any more."""
    return Month.of(now.date() - timedelta(days=law.require("passages/oldest", now.date()).value))


@dataclass(frozen=True, slots=True)
class Grounds:
    """All that the plan of a servant follows from, beside the law."""

    servant: Servant
    bodies: Mapping[str, Body]
    rules: tuple[LabourOrderRules, ...]
    assignments: tuple[Assignment, ...]


def compose_month(grounds: Grounds, month: Month, law: Lawbook) -> MonthPlan:
    """Composes the plan of a month."""
    return MonthPlan(grounds.servant.servant, month, compose(grounds, month.first, month.last, law))


def compose(grounds: Grounds, since: date, until: date, law: Lawbook) -> tuple[PlanDay, ...]:
    """Composes the plan of every date of a span, both ends included.

    A date has no row where no appointment keeps time, where the body or its rules are not known, or where there is no
    production calendar: it is not known what was to be done then, and that is not a day off.
    """
    days = (_day(grounds, on, law) for on in dates(since, until))
    return tuple(day for day in days if day is not None)


def _day(grounds: Grounds, on: date, law: Lawbook) -> PlanDay | None:
    appointment = grounds.servant.keeping_time(on)
    body = grounds.bodies.get(appointment.body) if appointment is not None else None
    if appointment is None or body is None:
        return None
    rules = in_force(grounds.rules, body.body, body.chain(appointment.unit), on)
    assignment = in_effect(grounds.assignments, on)
    calendar = _calendar(law, on, rules.week if rules is not None else WeekType.FIVE_DAY)
    if calendar is None:
        return None
    idle = PlanDay(
        date=on,
        kind=PlanKind.PUBLIC_HOLIDAY if calendar.day(on).public_holiday else PlanKind.DAY_OFF,
        intervals=(),
        breaks=(),
        core=None,
        norm=0,
        public_holiday=calendar.day(on).public_holiday,
        accounting=_accounting(assignment, on),
        grace=rules.grace if rules is not None else 0,
        act=assignment.act if assignment is not None else rules.act if rules is not None else "",
        zone=body.zone,
        body=body.body,
        unit=appointment.unit,
    )
    if assignment is not None and isinstance(assignment.regime, ShiftSchedule):
        return _shift_day(idle, assignment.regime.on(on), rules.premises if rules is not None else "")
    if rules is None:
        return None
    if not calendar.day(on).working:
        return idle
    return _working_day(idle, assignment.regime if assignment is not None else None, rules, calendar.day(on), law)


def _shift_day(idle: PlanDay, shift: Shift | None, premises: str) -> PlanDay:
    """Under a shift schedule weekdays and holidays are ordinary; a date without a shift is a day off (Labour Code, art. 109)."""
    if shift is None:
        return replace(idle, kind=PlanKind.DAY_OFF)
    span, pause = shift.laid(ZoneInfo(idle.zone))
    return _worked(idle, PlanKind.SHIFT, PlannedInterval(span, Place.OFFICE, premises), pause)


def _working_day(idle: PlanDay, regime: Regime | None, rules: LabourOrderRules, due: CalendarDay, law: Lawbook) -> PlanDay:
    """A working day of the production calendar, transferred ones too (Labour Code, art. 84 and 85)."""
    zone = ZoneInfo(idle.zone)
    hours, pause = rules.hours(short=_short(rules, due, law))
    rest = _laid(pause, idle.date, zone)
    at_office = PlannedInterval(hours.on(idle.date, zone), Place.OFFICE, rules.premises)
    match regime:
        case Remote() as remote:
            kind = PlanKind.COMBINED if remote.combined else PlanKind.REMOTE
            away = not remote.combined or idle.date.isoweekday() in remote.weekdays
            return _worked(idle, kind, replace(at_office, place=Place.REMOTE, premises="") if away else at_office, rest)
        case Flexible() as flexible:
            band = replace(at_office, span=flexible.band.on(idle.date, zone))
            day = _worked(idle, PlanKind.FLEXIBLE, band, _laid(flexible.pause, idle.date, zone))
            return replace(day, core=flexible.core.on(idle.date, zone), norm=due.hours * 3600)
        case _:
            return _worked(idle, PlanKind.OFFICE, at_office, rest)


def _worked(idle: PlanDay, kind: PlanKind, interval: PlannedInterval, pause: Span | None) -> PlanDay:
    norm = interval.span.seconds - (pause.seconds if pause is not None else 0)
    return replace(idle, kind=kind, intervals=(interval,), breaks=(pause,) if pause is not None else (), norm=norm)


def _laid(hours: ClockSpan | None, on: date, zone: ZoneInfo) -> Span | None:
    return hours.on(on, zone) if hours is not None else None


def _short(rules: LabourOrderRules, due: CalendarDay, law: Lawbook) -> bool:
    """The sixth day of a six-day week is short: fewer hours are due on it than on the others."""
    return rules.week is WeekType.SIX_DAY and due.hours < max(law.require("working-time/six-day-hours", due.date).value)


def _accounting(assignment: Assignment | None, on: date) -> Accounting:
    """Remote work is accounted day by day, fixed (Order 120, point 9); flexible and shift work over a period.

    The period of flexible time is its span, at most six months (Labour Code, art. 74); that of a shift schedule its part
    in the calendar year, so that it is never longer than a year (art. 75).
    """
    match assignment.regime if assignment is not None else None:
        case Remote():
            return Accounting(AccountingMode.FIXED)
        case Flexible() if assignment is not None:
            return Accounting(AccountingMode.FLEXIBLE, assignment.span)
        case ShiftSchedule() if assignment is not None:
            year = DaySpan(max(assignment.since, date(on.year, 1, 1)), min(assignment.until, date(on.year, 12, 31)))
            return Accounting(AccountingMode.SUMMARISED, year)
        case _:
            return Accounting(AccountingMode.DAILY)


def _calendar(law: Lawbook, on: date, week: WeekType) -> ProductionCalendar | None:
    try:
        return law.calendar(on.year, week.value)
    except NotInForce:
        return None
