"""A day as it is kept: its content with body, marks of doubt and version; and the content as text and back."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from kernel.intervals import Span

from timetracking.workdays.domain.plan import Plan, PlanKind
from timetracking.workdays.domain.words import (
    Added,
    Became,
    Direction,
    Finding,
    FindingKind,
    Read,
    Seconds,
    State,
    Stay,
    WorkdayContent,
)

DOUBTFUL_CLOCK = "doubtful_clock"
INCOMPLETE = "incomplete"
AMBIGUOUS_TIME = "ambiguous_time"
ANOTHER_PLACE = "another_place"

_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Placement:
    """Under whom a day is filed: the body and unit whose time it is."""

    body: str
    unit: str


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What is known of a read beside what a day is computed from."""

    body: str
    premises: str
    received_at: datetime
    occurred_twice: bool
    clock_off: bool


@dataclass(frozen=True, slots=True)
class KeptDay:
    """A working day as it is kept; `text` is its content as `text_of` writes it."""

    servant: str
    placement: Placement
    plan_kind: PlanKind | None
    content: WorkdayContent
    marks: tuple[str, ...]
    revision: int
    edition: str
    computed_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class KeptState:
    """What a new look at a day compares itself with; `text`, `marks` and `plan_kind` only of a day that is looked at itself."""

    placement: Placement
    state: State
    work: Span | None
    crosses: bool
    plan_kind: PlanKind | None
    text: str
    marks: tuple[str, ...]
    revision: int


ReadKey = tuple[str, str, int]
"""(device, event key, instant)."""


@dataclass(slots=True)
class Shown:
    """What is known of reads beside what a day is computed from."""

    bodies: dict[str, str] = field(default_factory=dict)
    """Of each device."""
    clock_off: set[ReadKey] = field(default_factory=set)
    """Those on a date on which the device's clock was found wrong."""
    occurred_twice: set[ReadKey] = field(default_factory=set)
    """Those whose wall time was shown twice by the clock."""


def marks_of(content: WorkdayContent, shown: Shown, body: str, *, doubt: bool) -> tuple[str, ...]:
    """The marks of doubt of a day, in alphabetical order: no part of its content."""
    marks = {INCOMPLETE} if doubt else set()
    for read, became in content.reads:
        if became is not Became.COUNTED and became is not Became.DOUBLE_READ:
            continue
        if shown.bodies.get(read.device) != body:
            marks.add(ANOTHER_PLACE)
        if shown.clock_off and (read.device, read.event_key, read.at) in shown.clock_off:
            marks.add(DOUBTFUL_CLOCK)
        if shown.occurred_twice and (read.device, read.event_key, read.at) in shown.occurred_twice:
            marks.add(AMBIGUOUS_TIME)
    return tuple(sorted(marks))


def doubted(plan: Plan, spans: Iterable[Span]) -> bool:
    """Whether a silence of a device or a gap in its event numbers lies over the plan."""
    planned = plan.span
    return planned is not None and any(start < planned[1] and end > planned[0] for start, end in spans)


def text_of(content: WorkdayContent) -> str:
    """The content as JSON; equal contents give equal texts."""
    return _write(
        {
            "state": content.state,
            "window": content.window,
            "seconds": {name: value for name, value in zip(Seconds._fields, content.seconds, strict=True) if value},
            "stays": content.stays,
            "reads": [(*read, became) for read, became in content.reads],
            "findings": content.findings,
            "superseded": [(each.at, each.direction) for each in content.superseded],
            "sessions": content.sessions,
            "work": content.work,
            "crosses": content.crosses,
        }
    )


def content_of(day: date, text: str) -> WorkdayContent:
    """What `text_of` wrote."""
    said: dict[str, Any] = json.loads(text)
    return WorkdayContent(
        date=day,
        state=State(said["state"]),
        window=(said["window"][0], said["window"][1]),
        seconds=Seconds(**said["seconds"]),
        stays=tuple(Stay(*each) for each in said["stays"]),
        reads=tuple(
            (Read(at, device, key, Direction(own), perimeter, Direction(sent)), Became(became))
            for at, device, key, own, perimeter, sent, became in said["reads"]
        ),
        findings=tuple(Finding(FindingKind(kind), first, seconds, rule) for kind, first, seconds, rule in said["findings"]),
        superseded=tuple(Added(at, Direction(way)) for at, way in said["superseded"]),
        sessions=tuple(Stay(*each) for each in said["sessions"]),
        work=(said["work"][0], said["work"][1]) if said["work"] else None,
        crosses=said["crosses"],
    )
