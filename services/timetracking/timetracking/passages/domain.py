"""A passage: one granted crossing of a device by a person, as a fact. Never edited, never deleted inside its retention."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from timetracking.devices.domain import Device, Role, instant_of, own_direction
from timetracking.workdays.domain import Direction, Read

# The widest offset that a passage or a time policy may have: so far a wall time may lie from its instant.
WIDEST_OFFSET_S = 18 * 3600
OFF_BY = timedelta(seconds=WIDEST_OFFSET_S)

PassageKey = tuple[str, str, datetime, int | None, str, str, int]
BadgeKey = tuple[str, str]
"""(access system, number)."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What a device reported. `wall_time` is naive, as sent; `received_at` is when the gateway had it."""

    device: str
    event_key: str
    wall_time: datetime
    utc_offset: int | None
    badge_system: str
    badge_number: str
    direction: Direction
    verify_method: int
    received_at: datetime
    live: bool
    previous_event_number: int | None
    raw: str
    raw_digest: bytes

    @property
    def key(self) -> PassageKey:
        """What makes it this passage: from the normalised record, not from raw bytes (a push and a catch-up differ in bytes)."""
        return (self.device, self.event_key, self.wall_time, self.utc_offset, self.badge_system, self.badge_number, int(self.direction))

    @property
    def badge(self) -> BadgeKey:
        """What was shown to the device."""
        return self.badge_system, self.badge_number


@dataclass(frozen=True, slots=True)
class Held:
    """A badge in the hands of a servant, in seconds since 1970; without bounds where they are None."""

    servant: str
    since: int | None
    until: int | None

    def at(self, instant: int) -> bool:
        """Whether the servant held it at the instant."""
        return (self.since is None or self.since <= instant) and (self.until is None or instant < self.until)


class Reader:
    """How the passages of one device become reads, under its settings and in the zone of its body's place."""

    def __init__(self, device: Device, body_zone: str) -> None:
        self.device, self._zone = device, body_zone
        # Asked for a million times a day: what settings make of a direction, and whether their reads count.
        self._ways = {
            id(settings): (settings, {sent: own_direction(settings, sent) for sent in Direction}, settings.role is Role.PERIMETER)
            for settings in device.settings
        }
        self._only = next(iter(self._ways.values())) if len(self._ways) == 1 else None

    def read(self, event_key: str, wall_time: datetime, sent_offset: int | None, sent: Direction) -> tuple[Read, bool]:
        """A passage as a computation sees it, and whether its wall time occurred twice."""
        settings, own, counts = self._only or self._ways[id(self.device.settings_for(event_key, wall_time))]
        at, twice = instant_of(settings, wall_time, sent_offset, self._zone)
        return Read(at, self.device.serial, event_key, own[sent], counts, sent), twice
