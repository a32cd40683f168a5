"""A department on a day of faults: its people, their plans, its gates, and the truth about it: what the gates recorded."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from tartip.regimes.v1 import events_pb2 as regimes
from tartip.regimes.v1 import plan_service_pb2 as plan
from tartip.registry.v1 import events_pb2 as registry
from tartip.registry.v1 import servant_service_pb2 as servants
from tartip.timetracking.v1 import device_service_pb2 as devices
from tartip.timetracking.v1 import passage_service_pb2 as passages

from ..demo.memory import event, line
from ..demo.world import Device, Direction, Protocol, Record, Role

ZONE = ZoneInfo("Asia/Almaty")
SYSTEM = "hq"
# The clock stands at a noon: what happened before is late, but for the last minutes.
YESTERDAY, TODAY = date(2026, 11, 24), date(2026, 11, 25)
NOW = datetime.combine(TODAY, time(12), ZONE)
PLANNED = tuple(date(2026, 11, number) for number in range(23, 28))
JUDGED = tuple(day for day in PLANNED if day <= TODAY)
PEOPLE = 40
LATE_FROM, LATE_S = datetime.combine(YESTERDAY, time(7), ZONE), 12 * 3600
LIVE_FROM, LIVE_S = NOW - timedelta(minutes=9), 8 * 60
BY_CARD, CARD = 2, 0x01
# Two gates of each vendor, and a system.
KINDS = (Protocol.ADMS, Protocol.ADMS, Protocol.ISAPI, Protocol.ISAPI, None)

_departments = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate of the department: one that speaks a vendor's protocol over HTTP, or a system that speaks our own."""

    serial: str
    vendor: Protocol | None

    def device(self, premises: str) -> Device | None:
        """The device that its vendor sold; None for a system."""
        if self.vendor is None:
            return None
        zone = ZONE.key if self.vendor is Protocol.ADMS else None
        return Device(self.serial, self.vendor, SYSTEM, premises, Role.PERIMETER, Direction.AS_SENT, zone)


@dataclass(frozen=True, slots=True)
class Crossing:
    """Somebody passed a gate at a second; `number` counts the crossings of the gate."""

    gate: Gate
    servant: str
    badge: str
    at: datetime
    inwards: bool
    number: int

    @property
    def wall_time(self) -> datetime:
        """As the gate shows it."""
        return self.at.astimezone(ZONE).replace(tzinfo=None)

    @property
    def event_key(self) -> str:
        """By which the gate's event is known."""
        if self.gate.vendor is Protocol.ADMS:
            return f"{self.badge}|{self.wall_time.isoformat()}|{0 if self.inwards else 1}"
        return str(self.number)

    def record(self) -> Record:
        """In the words of the gate's vendor."""
        if self.gate.vendor is Protocol.ADMS:
            return Record(line(self.badge, f"{self.wall_time:%Y-%m-%d %H:%M:%S}", 0 if self.inwards else 1, BY_CARD))
        way = "checkIn" if self.inwards else "checkOut"
        access = {"attendanceStatus": way, "serialNo": self.number, "frontSerialNo": self.number - 1}
        return Record(event(self.at, self.badge, CARD, access))

    def passage(self) -> passages.Passage:
        """In the words of our own protocol."""
        return passages.Passage(
            device=self.gate.serial,
            event_key=self.event_key,
            wall_time=self.wall_time.isoformat(),
            utc_offset_seconds=5 * 3600,
            badge_system=SYSTEM,
            badge_number=self.badge,
            direction=passages.DIRECTION_IN if self.inwards else passages.DIRECTION_OUT,
        )

    def as_read(self) -> dict[str, Any]:
        """As `fold` has it."""
        direction = "in" if self.inwards else "out"
        return {"device": self.gate.serial, "event_key": self.event_key, "at": self.at.isoformat(), "direction": direction}


@dataclass(slots=True)
class Department:
    """People, plans and gates under one name; `recorded` is all that the gates have in their memories."""

    name: str
    first_badge: int
    people: int = PEOPLE
    kinds: Sequence[Protocol | None] = KINDS
    revision: int = 1
    recorded: list[Crossing] = field(default_factory=list)
    _taken: set[tuple[str, datetime]] = field(default_factory=set)
    _numbers: dict[Gate, Iterator[int]] = field(default_factory=dict)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.name)

    @property
    def body(self) -> str:
        """The state body that it is."""
        return self.name.upper()

    @property
    def servants(self) -> Sequence[str]:
        """The registry's IDs of its people."""
        return [f"{self.name}-{number}" for number in range(self.people)]

    @property
    def gates(self) -> Sequence[Gate]:
        """Where people pass; None is a system."""
        return [Gate(f"{self.name}-gate-{number}", kind) for number, kind in enumerate(self.kinds)]

    def badge_of(self, servant: str) -> str:
        """The number on the servant's badge."""
        return str(self.first_badge + int(servant.rpartition("-")[2]))

    def crossings(self, gate: Gate, count: int) -> list[Crossing]:
        """Lets some people pass the gate, half of them yesterday; no one passes two gates in a second."""
        return [self._crossing(gate, *self._moment(self.servants, ((LATE_FROM, LATE_S), (LIVE_FROM, LIVE_S)))) for _ in range(count)]

    def recorded_at(self, gate: Gate) -> list[Crossing]:
        """All that the gate has in its memory."""
        return [each for each in self.recorded if each.gate == gate]

    def crossings_between(self, gate: Gate, count: int, servants: Sequence[str], since: datetime, seconds: int) -> list[Crossing]:
        """Lets some of these people pass the gate within so many seconds, in the order of time; no one passes two gates in a second."""
        moments = sorted((self._moment(servants, ((since, seconds),)) for _ in range(count)), key=lambda moment: moment[1])
        return [self._crossing(gate, *moment) for moment in moments]

    def passes(self, gate: Gate, servant: str, at: datetime, *, inwards: bool) -> Crossing:
        """Lets one person pass the gate at an instant."""
        return self._crossing(gate, servant, at, inwards)

    def _moment(self, servants: Sequence[str], spans: Sequence[tuple[datetime, int]]) -> tuple[str, datetime, bool]:
        while True:
            servant = self._random.choice(servants)
            since, seconds = self._random.choice(spans)
            at = since + timedelta(seconds=self._random.randrange(seconds))
            if (servant, at) not in self._taken:
                self._taken.add((servant, at))
                return servant, at, self._random.random() < 0.5

    def _crossing(self, gate: Gate, servant: str, at: datetime, inwards: bool) -> Crossing:
        self._taken.add((servant, at))
        number = next(self._numbers.setdefault(gate, itertools.count(1)))
        made = Crossing(gate, servant, self.badge_of(servant), at, inwards, number)
        self.recorded.append(made)
        return made

    def told(self) -> Iterator[tuple[str, str, Message]]:
        """What registry and regimes publish of it: topic, key, value."""
        yield "registry.bodies.v1", self.body, registry.StateBodyChanged(event_id=self.body, revision=1, body=self.body, zone=ZONE.key)
        for servant in self.servants:
            yield "registry.servants.v1", servant, self._servant(servant)
        yield from self.plans()

    def plans(self) -> Iterator[tuple[str, str, Message]]:
        """The plans of the month as they are in the present revision."""
        for servant in self.servants:
            days = [_plan_message(row, self.body) for row in self._rows()]
            yield (
                "regimes.plans.v1",
                f"{servant}/2026-11",
                regimes.MonthPlanChanged(
                    event_id=f"{servant}-{self.revision}",
                    revision=self.revision,
                    servant=servant,
                    year=2026,
                    month=11,
                    days=days,
                    edition="chaos",
                ),
            )

    def new_plans(self) -> Iterator[tuple[str, str, Message]]:
        """Other plans of the month."""
        self.revision += 1
        return self.plans()

    def enrolments(self) -> Iterator[devices.EnrolDeviceRequest]:
        """Its gates, to be enrolled."""
        protocols = {Protocol.ADMS: devices.DEVICE_PROTOCOL_ZKTECO_ADMS, Protocol.ISAPI: devices.DEVICE_PROTOCOL_HIKVISION_ISAPI}
        for gate in self.gates:
            settings = devices.DeviceSettings(
                role=devices.DEVICE_ROLE_PERIMETER, direction=devices.DEVICE_DIRECTION_AS_SENT, premises=self.body
            )
            if gate.vendor is Protocol.ADMS:
                settings.zone = ZONE.key
            else:
                settings.as_sent = True
            protocol = protocols[gate.vendor] if gate.vendor else devices.DEVICE_PROTOCOL_GRPC
            device = devices.Device(protocol=protocol, badge_system=SYSTEM, settings=[settings])
            if gate.vendor:
                device.proof.networks.cidrs.append("127.0.0.0/8")
            yield devices.EnrolDeviceRequest(parent=f"stateBodies/{self.body}", device_id=gate.serial, device=device)

    def badges(self) -> Iterator[devices.AssignBadgeRequest]:
        """Its badges, to be assigned."""
        return (self._badge(servant, _at(PLANNED[0], 0)) for servant in self.servants)

    def badge_before(self, servant: str) -> devices.AssignBadgeRequest:
        """The servant's badge in the same hands for the ten days before."""
        since = _at(PLANNED[0], 0)
        return self._badge(servant, since - timedelta(days=10), since)

    def document(self) -> dict[str, Any]:
        """All of it as `fold` reads it."""
        reads: dict[str, list[dict[str, Any]]] = {servant: [] for servant in self.servants}
        for each in self.recorded:
            reads[each.servant].append(each.as_read())
        return {
            "zone": ZONE.key,
            "since": JUDGED[0].isoformat(),
            "until": JUDGED[-1].isoformat(),
            "now": NOW.isoformat(),
            "devices": [{"device": gate.serial, "role": "perimeter", "direction": "as_sent", "premises": self.body} for gate in self.gates],
            "servants": [{"servant": servant, "plans": self._rows(), "reads": reads[servant]} for servant in self.servants],
        }

    def _rows(self) -> list[dict[str, Any]]:
        """The plan of each date as `fold` has it; the later the revision, the later work begins."""
        return [_row(day, self.revision % 60) for day in PLANNED]

    def _badge(self, servant: str, since: datetime, until: datetime | None = None) -> devices.AssignBadgeRequest:
        badge = devices.Badge(badge_system=SYSTEM, badge_number=self.badge_of(servant), since=_instant(since))
        if until is not None:
            badge.until.CopyFrom(_instant(until))
        return devices.AssignBadgeRequest(parent=f"servants/{servant}", badge=badge)

    def _servant(self, servant: str) -> registry.ServantChanged:
        held = registry.DatedAppointment(
            appointment=f"{servant}-1",
            since=Date(year=2026, month=1, day=12),
            body=self.body,
            unit="unit",
            kind=servants.APPOINTMENT_KIND_MAIN,
            keeps_time=True,
        )
        return registry.ServantChanged(event_id=servant, revision=1, servant=servant, appointments=[held])


def department(people: int = PEOPLE, kinds: Sequence[Protocol | None] = KINDS) -> Department:
    """A department that was never there before."""
    number = next(_departments)
    return Department(f"d{number}", 1_000_000 + 1_000 * number, people, kinds)


def _row(day: date, minutes: int) -> dict[str, Any]:
    def instant(hour: int, minute: int) -> str:
        return _at(day, hour, minute).isoformat()

    return {
        "date": day.isoformat(),
        "kind": "office",
        "intervals": [{"start": instant(9, minutes), "end": instant(18, 30), "place": "office"}],
        "breaks": [{"start": instant(13, 0), "end": instant(14, 30)}],
    }


def _plan_message(row: dict[str, Any], body: str) -> plan.PlanDay:
    day = date.fromisoformat(row["date"])
    made = plan.PlanDay(
        date=Date(year=day.year, month=day.month, day=day.day),
        kind=plan.PLAN_KIND_OFFICE,
        zone=ZONE.key,
        body=body,
        unit="unit",
        act="№ 1",
        accounting_mode=plan.ACCOUNTING_MODE_DAILY,
    )
    made.norm.FromSeconds(28_800)
    for each in row["intervals"]:
        made.intervals.add(start=_told(each["start"]), end=_told(each["end"]), place=plan.PLACE_OFFICE, premises=body)
    for each in row["breaks"]:
        made.breaks.add(start=_told(each["start"]), end=_told(each["end"]))
    return made


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE)


def _told(text: str) -> Timestamp:
    return _instant(datetime.fromisoformat(text))


def _instant(at: datetime) -> Timestamp:
    return Timestamp(seconds=int(at.timestamp()))
