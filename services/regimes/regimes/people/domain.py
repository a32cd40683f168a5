"""The people whose time is planned: bodies with their units, servants with their appointments."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum

from kernel.days import DaySpan
from kernel.headships import Headship
from kernel.holds import Hold


class AppointmentKind(Enum):
    """What an appointment is; a kind that this version does not know is OTHER and never keeps time."""

    MAIN = "main"
    TEMPORARY = "temporary"
    SECONDMENT = "secondment"
    ACTING = "acting"
    CONCURRENT = "concurrent"
    OTHER = "other"


# Whose day it is: secondment-in before main before temporary. Acting and concurrent posts add duties, never a plan.
_FIRST = {AppointmentKind.SECONDMENT: 0, AppointmentKind.MAIN: 1, AppointmentKind.TEMPORARY: 2}


@dataclass(frozen=True, slots=True)
class Unit:
    """A structural unit; `parent` is the unit above it, or empty."""

    unit: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A state body with the IANA zone of its place; `revision` is the registry's, raised with every state of it."""

    body: str
    region: str
    zone: str
    units: tuple[Unit, ...] = ()
    revision: int = field(default=0, compare=False)
    heads: tuple[Headship, ...] = field(default=(), compare=False)
    """Who heads the units, where it was told now: no plan follows from it."""
    holds: tuple[Hold, ...] = field(default=(), compare=False)
    """The legal holds over its data, where they were told now."""

    def chain(self, unit: str) -> Iterator[str]:
        """Yields `unit`, the units above it, and last the whole body as the empty name; a ring of units is cut."""
        parents = {each.unit: each.parent for each in self.units}
        seen: set[str] = set()
        while unit and unit not in seen:
            yield unit
            seen.add(unit)
            unit = parents.get(unit, "")
        yield ""

    def has(self, unit: str) -> bool:
        """Says whether it has such a unit."""
        return any(each.unit == unit for each in self.units)


@dataclass(frozen=True, slots=True)
class Appointment:
    """A span in which a servant holds a post in a unit of a body."""

    appointment: str
    span: DaySpan
    body: str
    unit: str
    kind: AppointmentKind
    keeps_time: bool = True
    hours_set_by_regulation: bool = False
    position: str = field(default="", compare=False)
    supervising_position: str = field(default="", compare=False)
    """The positions decide who controls the servant's time, and no plan."""

    def counts_on(self, on: date) -> bool:
        """Says whether the servant's day can follow it on that date."""
        return self.keeps_time and self.kind in _FIRST and self.span.holds(on)


@dataclass(frozen=True, slots=True)
class Servant:
    """A civil servant, as far as plans need one: no name, no IIN; `revision` is the registry's."""

    servant: str
    appointments: tuple[Appointment, ...] = ()
    revision: int = field(default=0, compare=False)

    def keeping_time(self, on: date) -> Appointment | None:
        """Returns the one appointment whose body and unit own the servant's day, or None on a date without one."""
        counting = [each for each in self.appointments if each.counts_on(on)]
        return min(counting, key=_precedence, default=None)

    def turns(self, span: DaySpan) -> Iterator[date]:
        """Yields the dates of the span from which on another appointment, or none, may keep time: its first, and where one begins or ended."""
        yield span.since
        begun = {each.span.since for each in self.appointments}
        ended = {each.span.until + timedelta(days=1) for each in self.appointments if each.span.until not in (None, date.max)}
        yield from sorted(on for on in begun | ended if on > span.since and span.holds(on))

    def differences(self, other: "Servant") -> tuple[DaySpan, ...]:
        """Returns the spans of the appointments that only one of the two has: the dates whose plan may differ."""
        changed = set(self.appointments) ^ set(other.appointments)
        return tuple(sorted((each.span for each in changed), key=lambda span: (span.since, span.until or date.max)))


def _precedence(appointment: Appointment) -> tuple[int, int, str]:
    # Of two of one kind the one that began later, then the lower ID: the registry refuses such a pair, so the choice only
    # has to be the same everywhere.
    return _FIRST[appointment.kind], -appointment.span.since.toordinal(), appointment.appointment
