"""A day as it is kept: its content with body, marks of doubt and version; and the content as text and back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kernel.intervals import Span

from timetracking.workdays.domain.words import (
    Added,
    Became,
    Direction,
    Finding,
    FindingKind,
    Plan,
    PlanKind,
    Read,
    ReadOutcome,
    Seconds,
    State,
    Stay,
    WorkdayContent,
)

DOUBTFUL_CLOCK = "doubtful_clock"
INCOMPLETE = "incomplete"
AMBIGUOUS_TIME = "ambiguous_time"
ANOTHER_PLACE = "another_place"


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
    """A working day as it is kept."""

    servant: str
    placement: Placement
    plan_kind: PlanKind | None
    content: WorkdayContent
    marks: tuple[str, ...]
    revision: int
    edition: str
    computed_at: datetime


def marks_of(content: WorkdayContent, contexts: Mapping[tuple[str, str, int], ReadContext], body: str, *, doubt: bool) -> tuple[str, ...]:
    """The marks of doubt of a day, in alphabetical order: no part of its content."""
    marks = {INCOMPLETE} if doubt else set()
    for outcome in content.reads:
        context = contexts.get((outcome.read.device, outcome.read.event_key, outcome.read.at))
        if context is None or outcome.became not in (Became.COUNTED, Became.DOUBLE_READ):
            continue
        if context.clock_off:
            marks.add(DOUBTFUL_CLOCK)
        if context.occurred_twice:
            marks.add(AMBIGUOUS_TIME)
        if context.body != body:
            marks.add(ANOTHER_PLACE)
    return tuple(sorted(marks))


def doubted(plan: Plan, spans: Iterable[Span]) -> bool:
    """Whether a silence of a device or a gap in its event numbers lies over the plan."""
    planned = plan.span
    return planned is not None and any(start < planned[1] and end > planned[0] for start, end in spans)


def text_of(content: WorkdayContent) -> str:
    """The content as JSON; equal contents give equal texts."""
    return json.dumps(
        {
            "state": content.state,
            "window": content.window,
            "seconds": {name: value for name in content.seconds._fields if (value := getattr(content.seconds, name))},
            "stays": [[stay.start, stay.end, stay.assumed] for stay in content.stays],
            "reads": [
                [each.read.at, each.read.device, each.read.event_key, each.read.direction, each.read.perimeter, each.read.sent, each.became]
                for each in content.reads
            ],
            "findings": [[each.kind, each.first, each.seconds, each.rule] for each in content.findings],
            "superseded": [[each.at, each.direction] for each in content.superseded],
            "sessions": [[stay.start, stay.end, stay.assumed] for stay in content.sessions],
            "work": content.work,
            "crosses": content.crosses,
        },
        ensure_ascii=False,
        separators=(",", ":"),
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
            ReadOutcome(Read(at, device, key, Direction(own), perimeter, Direction(sent)), Became(became))
            for at, device, key, own, perimeter, sent, became in said["reads"]
        ),
        findings=tuple(Finding(FindingKind(kind), first, seconds, rule) for kind, first, seconds, rule in said["findings"]),
        superseded=tuple(Added(at, Direction(way)) for at, way in said["superseded"]),
        sessions=tuple(Stay(*each) for each in said["sessions"]),
        work=(said["work"][0], said["work"][1]) if said["work"] else None,
        crosses=said["crosses"],
    )
