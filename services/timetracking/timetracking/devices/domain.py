"""Devices with dated settings: how a passage becomes a read.

Instant and direction are not part of a passage: they follow from the settings that hold for it, so that a changed time
policy moves its reads without touching a fact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from kernel.faults import Malformed

from timetracking.workdays.domain import Direction

EPOCH, SECOND = datetime(1970, 1, 1), timedelta(seconds=1)


class Role(StrEnum):
    """Where a device stands in the premises."""

    PERIMETER = "perimeter"
    INTERNAL = "internal"


class DeviceDirection(StrEnum):
    """What a device's reads say of the direction."""

    IN = "in"
    OUT = "out"
    AS_SENT = "as_sent"
    ALTERNATING = "alternating"


class Protocol(StrEnum):
    """How a device speaks."""

    ADMS = "zkteco-adms"
    ISAPI = "hikvision-isapi"
    GRPC = "grpc"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a device from a point on: an event number, a wall time as sent, or (both None) the beginning.

    The time policy is a zone, an offset in seconds, or neither: as sent, and in the body's zone where no offset was sent.
    """

    role: Role
    direction: DeviceDirection
    premises: str
    zone: str | None = None
    utc_offset: int | None = None
    since_event_number: int | None = None
    since_wall_time: datetime | None = None

    def began(self, event_number: int | None, wall_time: datetime) -> bool:
        """Whether these settings hold for a passage with this number and wall time, if nothing later does."""
        if self.since_event_number is not None:
            return event_number is not None and event_number >= self.since_event_number
        return self.since_wall_time is None or wall_time >= self.since_wall_time


@dataclass(frozen=True, slots=True)
class Device:
    """A reader at some premises of a body; the settings are in the order in which they were made to begin."""

    serial: str
    body: str
    protocol: Protocol
    badge_system: str
    settings: tuple[Settings, ...]
    revision: int = 1

    @property
    def etag(self) -> str:
        """Changes with every change of the device."""
        return str(self.revision)

    def changed(self, settings: Settings) -> "Device":
        """The device with settings more, as they are made now; Malformed where they never begin."""
        if settings.since_event_number is None and settings.since_wall_time is None:
            raise Malformed({"settings.since": "an event number or a wall time at which they begin"})
        return replace(self, settings=in_order_of_beginning([*self.settings, settings]), revision=self.revision + 1).checked()

    def checked(self) -> "Device":
        """The device itself; Malformed where settings count on event numbers that its protocol does not have."""
        if self.protocol is Protocol.ADMS and any(each.since_event_number is not None for each in self.settings):
            raise Malformed({"settings.since_event_number": "a wall time instead: this protocol does not number its events"})
        return self

    def settings_for(self, event_key: str, wall_time: datetime) -> Settings:
        """The last settings that have begun for a passage."""
        return settings_for(self.settings, event_key, wall_time)


def settings_for(settings: Sequence[Settings], event_key: str, wall_time: datetime) -> Settings:
    """Of dated settings, in the order in which they begin, the last that have begun for a passage."""
    if len(settings) == 1:
        return settings[0]
    number = event_number(event_key)
    return next((each for each in reversed(settings) if each.began(number, wall_time)), settings[0])


def event_number(event_key: str) -> int | None:
    """The number of an event whose key is one."""
    return int(event_key) if event_key.isascii() and event_key.isdigit() and len(event_key) < 19 else None


def own_direction(settings: Settings, sent: Direction) -> Direction:
    """The direction of a read: the device's where it is fixed, what was sent where it says so, else none."""
    match settings.direction:
        case DeviceDirection.IN:
            return Direction.IN
        case DeviceDirection.OUT:
            return Direction.OUT
        case DeviceDirection.AS_SENT:
            return sent
    return Direction.NONE


def instant_of(settings: Settings, wall_time: datetime, sent_offset: int | None, body_zone: str) -> tuple[int, bool]:
    """The instant of a wall time by the time policy, and whether that wall time occurred twice (it is read as the first)."""
    offset = settings.utc_offset
    if offset is None and settings.zone is None:
        offset = sent_offset
    if offset is not None:
        return (wall_time - EPOCH) // SECOND - offset, False
    return _in_zone(settings.zone or body_zone, wall_time)


@lru_cache(maxsize=65_536)
def _in_zone(zone: str, wall_time: datetime) -> tuple[int, bool]:
    first = wall_time.replace(tzinfo=ZoneInfo(zone), fold=0)
    second = wall_time.replace(tzinfo=ZoneInfo(zone), fold=1)
    before, after = first.utcoffset() or timedelta(0), second.utcoffset() or timedelta(0)
    # In a gap of the clock the later offset is larger, in a repeated hour smaller.
    return int(first.timestamp()), after < before


def in_order_of_beginning(settings: Sequence[Settings]) -> tuple[Settings, ...]:
    """Dated settings as a history: first those of the beginning, then by number or wall time; of equals the later made wins."""
    return tuple(sorted(settings, key=lambda each: (each.since_event_number or -1, each.since_wall_time or datetime.min)))
