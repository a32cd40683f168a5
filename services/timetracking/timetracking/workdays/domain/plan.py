"""What a servant was to do on a date, and what follows from that alone."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import groupby, pairwise

from kernel.intervals import Span, less, overlap, union


class PlanKind(StrEnum):
    """What kind of day was planned."""

    OFFICE = "office"
    REMOTE = "remote"
    COMBINED = "combined"
    FLEXIBLE = "flexible"
    SHIFT = "shift"
    SLIDING = "sliding"
    SUMMARISED = "summarised"
    DAY_OFF = "day_off"
    PUBLIC_HOLIDAY = "public_holiday"


class Place(StrEnum):
    """Where an interval is worked."""

    OFFICE = "office"
    REMOTE = "remote"
    WAY = "way"


@dataclass(frozen=True, slots=True)
class PlannedInterval:
    """A span that is to be worked, and where."""

    start: int
    end: int
    place: Place


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of consecutive intervals at one place, with the seconds of it that are due, and the holes between these."""

    place: Place
    due: tuple[Span, ...]
    holes: frozenset[Span]


@dataclass(frozen=True, slots=True)
class Outline:
    """What the seconds of a plan are: its span, if it has one; the planned seconds without breaks, by place; the excused of them; what is due."""

    span: tuple[Span, ...]
    lending: Span | None
    """The span that lends its ends to what is missing: of a plan with a core the core."""
    office: tuple[Span, ...]
    remote: tuple[Span, ...]
    way: tuple[Span, ...]
    planned: tuple[Span, ...]
    excused: tuple[Span, ...]
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True)
class Plan:
    """What a servant was to do on a date. Intervals and breaks are in time order and do not overlap."""

    date: date
    kind: PlanKind
    intervals: tuple[PlannedInterval, ...] = ()
    breaks: tuple[Span, ...] = ()
    core: Span | None = None
    excused: tuple[Span, ...] = ()
    holiday: bool = False
    grace: int = 0

    @cached_property
    def span(self) -> Span | None:
        """From the start of the first planned interval to the end of the last."""
        return (self.intervals[0].start, self.intervals[-1].end) if self.intervals else None

    @cached_property
    def outline(self) -> Outline:
        """Breaks are taken out of everything; due are the planned seconds that are not excused, of a flexible plan its core.

        Computed once for all who share the plan.
        """
        breaks, excused = union(self.breaks), union(self.excused)

        def at(*places: Place) -> tuple[Span, ...]:
            return tuple(less(union((each.start, each.end) for each in self.intervals if each.place in places), breaks))

        stretches = []
        for place, run in groupby(self.intervals, key=lambda each: each.place):
            if place is Place.WAY:
                continue
            due = less(less(union((each.start, each.end) for each in run), breaks), excused)
            if self.core:
                due = overlap(due, [self.core])
            stretches.append(Stretch(place, tuple(due), frozenset((one[1], other[0]) for one, other in pairwise(due))))
        planned = at(*Place)
        return Outline(
            span=(self.span,) if self.span else (),
            lending=self.core or self.span,
            office=at(Place.OFFICE),
            remote=at(Place.REMOTE),
            way=at(Place.WAY),
            planned=planned,
            excused=tuple(overlap(planned, excused)),
            stretches=tuple(stretches),
        )
