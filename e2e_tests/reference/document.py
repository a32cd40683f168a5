"""What a `fold` document says, or the path at which it is wrong.

Instants become whole seconds since 1970 (UTC). Lists become sets: a row that stands twice stands once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from .fields import (
    REQUIRED,
    Refused,
    Span,
    civil_date,
    instant,
    items,
    keep,
    one_of,
    ordered,
    read_zone,
    refuse_overlaps,
    row,
    seconds,
    text,
    wall_time,
)

HOUR = 3600
LONGEST_DUTY = 36 * HOUR

PLAN_KINDS = ("office", "remote", "combined", "flexible", "shift", "sliding", "summarised", "day_off", "public_holiday")
PLACES = ("office", "remote", "way")
ORDER_KINDS = ("overtime", "rest_day")


@dataclass(frozen=True, slots=True, order=True)
class Interval(Span):
    place: str


@dataclass(frozen=True, slots=True, order=True)
class Excused(Span):
    reason: str


@dataclass(frozen=True, slots=True)
class Order:
    date: date
    kind: str
    span: Span
    breaks: frozenset[Span]

    def counts(self, second: int) -> bool:
        """Whether the second is in the order, less its breaks."""
        return self.span.holds(second) and not any(rest.holds(second) for rest in self.breaks)


@dataclass(frozen=True, slots=True)
class Plan:
    date: date
    kind: str
    intervals: tuple[Interval, ...]
    breaks: frozenset[Span]
    core: Span | None
    excused: frozenset[Excused]
    holiday: bool
    grace: int

    @property
    def span(self) -> Span | None:
        """From the start of the first planned interval to the end of the last."""
        if not self.intervals:
            return None
        return Span(min(each.start for each in self.intervals), max(each.end for each in self.intervals))


@dataclass(frozen=True, slots=True)
class Device:
    device: str
    role: str
    direction: str
    premises: str


@dataclass(frozen=True, slots=True)
class Read:
    """A read with its *own* direction, "in", "out" or None, and the one that was sent, by which it may be another fact."""

    at: int
    device: str
    event_key: str
    direction: str | None
    internal: bool
    sent: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    start: int
    end: int | None


@dataclass(frozen=True, slots=True, order=True)
class Correction:
    """An added entry or exit (`start` alone), an added stay (`start` and `end`) or a void (a device and its event key)."""

    kind: str
    start: int = 0
    end: int = 0
    device: str = ""
    event_key: str = ""


@dataclass(frozen=True, slots=True)
class Servant:
    servant: str
    plans: Mapping[date, Plan]
    orders: frozenset[Order]
    reads: frozenset[Read]
    sessions: frozenset[Session]
    corrections: tuple[Correction, ...]

    def orders_of(self, day: date) -> list[Order]:
        return [order for order in self.orders if order.date == day]

    def duty(self, day: date) -> Span | None:
        """The span of a date and its orders together."""
        parts = [order.span for order in self.orders_of(day)]
        plan = self.plans.get(day)
        if plan is not None and plan.span is not None:
            parts.append(plan.span)
        return Span(min(part.start for part in parts), max(part.end for part in parts)) if parts else None


@dataclass(frozen=True, slots=True)
class Rules:
    """The lawbook's values, with those that the document gives instead."""

    day_border: str = "04:00"
    border_margin: int = 2 * HOUR
    double_read_window: int = 60
    longest_stay: int = 16 * HOUR
    rest_between_days: int = 12 * HOUR
    daily_limit: int = 8 * HOUR
    night: tuple[str, str] = ("22:00", "06:00")


@dataclass(frozen=True, slots=True)
class Document:
    zone: ZoneInfo
    since: date
    until: date
    now: int
    parameters: Mapping[str, Any]
    rules: Rules
    servants: tuple[Servant, ...]


def read_document(raw: object) -> Document:
    """The document, checked. Raises `Refused` at the first thing that is wrong."""
    top = row(
        raw,
        "",
        zone=REQUIRED,
        since=REQUIRED,
        until=REQUIRED,
        now=REQUIRED,
        devices=REQUIRED,
        servants=REQUIRED,
        parameters={},
    )
    since, until = civil_date(top["since"], "since"), civil_date(top["until"], "until")
    if until < since:
        raise Refused("until", "is before since")
    devices: dict[str, Device] = {}
    for value, path in items(top["devices"], "devices"):
        keep(devices, (device := read_device(value, path)).device, device, path)
    servants: dict[str, Servant] = {}
    for value, path in items(top["servants"], "servants"):
        keep(servants, (servant := read_servant(value, path, devices)).servant, servant, path)
    return Document(
        zone=read_zone(top["zone"]),
        since=since,
        until=until,
        now=instant(top["now"], "now"),
        parameters=top["parameters"],
        rules=read_rules(top["parameters"]),
        servants=tuple(servants[name] for name in sorted(servants)),
    )


def read_rules(raw: object) -> Rules:
    defaults = {name.replace("_", "-"): None for name in Rules.__dataclass_fields__}
    given = row(raw, "parameters", **defaults)
    chosen: dict[str, Any] = {}
    for name, value in given.items():
        path, field = f"parameters.{name}", name.replace("-", "_")
        if not (isinstance(raw, dict) and name in raw):
            continue
        if name == "day-border":
            chosen[field] = wall_time(value, path)
        elif name == "night":
            pair = [wall_time(each, each_path) for each, each_path in items(value, path)]
            if len(pair) != 2:
                raise Refused(path, "is not a pair of wall times")
            chosen[field] = (pair[0], pair[1])
        else:
            chosen[field] = seconds(value, path)
    return Rules(**chosen)


def read_device(raw: object, path: str) -> Device:
    fields = row(raw, path, device=REQUIRED, role=REQUIRED, direction=REQUIRED, premises=REQUIRED)
    return Device(
        device=text(fields["device"], f"{path}.device"),
        role=one_of(fields["role"], f"{path}.role", "perimeter", "internal"),
        direction=one_of(fields["direction"], f"{path}.direction", "in", "out", "as_sent", "alternating"),
        premises=text(fields["premises"], f"{path}.premises"),
    )


def read_servant(raw: object, path: str, devices: Mapping[str, Device]) -> Servant:
    fields = row(raw, path, servant=REQUIRED, plans=REQUIRED, reads=REQUIRED, orders=[], sessions=[], corrections=[])
    plans: dict[date, Plan] = {}
    for value, at in items(fields["plans"], f"{path}.plans"):
        keep(plans, (plan := read_plan(value, at)).date, plan, at)
    orders = {read_order(value, at): at for value, at in items(fields["orders"], f"{path}.orders")}
    for day in {order.date for order in orders}:
        refuse_overlaps([(order.span, at) for order, at in orders.items() if order.date == day])
    reads = frozenset(read_read(value, at, devices) for value, at in items(fields["reads"], f"{path}.reads"))
    known = {(read.device, read.event_key) for read in reads}
    servant = Servant(
        servant=text(fields["servant"], f"{path}.servant"),
        plans=plans,
        orders=frozenset(orders),
        reads=reads,
        sessions=frozenset(read_session(value, at) for value, at in items(fields["sessions"], f"{path}.sessions")),
        corrections=tuple(sorted({read_correction(value, at, known) for value, at in items(fields["corrections"], f"{path}.corrections")})),
    )
    for day in {*plans, *(order.date for order in orders)}:
        duty = servant.duty(day)
        if duty is not None and duty.end - duty.start > LONGEST_DUTY:
            raise Refused(path, f"the duty of {day} is longer than 36 h")
    return servant


def read_plan(raw: object, path: str) -> Plan:
    fields = row(raw, path, date=REQUIRED, kind=REQUIRED, intervals=REQUIRED, breaks=[], core=None, excused=[], holiday=False, grace=0)
    intervals = {read_interval(value, at): at for value, at in items(fields["intervals"], f"{path}.intervals")}
    refuse_overlaps(list(intervals.items()))
    if not isinstance(fields["holiday"], bool):
        raise Refused(f"{path}.holiday", "is not true or false")
    return Plan(
        date=civil_date(fields["date"], f"{path}.date"),
        kind=one_of(fields["kind"], f"{path}.kind", *PLAN_KINDS),
        intervals=tuple(sorted(intervals)),
        breaks=read_breaks(fields["breaks"], f"{path}.breaks"),
        core=None if fields["core"] is None else read_span(fields["core"], f"{path}.core"),
        excused=frozenset(read_excused(value, at) for value, at in items(fields["excused"], f"{path}.excused")),
        holiday=fields["holiday"],
        grace=seconds(fields["grace"], f"{path}.grace"),
    )


def read_interval(raw: object, path: str) -> Interval:
    fields = row(raw, path, start=REQUIRED, end=REQUIRED, place=REQUIRED)
    span = ordered(fields, path)
    return Interval(span.start, span.end, one_of(fields["place"], f"{path}.place", *PLACES))


def read_excused(raw: object, path: str) -> Excused:
    fields = row(raw, path, start=REQUIRED, end=REQUIRED, reason=REQUIRED)
    span = ordered(fields, path)
    return Excused(span.start, span.end, text(fields["reason"], f"{path}.reason"))


def read_span(raw: object, path: str) -> Span:
    return ordered(row(raw, path, start=REQUIRED, end=REQUIRED), path)


def read_breaks(raw: object, path: str) -> frozenset[Span]:
    breaks = {read_span(value, at): at for value, at in items(raw, path)}
    refuse_overlaps(list(breaks.items()))
    return frozenset(breaks)


def read_order(raw: object, path: str) -> Order:
    fields = row(raw, path, date=REQUIRED, kind=REQUIRED, start=REQUIRED, end=REQUIRED, breaks=[])
    return Order(
        date=civil_date(fields["date"], f"{path}.date"),
        kind=one_of(fields["kind"], f"{path}.kind", *ORDER_KINDS),
        span=ordered(fields, path),
        breaks=read_breaks(fields["breaks"], f"{path}.breaks"),
    )


def read_read(raw: object, path: str, devices: Mapping[str, Device]) -> Read:
    fields = row(raw, path, device=REQUIRED, event_key=REQUIRED, at=REQUIRED, direction=REQUIRED)
    device = devices.get(text(fields["device"], f"{path}.device"))
    if device is None:
        raise Refused(f"{path}.device", "is not a listed device")
    sent = fields["direction"]
    if sent is not None:
        one_of(sent, f"{path}.direction", "in", "out")
    own = {"in": "in", "out": "out", "as_sent": sent, "alternating": None}[device.direction]
    return Read(
        at=instant(fields["at"], f"{path}.at"),
        device=device.device,
        event_key=text(fields["event_key"], f"{path}.event_key"),
        direction=own,
        internal=device.role == "internal",
        sent=sent,
    )


def read_session(raw: object, path: str) -> Session:
    fields = row(raw, path, start=REQUIRED, end=REQUIRED)
    if fields["end"] is None:
        return Session(instant(fields["start"], f"{path}.start"), None)
    span = ordered(fields, path)
    return Session(span.start, span.end)


def read_correction(raw: object, path: str, known: set[tuple[str, str]]) -> Correction:
    kind = one_of(raw.get("kind") if isinstance(raw, dict) else None, f"{path}.kind", "entry", "exit", "stay", "void")
    if kind == "stay":
        span = ordered(row(raw, path, kind=REQUIRED, start=REQUIRED, end=REQUIRED), path)
        return Correction(kind, start=span.start, end=span.end)
    if kind == "void":
        fields = row(raw, path, kind=REQUIRED, device=REQUIRED, event_key=REQUIRED)
        device, key = text(fields["device"], f"{path}.device"), text(fields["event_key"], f"{path}.event_key")
        if (device, key) not in known:
            raise Refused(path, "voids an unknown read")
        return Correction(kind, device=device, event_key=key)
    return Correction(kind, start=instant(row(raw, path, kind=REQUIRED, at=REQUIRED)["at"], f"{path}.at"))
