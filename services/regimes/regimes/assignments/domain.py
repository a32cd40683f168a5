"""Regimes of single servants: remote and combined remote work, flexible working time, shift schedules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from kernel.days import DaySpan, months_after
from kernel.faults import Malformed, RuleBroken, WrongState
from lawbook import Lawbook

from regimes.people.domain import Body, Servant
from regimes.wall_clock import ClockSpan, Span


@dataclass(frozen=True, slots=True)
class Remote:
    """Remote work at a place; with `weekdays` (1 Monday to 7 Sunday) combined remote work, remote on these only."""

    place: str
    weekdays: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not self.weekdays <= frozenset(range(1, 8)):
            raise Malformed({"assignment.remote.weekdays": "must be 1 (Monday) to 7 (Sunday)"})

    @property
    def combined(self) -> bool:
        """Says whether periods at the employer's place alternate with remote ones (Order 120, point 3)."""
        return bool(self.weekdays)


@dataclass(frozen=True, slots=True)
class Flexible:
    """Flexible working time: a band with a fixed core and a break (Labour Code, art. 74)."""

    band: ClockSpan
    core: ClockSpan
    pause: ClockSpan | None

    def __post_init__(self) -> None:
        violations: dict[str, str] = {}
        if self.band.crosses_midnight:
            violations["end"] = "must be after start on the same day"
        elif self.core.crosses_midnight or not self.band.holds(self.core):
            violations["core_end"] = "the core must lie inside the band, its end after its start"
        elif self.pause is not None and (self.pause.crosses_midnight or not self.band.holds(self.pause)):
            violations["break_end"] = "the break must lie inside the band, its end after its start"
        if violations:
            raise Malformed({f"assignment.flexible.{field}": text for field, text in violations.items()})

    def fixed_seconds(self) -> int:
        """Returns the seconds of the core that are work: without the part of the break that falls into it."""
        return self.core.seconds - (self.core.common_seconds(self.pause) if self.pause is not None else 0)


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift, of the date it starts on; without a break where the work allows none."""

    date: date
    hours: ClockSpan
    pause: ClockSpan | None = None

    def __post_init__(self) -> None:
        if self.pause is not None and not self.hours.holds(self.pause):
            raise Malformed({"assignment.shift.shifts.break_end": f"the break must lie inside the shift of {self.date}"})

    def laid(self, zone: ZoneInfo) -> tuple[Span, Span | None]:
        """Returns the instants of the shift and of its break at a place."""
        span = self.hours.on(self.date, zone)
        if self.pause is None:
            return span, None
        after_midnight = self.hours.crosses_midnight and self.pause.start < self.hours.start
        return span, self.pause.on(self.date + timedelta(days=1) if after_midnight else self.date, zone)


@dataclass(frozen=True, slots=True)
class ShiftSchedule:
    """Shifts with summarised accounting (Labour Code, art. 73 and 75); dates without one are days off."""

    shifts: tuple[Shift, ...]

    def __post_init__(self) -> None:
        if not self.shifts:
            raise Malformed({"assignment.shift.shifts": "must hold a shift"})
        if any(first.date >= then.date for first, then in pairwise(self.shifts)):
            raise Malformed({"assignment.shift.shifts": "must be in time order, at most one a date"})

    def on(self, day: date) -> Shift | None:
        """Returns the shift that starts on that date."""
        return next((shift for shift in self.shifts if shift.date == day), None)


Regime = Remote | Flexible | ShiftSchedule


@dataclass(frozen=True, slots=True)
class Assignment:
    """A regime of one servant for a span of dates, by an act. `order` is its place in the order of recording."""

    assignment: str
    servant: str
    since: date
    until: date
    act: str
    regime: Regime
    order: int = 0

    def __post_init__(self) -> None:
        if self.until < self.since:
            raise WrongState("SPAN_REVERSED", since=self.since, until=self.until)
        if not self.act.strip():
            raise Malformed({"assignment.act": "must name the act that introduces the regime"})
        if isinstance(self.regime, ShiftSchedule) and not all(self.span.holds(shift.date) for shift in self.regime.shifts):
            raise Malformed({"assignment.shift.shifts.date": "must lie in the span of the assignment"})

    @property
    def span(self) -> DaySpan:
        """Its dates."""
        return DaySpan(self.since, self.until)

    def check(self, servant: Servant, bodies: Mapping[str, Body], others: Iterable["Assignment"], law: Lawbook) -> None:
        """Refuses what the law forbids; `others` are the servant's assignments recorded before it."""
        _appointed(self, servant)
        match self.regime:
            case Remote(place=place):
                if not place.strip():
                    raise RuleBroken("PLACE_MISSING", "o120-p6", self.since)
            case Flexible() as flexible:
                _hours_not_regulated(self, servant)
                _term(self, law)
                _flexible_day(self, flexible, law)
            case ShiftSchedule():
                _breaks(self.regime, law)
                _rest(self, servant, bodies, others, law)


def in_effect(assignments: Iterable[Assignment], on: date) -> Assignment | None:
    """Returns the assignment of that date: of several the one recorded last."""
    return max((each for each in assignments if each.span.holds(on)), key=lambda each: each.order, default=None)


def _appointed(assignment: Assignment, servant: Servant) -> None:
    """Only a civil servant, on every day of the span (Order 120, point 1)."""
    for on in servant.turns(assignment.span):
        if servant.keeping_time(on) is None:
            raise RuleBroken("NOT_APPOINTED", "o120-p1", on, servant=servant.servant, on=on)


def _hours_not_regulated(assignment: Assignment, servant: Servant) -> None:
    """Not for those whose working time the body's regulation sets with special features (Order 120, point 14)."""
    for on in servant.turns(assignment.span):
        appointment = servant.keeping_time(on)
        if appointment is not None and appointment.hours_set_by_regulation:
            raise RuleBroken("HOURS_SET_BY_REGULATION", "o120-p14", on, servant=servant.servant, on=on)


def _term(assignment: Assignment, law: Lawbook) -> None:
    """At most six calendar months, the last day not included in a seventh (Order 120, point 18)."""
    limit = int(law.require("flexible/longest-term", assignment.since).value)
    if assignment.until >= months_after(assignment.since, limit):
        raise RuleBroken("TERM_TOO_LONG", "o120-p18", assignment.since, since=assignment.since, until=assignment.until, limitMonths=limit)


def _flexible_day(assignment: Assignment, flexible: Flexible, law: Lawbook) -> None:
    """The break is due (Labour Code, art. 81); days may differ, but a core beyond the daily limit can never average out (art. 71, 74)."""
    shortest = int(law.require("working-time/shortest-break", assignment.since).value)
    rest = flexible.pause.seconds if flexible.pause is not None else 0
    if rest < shortest:
        raise RuleBroken("BREAK_TOO_SHORT", "lc-81", assignment.since, seconds=rest, limitSeconds=shortest)
    longest = int(law.require("working-time/daily-limit", assignment.since).value)
    if flexible.fixed_seconds() > longest:
        raise RuleBroken("DAILY_LIMIT", "lc-71", assignment.since, seconds=flexible.fixed_seconds(), limitSeconds=longest)


def _breaks(schedule: ShiftSchedule, law: Lawbook) -> None:
    """A break that is given is long enough (Labour Code, art. 81); work that allows none has none."""
    for shift in schedule.shifts:
        shortest = int(law.require("working-time/shortest-break", shift.date).value)
        if shift.pause is not None and shift.pause.seconds < shortest:
            raise RuleBroken("BREAK_TOO_SHORT", "lc-81", shift.date, seconds=shift.pause.seconds, limitSeconds=shortest)


def _rest(assignment: Assignment, servant: Servant, bodies: Mapping[str, Body], others: Iterable[Assignment], law: Lawbook) -> None:
    """No two shifts in a row (Labour Code, art. 73), and rest between shifts (art. 83), also to the schedules beside it."""
    for (first, ended), (then, begun) in pairwise(_shifts_around(assignment, servant, bodies, tuple(others))):
        if begun.start <= ended.end:
            raise RuleBroken("SHIFTS_IN_A_ROW", "lc-73", first, date=first, nextDate=then)
        rest = Span(ended.end, begun.start).seconds
        limit = int(law.require("working-time/rest-between-days", first).value)
        if rest < limit:
            raise RuleBroken("REST_TOO_SHORT", "lc-83", first, date=first, nextDate=then, seconds=rest, limitSeconds=limit)


def _shifts_around(
    assignment: Assignment, servant: Servant, bodies: Mapping[str, Body], others: tuple[Assignment, ...]
) -> Iterator[tuple[date, Span]]:
    """Yields the shifts of the span and of the two dates on either side: a shift begun further off cannot be too near."""
    schedules = [each.regime for each in (assignment, *others) if isinstance(each.regime, ShiftSchedule)]
    first, last = assignment.since.toordinal() - 2, assignment.until.toordinal() + 2
    for on in sorted({shift.date for each in schedules for shift in each.shifts if first <= shift.date.toordinal() <= last}):
        held = assignment if assignment.span.holds(on) else in_effect(others, on)
        shift = held.regime.on(on) if held is not None and isinstance(held.regime, ShiftSchedule) else None
        appointment = servant.keeping_time(on)
        body = bodies.get(appointment.body) if appointment is not None else None
        if shift is not None and body is not None:
            yield on, shift.laid(ZoneInfo(body.zone))[0]
