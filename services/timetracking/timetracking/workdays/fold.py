"""`fold`: check any day without the platform.

    python -m timetracking fold IN.json OUT.json

runs the domain over a file: no database, no Kafka, no clock. The format is a public contract (docs/fold.md): auditors,
courts and tests compare days with it.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lawbook import Lawbook, NotInForce

from timetracking.workdays import fold_document as paper
from timetracking.workdays.domain import (
    Added,
    AddedStay,
    Correction,
    Direction,
    Facts,
    Order,
    OrderKind,
    Place,
    Plan,
    PlanKind,
    PlannedInterval,
    Read,
    Session,
    Void,
    WorkdayContent,
    duty,
    short_rests,
    workdays,
)
from timetracking.workdays.domain.parameters import law_of

Refused = paper.Refused


def fold_file(source: Path, target: Path, lawbook: Lawbook) -> None:
    """Computes the days of a file into another; a refused file writes nothing."""
    try:
        content = source.read_bytes()
    except OSError as error:
        raise Refused("", f"{source} cannot be read: {error.strerror}") from error
    try:
        answer = fold_document(paper.parsed(content), lawbook)
    except Refused as refusal:
        if refusal.path:
            raise
        raise Refused("", f"{source}: {refusal}") from refusal
    text = json.dumps(answer, ensure_ascii=False, indent=1) + "\n"
    try:
        target.write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise Refused("", f"{target} cannot be written: {error.strerror}") from error


def fold_document(document: Any, lawbook: Lawbook) -> dict[str, Any]:
    """The answer to a fold document, as docs/fold.md describes both; raises `Refused` with the path of what is wrong."""
    asked = paper.read(document)
    zone = ZoneInfo(asked.zone)
    law = law_of(lawbook, asked.parameters)
    devices = {each.device: each for each in asked.devices}
    dates = [asked.since + timedelta(days=n) for n in range((asked.until - asked.since).days + 1)]
    days: list[dict[str, Any]] = []
    across: list[dict[str, Any]] = []
    for path, servant in sorted(asked.unique_servants(), key=lambda each: each[1].servant):
        try:
            facts, numbers = _facts(path, servant, devices, lawbook)
            contents = workdays(facts, dates, lambda _: zone, law, asked.now)
        except NotInForce as error:
            raise Refused("since", f"the lawbook has no values for all dates from here on; it begins {_beginning(error)}") from error
        days.extend(_day(servant.servant, each, numbers, zone) for each in contents)
        across.extend(
            {
                "servant": servant.servant,
                "kind": "rest_too_short",
                "dates": [each.isoformat() for each in rest.dates],
                "seconds": rest.seconds,
                "rule": rest.rule,
            }
            for rest in short_rests(contents, law)
        )
    return {"edition": lawbook.edition, "parameters": asked.parameters, "days": days, "across_days": across}


def _facts(path: str, servant: paper.Servant, devices: Mapping[str, paper.Device], lawbook: Lawbook) -> tuple[Facts, dict[Correction, int]]:
    """The domain's facts of a servant, and the numbers by which an answer counts the corrections."""
    plans = {each.date: _plan(each) for each in servant.plans}
    orders = tuple(_order(each) for each in servant.orders)
    _refuse_long_duties(path, servant, plans, orders, lawbook)
    reads = []
    for index, each in enumerate(servant.reads):
        if each.device not in devices:
            raise Refused(f"{path}.reads[{index}].device", f"no device {each.device!r} is listed")
        reads.append(_read(each, devices[each.device]))
    sessions = tuple(Session(each.start, each.end) for each in servant.sessions)
    known = {(each.device, each.event_key) for each in servant.reads}
    for index, correction in enumerate(servant.corrections):
        if isinstance(correction, paper.VoidCorrection) and (correction.device, correction.event_key) not in known:
            raise Refused(f"{path}.corrections[{index}]", "voids a read that is not in the reads")
    corrections = sorted({_correction(each) for each in servant.corrections}, key=_correction_order)
    return Facts(plans, orders, tuple(reads), sessions, tuple(corrections)), {each: index for index, each in enumerate(corrections)}


def _refuse_long_duties(path: str, servant: paper.Servant, plans: Mapping[date, Plan], orders: tuple[Order, ...], lawbook: Lawbook) -> None:
    named: dict[date, list[Order]] = {}
    for order in orders:
        named.setdefault(order.date, []).append(order)
    rows = [(f"plans[{index}]", row.date) for index, row in enumerate(servant.plans)]
    rows += [(f"orders[{index}]", row.date) for index, row in enumerate(servant.orders)]
    first_row = {day: place for place, day in reversed(rows)}
    for day, place in first_row.items():
        span = duty(plans.get(day), named.get(day, ()))
        try:
            longest = lawbook.require("working-day/longest-duty", day).value
        except NotInForce as error:
            raise Refused(f"{path}.{place}.date", f"the lawbook has no values for this date; it begins {_beginning(error)}") from error
        if span is not None and span[1] - span[0] > longest:
            raise Refused(f"{path}.{place}", f"the duty of {day} is {span[1] - span[0]} s long; a duty is at most {longest} s")


def _beginning(error: NotInForce) -> str:
    return f"with {error.since}, with {error.facts['parameter']}"


def _spans(spans: tuple[paper.Span, ...]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted({(each.start, each.end) for each in spans}))


def _plan(row: paper.PlanRow) -> Plan:
    intervals = {PlannedInterval(each.start, each.end, Place(each.place)) for each in row.intervals}
    return Plan(
        date=row.date,
        kind=PlanKind(row.kind),
        intervals=tuple(sorted(intervals, key=lambda each: (each.start, each.end, each.place))),
        breaks=_spans(row.breaks),
        core=_spans((row.core,))[0] if row.core else None,
        excused=_spans(tuple(row.excused)),
        holiday=row.holiday,
        grace=row.grace,
    )


def _order(row: paper.OrderRow) -> Order:
    return Order(row.date, OrderKind(row.kind), row.start, row.end, _spans(row.breaks))


def _read(row: paper.ReadRow, device: paper.Device) -> Read:
    sent = {None: Direction.NONE, "in": Direction.IN, "out": Direction.OUT}[row.direction]
    own = {"in": Direction.IN, "out": Direction.OUT, "as_sent": sent, "alternating": Direction.NONE}[device.direction]
    return Read(row.at, row.device, row.event_key, own, device.role == "perimeter", sent)


def _correction(row: paper.CorrectionRow) -> Correction:
    if isinstance(row, paper.VoidCorrection):
        return Void(row.device, row.event_key)
    if isinstance(row, paper.StayCorrection):
        return AddedStay(row.start, row.end)
    return Added(row.at, Direction.IN if row.kind == "entry" else Direction.OUT)


def _correction_order(correction: Correction) -> tuple[int, int, int, str, str]:
    """Entries, exits, stays, voids, each by instant: an index does not depend on the order of the list."""
    if isinstance(correction, Added):
        return int(correction.direction is Direction.OUT), correction.at, 0, "", ""
    if isinstance(correction, AddedStay):
        return 2, correction.start, correction.end, "", ""
    return 3, 0, 0, correction.device, correction.event_key


def _day(servant: str, day: WorkdayContent, numbers: Mapping[Correction, int], zone: ZoneInfo) -> dict[str, Any]:
    def wall(at: int) -> str:
        return datetime.fromtimestamp(at, UTC).astimezone(zone).isoformat()

    answer: dict[str, Any] = {
        "servant": servant,
        "date": day.date.isoformat(),
        "state": day.state.value,
        "window": {"start": wall(day.window[0]), "end": wall(day.window[1])},
        "seconds": day.seconds._asdict(),
        "stays": [{"start": wall(stay.start), "end": wall(stay.end), "assumed": stay.assumed} for stay in day.stays],
        "reads": [{"device": read.device, "event_key": read.event_key, "became": became.value} for read, became in day.reads],
        "findings": [
            {"kind": each.kind.value, "first": wall(each.first), "seconds": each.seconds, "rule": each.rule} for each in day.findings
        ],
    }
    if day.superseded:
        answer["superseded"] = sorted(numbers[each] for each in day.superseded)
    return answer
