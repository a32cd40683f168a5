"""Devices with dated settings: how a passage becomes a read.

Instant and direction are not part of a passage: they follow from the settings that hold for it, so that a changed time
policy moves its reads without touching a fact.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from zoneinfo import ZoneInfo

from kernel.faults import Malformed, WrongState

from timetracking.workdays.domain import Direction

EPOCH, SECOND = datetime(1970, 1, 1), timedelta(seconds=1)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_OVERLAP = timedelta(days=30)
"""Somebody goes to each terminal of a region within a month; what proved it before is not to last for ever."""


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
class Secret:
    """What is kept of a device's secret: a salt of its own, and the HMAC-SHA-256 of the secret under it.

    The secret is 32 random bytes, which nobody guesses however fast the hash is: a slow one would protect nothing more, and
    each request of each device would pay for it.
    """

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str, salt: bytes) -> "Secret":
        """What is kept of a secret."""
        return cls(salt, hmac.digest(salt, secret.encode(), "sha256"))

    def fits(self, presented: str) -> bool:
        """Whether this is the secret; how long it takes does not tell how much of it is right."""
        return hmac.compare_digest(hmac.digest(self.salt, presented.encode(errors="replace"), "sha256"), self.digest)


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks in which a device stands."""

    cidrs: tuple[Network, ...]

    def hold(self, address: Address) -> bool:
        """Whether an address is of one of them."""
        return any(address in each for each in self.cidrs)


@dataclass(frozen=True, slots=True)
class SystemToken:
    """The access token of the system that sends for the device: over gRPC, and nowhere else."""


@dataclass(frozen=True, slots=True)
class SerialAlone:
    """Nothing but the serial, which anybody can say: the device was enrolled before proofs were asked for."""


Proof = Secret | Networks | SystemToken | SerialAlone


@dataclass(frozen=True, slots=True)
class FormerProof:
    """What a device proved itself by before, and until when that is taken too."""

    proof: Proof
    until: datetime


@dataclass(frozen=True, slots=True)
class Presented:
    """What comes with a request over HTTP: a secret (None where there is none), and the client's address (None where nobody knows it)."""

    secret: str | None = field(repr=False)
    address: Address | None


class Doubt(StrEnum):
    """Why a request is not taken for a device's own."""

    NO_SECRET = "no-secret"
    WRONG_SECRET = "wrong-secret"
    WRONG_NETWORK = "wrong-network"
    REVOKED = "revoked"


def doubt(proof: Proof, former: FormerProof | None, presented: Presented, now: datetime) -> Doubt | None:
    """What speaks against a request that names a device; None where it is the device's own, by its present proof or the former one."""
    if _proves(proof, presented) or (former is not None and now < former.until and _proves(former.proof, presented)):
        return None
    if not isinstance(proof, Secret):
        return Doubt.WRONG_NETWORK
    return Doubt.NO_SECRET if presented.secret is None else Doubt.WRONG_SECRET


def _proves(proof: Proof, presented: Presented) -> bool:
    match proof:
        case Secret():
            return presented.secret is not None and proof.fits(presented.secret)
        case Networks():
            return presented.address is not None and proof.hold(presented.address)
        case SerialAlone():
            return True
    return False


@dataclass(frozen=True, slots=True)
class Device:
    """A reader at some premises of a body; the settings are in the order in which they were made to begin."""

    serial: str
    body: str
    protocol: Protocol
    badge_system: str
    settings: tuple[Settings, ...]
    revision: int = 1
    proof: Proof = SystemToken()
    former: FormerProof | None = None
    revoked_at: datetime | None = None

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

    def enrolled(self) -> "Device":
        """The device itself as it may be enrolled; Malformed where it is not `checked`, or its proof is none in its protocol."""
        if isinstance(self.proof, SerialAlone) or isinstance(self.proof, SystemToken) is not (self.protocol is Protocol.GRPC):
            right = "system_token or nothing" if self.protocol is Protocol.GRPC else "a secret or networks: a serial anybody can say"
            raise Malformed({"device.proof": right})
        return self.checked()

    def proved_by(self, proof: Proof, now: datetime, overlap: timedelta) -> "Device":
        """The device with another proof, the present one taken for the overlap; Malformed over gRPC, DEVICE_REVOKED."""
        if self.protocol is Protocol.GRPC:
            raise Malformed({"name": "a device that speaks HTTP: over gRPC the token of its system is the proof"})
        if self.revoked_at is not None:
            raise WrongState("DEVICE_REVOKED", device=self.serial)
        former = FormerProof(self.proof, now + overlap) if overlap else None
        return replace(self, proof=proof, former=former, revision=self.revision + 1)

    def revoked(self, now: datetime) -> "Device":
        """The device of which nothing is taken any more; DEVICE_REVOKED where it is so already."""
        if self.revoked_at is not None:
            raise WrongState("DEVICE_REVOKED", device=self.serial)
        return replace(self, revoked_at=now, revision=self.revision + 1)

    def reinstated(self) -> "Device":
        """The device as it was before it was revoked; DEVICE_NOT_REVOKED."""
        if self.revoked_at is None:
            raise WrongState("DEVICE_NOT_REVOKED", device=self.serial)
        return replace(self, revoked_at=None, revision=self.revision + 1)

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
