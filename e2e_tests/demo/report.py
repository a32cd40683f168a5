"""What people see at the end: findings with their articles, one day explained, the counters of no loss, how to ask further."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from tartip.regimes.v1 import plan_service_pb2 as plans
from tartip.timetracking.v1 import passage_service_pb2 as passages
from tartip.timetracking.v1 import workday_service_pb2 as pb

from . import asked
from .asked import at, word
from .catalogue import CATALOGUE
from .compare import Line, Verdict
from .world import Fault, State, World

SHOWN_DIFFERENCES = 20
WIDTH = 110
PICKED = ("missing_exit", "missing_exit_to_lunch", "late", "absent")
"""Of which fault a day is explained: one that shows known and assumed presence, if it was planted."""


def findings_table(verdict: Verdict) -> RenderableType:
    """The findings by kind, with the article on which each rests."""
    table = _table()
    table.add_column("finding", no_wrap=True)
    for name in ("found", "of", "wrong", "withdrawn"):
        table.add_column(name, justify="right")
    table.add_column("basis in law")
    for name, kind in sorted(verdict.kinds.items(), key=lambda each: (-each[1].expected, each[0])):
        style = "red" if kind.right < kind.expected or kind.wrong else ""
        figures = (str(kind.right), str(kind.expected), str(kind.wrong or "·"), str(kind.withdrawn or "·"))
        table.add_row(_words(name), *figures, kind.article, style=style)
    return Group(_title("Findings by kind, and their basis in law"), table)


def faults_summary(world: World) -> RenderableType:
    """What was planted: how much is to be found, how much is to change nothing, and what nobody can know, with the reason."""
    unchanged = [fault for fault in world.faults if fault.no_change]
    undetermined = [fault for fault in world.faults if fault.undetermined]
    table = _table()
    table.add_column("who and when", no_wrap=True)
    table.add_column("what happened", ratio=2)
    table.add_column("why the passages do not show it", ratio=3)
    for fault in undetermined:
        table.add_row(f"{fault.servant or fault.device} {_day(fault.date)}", _happens(fault), fault.undetermined)
    kinds = ", ".join(f"{count} × {name}" for name, count in _counted(_words(fault.kind) for fault in unchanged))
    planted = Text(f"{len(world.faults)} faults were planted. {len(unchanged)} of them are to change nothing: {kinds}.")
    return Group(Padding(planted, (1, 0, 0, 0)), _title(f"{len(undetermined)} planted faults that the passages do not determine"), table)


def explained_day(world: World, explanation: pb.WorkdayExplanation) -> RenderableType:
    """One day as ExplainWorkday tells it."""
    zone = ZoneInfo(world.body.zone)
    day = explanation.workday
    servant = world.servant(day.name.split("/")[1])
    on = date(day.date.year, day.date.month, day.date.day)
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="bold", no_wrap=True)
    lines.add_column()
    lines.add_row("plan", _plan(explanation.plan, zone))
    lines.add_row("presence", ", ".join(f"{_span(stay, zone)} {'assumed' if stay.assumed else 'known'}" for stay in day.stays) or "none")
    lines.add_row("figures", _figures(day.seconds))
    for finding in explanation.findings:
        lines.add_row("finding", f"{finding.message.en} ({finding.severity})\n{finding.basis.citation.en}: {finding.basis.title.en}")
    used = "\n".join(f"{each.parameter} = {each.value_json}, {each.citation.en}" for each in explanation.parameters)
    lines.add_row("law", f"{used}\nedition {day.edition[:12]}")
    lines.add_row("versions", f"{len(explanation.versions)}, the newest of {_clock(explanation.versions[-1].computed_at, zone, day=True)}")
    title = f"One day explained: {servant.display_name} ({servant.id}, {_unit(world, servant.unit)}), {_day(on)}, {_state(day)}"
    return Group(_title(title), lines, Padding(_reads(explanation, zone), (1, 0, 0, 0)))


def counters(lines: Sequence[Line]) -> RenderableType:
    """What became of every record of every device."""
    table = _table()
    table.add_column("device", no_wrap=True)
    names = ("sent", "taken", "received", "stored", "repeated", "parked", "others", "lost")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    sums = [0] * len(names)
    for line in lines:
        values = (line.sent, line.taken, line.received, line.stored, line.repeated, line.parked, line.ignored, line.lost)
        sums = [total + value for total, value in zip(sums, values, strict=True)]
        table.add_row(line.device, *(f"{value:,}" if value else "·" for value in values), style="red" if line.lost else "")
    table.add_section()
    table.add_row("all", *(f"{value:,}" for value in sums), style="bold")
    legend = (
        "sent, taken: put on the line, and answered as taken, by the device's own count. repeated: was there already and changed "
        "nothing. parked: cannot be read, waits for a person with its reason. others: no passages. What is stored of a badge that "
        "nobody holds is a read of nobody's day."
    )
    return Group(
        _title("Nothing is lost: each device's records, as it counts them and as the platform does"), table, Text(legend, style="dim")
    )


def verdict_lines(verdict: Verdict, took: str) -> RenderableType:
    """The outcome in a few lines, and what differs."""
    good = not verdict.differences
    lines = [
        f"{verdict.days:,} days of the week, every servant and date, compared with `fold` over what the devices recorded:"
        f" {verdict.figures:,} figures, {verdict.reads:,} reads",
        f"findings: precision {verdict.precision:.2f}, recall {verdict.recall:.2f} over {verdict.expected} that the passages determine:"
        f" {verdict.expected - verdict.withdrawn} stand, {verdict.withdrawn} were withdrawn again as they were to be;"
        f" {verdict.undetermined} more stand on days that they do not determine",
        took,
    ]
    text = Text("\n".join(lines))
    head = Text(
        "Everything is as it must be." if good else f"{len(verdict.differences)} differences.", style="bold green" if good else "bold red"
    )
    parts: list[RenderableType] = [Padding(head, (1, 0, 0, 0)), text]
    parts += [Text(f"  {each}", style="red") for each in verdict.differences[:SHOWN_DIFFERENCES]]
    if len(verdict.differences) > SHOWN_DIFFERENCES:
        parts.append(Text(f"  … and {len(verdict.differences) - SHOWN_DIFFERENCES} more, in run/demo/differences.txt", style="red"))
    return Group(*parts)


def how_to_ask(world: World, remote: str) -> list[str]:
    """Lines for a shell that ask the running platform about this very week; `remote` is one who signs in as themselves."""
    fault, body = picked_fault(world), f"stateBodies/{world.body.id}"
    servant, span = f"servants/{fault.servant}", {"since": _json_day(world.first), "until": _json_day(world.last)}
    return [
        _ask("ExplainWorkday", {"name": asked.name(fault.servant, fault.date)}),
        _ask("ListFindings", {"parent": body, **span, "kinds": [f"FINDING_KIND_{_most_frequent(world).upper()}"]}),
        _ask("ListPlanDays", {"parent": servant, **span}),
        _ask("ListWorkdays", {"parent": f"servants/{remote}", **span}, who=remote),
        f"{_ask('WatchWorkdays', {'parent': body, 'cursor': 'start'})}  # without an end: Ctrl-C",
    ]


def picked_fault(world: World) -> Fault:
    """The fault whose day is explained."""
    planted = [fault for kind in PICKED for fault in world.faults if fault.kind == kind]
    return planted[0] if planted else next(fault for fault in world.faults if fault.servant)


def text_of(parts: Iterable[RenderableType]) -> str:
    """The report as plain text."""
    written = StringIO()
    console = Console(file=written, width=WIDTH, highlight=False)
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def _ask(method: str, request: Any, who: str = "") -> str:
    signed = f" AS={who}" if who else ""
    return f"make ask METHOD={method}{signed} JSON='{json.dumps(request)}'"


def _json_day(value: date) -> dict[str, int]:
    return {"year": value.year, "month": value.month, "day": value.day}


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _title(text: str) -> RenderableType:
    return Padding(Text(text, style="bold"), (1, 0, 0, 0))


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _happens(fault: Fault) -> str:
    return CATALOGUE[fault.kind].happens if fault.kind in CATALOGUE else _words(fault.kind)


def _counted(words: Iterable[str]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for each in words:
        counts[each] = counts.get(each, 0) + 1
    return sorted(counts.items(), key=lambda each: -each[1])


def _most_frequent(world: World) -> str:
    kinds = [each.kind for each in world.truth.findings if each.state is State.RAISED]
    return max(kinds, key=kinds.count)


def _day(value: date) -> str:
    return f"{value:%a} {value.day} {value:%b}"


def _clock(stamp: Timestamp, zone: ZoneInfo, *, day: bool = False) -> str:
    local: datetime = at(stamp).astimezone(zone)
    shown = f"{local:%H:%M}" if local.second == 0 else f"{local:%H:%M:%S}"
    return f"{_day(local.date())} {shown}" if day else shown


def _span(span: Any, zone: ZoneInfo) -> str:
    return f"{_clock(span.start, zone)}–{_clock(span.end, zone)}"


def _state(day: pb.Workday) -> str:
    return word(pb.WorkdayState, day.state, "WORKDAY_STATE_").replace("_", " ")


def _unit(world: World, unit: str) -> str:
    return next(each.title.en for each in world.units if each.id == unit)


def _length(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else "") if part
    )


def _figures(seconds: pb.WorkdaySeconds) -> str:
    named = {field.name: getattr(seconds, field.name) for field in pb.WorkdaySeconds.DESCRIPTOR.fields}
    return ", ".join(f"{_words(name)} {_length(value)}" for name, value in named.items() if value) or "all zero"


def _plan(plan: plans.PlanDay, zone: ZoneInfo) -> str:
    kind = word(plans.PlanKind, plan.kind, "PLAN_KIND_").replace("_", " ")
    hours = ", ".join(f"{_span(each, zone)} at {each.premises or word(plans.Place, each.place, 'PLACE_')}" for each in plan.intervals)
    rests = ", ".join(f"break {_span(each, zone)}" for each in plan.breaks)
    return ", ".join(part for part in (f"{kind} {hours}".strip(), rests, f"act {plan.act}") if part)


def _reads(explanation: pb.WorkdayExplanation, zone: ZoneInfo) -> RenderableType:
    table = _table()
    for name in ("read at", "device", "premises", "direction", "what became of it", "received"):
        table.add_column(name, no_wrap=True)
    for each in explanation.reads:
        direction = {passages.DIRECTION_IN: "in", passages.DIRECTION_OUT: "out"}.get(each.direction, "none")
        became = word(pb.ReadOutcome, each.outcome, "READ_OUTCOME_").replace("_", " ")
        table.add_row(_clock(each.at, zone), each.device, each.premises, direction, became, _clock(each.received_at, zone))
    return table
