"""Bodies and servants as the registry tells of them: whose day it is, and in whose service."""

from dataclasses import dataclass, field
from datetime import date

from kernel.days import DaySpan
from kernel.headships import Headship
from kernel.holds import Hold

# Whose day it is where several appointments keep time: secondment before main before temporary.
PRECEDENCE = ("secondment", "main", "temporary")


@dataclass(frozen=True, slots=True)
class Body:
    """A state body: its region, and the zone of its place."""

    body: str
    region: str
    zone: str
    revision: int
    heads: tuple[Headship, ...] = field(default=(), compare=False)
    """Who heads the units, where it was told now: no day follows from it."""
    holds: tuple[Hold, ...] = field(default=(), compare=False)
    """The legal holds over its data, where they were told now."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """A span in which a servant holds a position."""

    appointment: str
    span: DaySpan
    body: str
    unit: str
    kind: str
    keeps_time: bool
    position: str = field(default="", compare=False)
    supervising_position: str = field(default="", compare=False)
    """The positions decide who controls the servant's time, and no day."""


@dataclass(frozen=True, slots=True)
class Servant:
    """A servant with all appointments."""

    servant: str
    appointments: tuple[Appointment, ...]
    revision: int

    @property
    def newest_body(self) -> str | None:
        """The body of the appointment that began, or begins, last."""
        return max(self.appointments, key=lambda each: (each.span.since, each.appointment)).body if self.appointments else None

    def keeping_time(self, on: date) -> Appointment | None:
        """The appointment whose days they are on a date; None where there is none."""
        held = [each for each in self.appointments if each.keeps_time and each.span.holds(on) and each.kind in PRECEDENCE]
        return min(held, key=lambda each: (PRECEDENCE.index(each.kind), each.span.since, each.appointment)) if held else None
