"""The world of the demo: a ministry, its devices, what happens in its week, what was planted, and the truth about it.

These are plain values, made by `generate.world(seed)` before any process starts. Nothing here or in the generator imports
the platform: who conducts the demo turns these values into calls and compares the answers with the truth.
Instants are aware, in the zone of the ministry; wall times of devices stand in the records, as the device shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

Day = date


@dataclass(frozen=True, slots=True)
class Text:
    """One text in the three languages."""

    kk: str
    ru: str
    en: str


@dataclass(frozen=True, slots=True)
class Body:
    """The ministry; `kind` is the contract's word without its prefix ("CENTRAL")."""

    id: str
    title: Text
    kind: str
    region: str
    zone: str


@dataclass(frozen=True, slots=True)
class Premises:
    """A building or a campus."""

    id: str
    title: Text


@dataclass(frozen=True, slots=True)
class Unit:
    """A structural unit; `parent` is "" for those right under the ministry, `head` a servant."""

    id: str
    title: Text
    head: str
    parent: str = ""
    hr_service: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """A post of the staffing table; `supervising` is the position it reports to, or ""."""

    id: str
    title: Text
    unit: str
    category: str
    supervising: str = ""


class Pattern(StrEnum):
    """How a servant lives the week."""

    OFFICE = "office"
    FLEXIBLE = "flexible"
    REMOTE = "remote"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True)
class Servant:
    """A civil servant with one main appointment that begins `since`, by the order `act`."""

    id: str
    iin: str
    display_name: str
    unit: str
    position: str
    pattern: Pattern
    since: date
    act: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Labour-order rules of the ministry (`unit` "") or of a unit, for a five-day week."""

    id: str
    unit: str
    since: date
    start: time
    end: time
    break_start: time
    break_end: time
    grace: timedelta
    premises: str
    act: str


@dataclass(frozen=True, slots=True)
class Remote:
    """Remote work on every working day, or on the `weekdays` (1 Monday to 7 Sunday) only."""

    place: str
    weekdays: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Flexible:
    """Flexible working time."""

    start: time
    end: time
    core_start: time
    core_end: time
    break_start: time
    break_end: time


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift of the date on which it starts; it ends on the next date where `end` is not after `start`."""

    date: date
    start: time
    end: time
    break_start: time
    break_end: time


@dataclass(frozen=True, slots=True)
class ShiftSchedule:
    """Shifts in time order; the other dates of the span are days off."""

    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """A regime of one servant from `since` to `until`, both included."""

    id: str
    servant: str
    since: date
    until: date
    act: str
    regime: Remote | Flexible | ShiftSchedule


class Protocol(StrEnum):
    """How a device speaks."""

    ADMS = "adms"
    ISAPI = "isapi"


class Role(StrEnum):
    """Where a device stands."""

    PERIMETER = "perimeter"
    INTERNAL = "internal"


class Direction(StrEnum):
    """What a device's reads say of the direction."""

    IN = "in"
    OUT = "out"
    AS_SENT = "as_sent"
    ALTERNATING = "alternating"


@dataclass(frozen=True, slots=True)
class Device:
    """A reader as it is enrolled. `zone` is its time policy; without one the offset counts as sent."""

    serial: str
    protocol: Protocol
    badge_system: str
    premises: str
    role: Role
    direction: Direction
    zone: str | None


@dataclass(frozen=True, slots=True)
class Badge:
    """A number of an access system in a servant's hands from `since` on, until `until` if it is set."""

    system: str
    number: str
    servant: str
    since: datetime
    until: datetime | None = None


class Outcome(StrEnum):
    """What is to become of a record at the gateway."""

    PASSAGE = "passage"
    PARKED = "parked"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Record:
    """One record in the device's own words: a TAB-separated line (ADMS) or the text of an event (ISAPI, with a picture or not).

    Two records with one text are one record that was sent twice. `repeats` says that an earlier record was this passage
    already, in other bytes (a catch-up of a push).
    """

    text: str
    outcome: Outcome = Outcome.PASSAGE
    picture: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class DeviceSends:
    """At this instant the device reaches the gateway and sends these records, in this order."""

    at: datetime
    device: str
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class SessionStarts:
    """A servant starts a remote session, now."""

    at: datetime
    servant: str


@dataclass(frozen=True, slots=True)
class SessionEnds:
    """A servant ends the open remote session, now."""

    at: datetime
    servant: str


@dataclass(frozen=True, slots=True)
class BadgeAssigned:
    """An HR officer puts a badge into a servant's hands; `badge.since` lies before `at`."""

    at: datetime
    badge: Badge


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """An HR officer gives a device another time policy: a fixed offset from a wall time on, as the device shows it."""

    at: datetime
    device: str
    since_wall_time: datetime
    offset: timedelta


Event = DeviceSends | SessionStarts | SessionEnds | BadgeAssigned | SettingsChanged


class State(StrEnum):
    """How a finding stands at the end of the demo."""

    RAISED = "raised"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ExpectedFinding:
    """A finding that is to be there at the end; `servant` or `device` is set, `badge` ("system:number") beside a device.

    `first` or `seconds` are None where the planted fault does not determine them. `seen_by` is the instant by which the
    platform must have raised it, where that matters before the end.
    """

    kind: str
    date: Day
    servant: str = ""
    device: str = ""
    badge: str = ""
    until: Day | None = None
    first: datetime | None = None
    seconds: int | None = None
    state: State = State.RAISED
    seen_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that went wrong on purpose. It expects findings; or no change; or what comes is undetermined, because …"""

    kind: str
    date: date
    servant: str = ""
    device: str = ""
    expects: tuple[ExpectedFinding, ...] = ()
    undetermined: str = ""

    @property
    def no_change(self) -> bool:
        """Whether nothing at all is to come of it."""
        return not self.expects and not self.undetermined


@dataclass(frozen=True, slots=True)
class Counts:
    """What a device sends in the whole week: all its records, and what is to become of them."""

    sent: int
    passages: int
    repeated: int
    parked: int
    ignored: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of the week: days, findings, marks of doubt, counts.

    `document` is the input of `python -m timetracking fold`: plans, reads as the devices saw them, sessions. `undetermined`
    are the days (servant, date) on which findings are not compared; the days themselves are.
    """

    document: Mapping[str, Any]
    findings: tuple[ExpectedFinding, ...]
    doubtful_days: frozenset[tuple[str, date]]
    incomplete_days: frozenset[tuple[str, date]]
    undetermined: frozenset[tuple[str, date]]
    counts: Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class World:
    """A ministry and its week. The clock stands at `begin` while everything is set up and at `end` when the days are compared."""

    seed: int
    body: Body
    premises: tuple[Premises, ...]
    units: tuple[Unit, ...]
    positions: tuple[Position, ...]
    servants: tuple[Servant, ...]
    rules: tuple[Rules, ...]
    assignments: tuple[Assignment, ...]
    devices: tuple[Device, ...]
    badges: tuple[Badge, ...]
    first: date
    last: date
    begin: datetime
    end: datetime
    events: tuple[Event, ...]
    faults: tuple[Fault, ...]
    truth: Truth

    def device(self, serial: str) -> Device:
        """Returns the device with that serial."""
        return next(each for each in self.devices if each.serial == serial)

    def servant(self, id: str) -> Servant:
        """Returns the servant with that ID."""
        return next(each for each in self.servants if each.id == id)
