"""What a device reports, read out of its own protocol: passages, and records that could not be read."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import sha256

from timetracking.devices.domain import (
    DeviceDirection,
    Doubt,
    FormerProof,
    Presented,
    Proof,
    Protocol,
    Role,
    SerialAlone,
    Settings,
    SystemToken,
    doubt,
    instant_of,
    settings_for,
)
from timetracking.workdays.domain import Direction

RAW_MOST = 16_384
"""Characters of raw text kept with a passage. A real event is 0.1–2 KB; a record beyond this is no passage."""

KEY_MOST = 160
"""Characters of an event key: a credential of 64, a time of 19, a status and room."""

_SERIAL = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CREDENTIAL_MOST = 64


class VerifyMethod(IntEnum):
    """How the person was recognised. The numbers are those of the contract."""

    UNKNOWN = 0
    CARD = 1
    CODE = 2
    FINGERPRINT = 3
    FACE = 4
    QR = 5
    OTHER = 6


_AS_SENT = Settings(Role.PERIMETER, DeviceDirection.AS_SENT, "")
_BY_TOKEN = SystemToken()


@dataclass(frozen=True, slots=True)
class EnrolledDevice:
    """A device on the allow-list: its serial, its protocol, and the access system in which its credentials are known.

    Its dated settings, and the zone of its body ("" while that is not known), say when something happened: here that only
    tells late from live.
    """

    serial: str
    protocol: Protocol
    badge_system: str
    settings: tuple[Settings, ...] = (_AS_SENT,)
    zone: str = ""
    proof: Proof = _BY_TOKEN
    former: FormerProof | None = None
    revoked: bool = False

    @property
    def serial_alone(self) -> bool:
        """Whether anybody who knows the serial is taken for it."""
        return isinstance(self.proof, SerialAlone)

    def doubt(self, presented: Presented, now: datetime) -> Doubt | None:
        """Why a request over HTTP is not taken for the device's own; None where it is."""
        return Doubt.REVOKED if self.revoked else doubt(self.proof, self.former, presented, now)

    def instant(self, passage: "ReceivedPassage", default_zone: str) -> int:
        """When a passage happened by the settings of now, in seconds since 1970."""
        settings = settings_for(self.settings, passage.event_key, passage.wall_time)
        return instant_of(settings, passage.wall_time, passage.utc_offset_seconds, self.zone or default_zone)[0]


@dataclass(frozen=True, slots=True)
class ReceivedPassage:
    """One granted crossing as a device reported it, before anyone asked what it means.

    `wall_time` is naive, in whole seconds, as sent; `utc_offset_seconds` is set only where an offset was sent. `raw` is
    what was sent without pictures, names and body temperature, `raw_digest` the SHA-256 of its UTF-8 bytes.
    `live` is false only where the device said that it repeats an old event.
    """

    device: str
    event_key: str
    wall_time: datetime
    utc_offset_seconds: int | None
    badge_system: str
    badge_number: str
    direction: Direction
    verify_method: VerifyMethod
    raw: str
    raw_digest: bytes
    live: bool
    previous_event_number: int | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that could not be read: where it stood in what was sent, what is wrong, and what may be kept of it."""

    index: int
    error: str
    raw: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one request of a device held. Each record is in exactly one of the three.

    `ignored` counts records that are no passages (a door that closed, a face that was not recognised, a heartbeat);
    `skipped_numbers` gives, for those of them that carry event numbers, the number before each.
    """

    passages: tuple[ReceivedPassage, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    ignored: int = 0
    skipped_numbers: tuple[tuple[int, int], ...] = ()

    @property
    def records(self) -> int:
        """How many records were sent."""
        return len(self.passages) + len(self.unreadable) + self.ignored


class Refused(ValueError):
    """A record is not what its protocol promises; the text says what would be right, without quoting a person's data."""


def is_serial(text: str) -> bool:
    """Says whether `text` can be a device's serial: letters, digits, "-", "_", "."; 1 to 64."""
    return _SERIAL.fullmatch(text) is not None


def shown_serial(text: str) -> str:
    """Returns a serial for the log; of what cannot be one, its length only: a stranger may send anything."""
    return text if is_serial(text) else f"({len(text)} characters that are no serial)"


def credential(text: str) -> str:
    """Returns a credential as sent, without blanks around it; refuses an empty, overlong or unprintable one."""
    stripped = text.strip()
    if not stripped or len(stripped) > _CREDENTIAL_MOST or not stripped.isprintable():
        raise Refused("credential: 1 to 64 printable characters")
    return stripped


def digest(raw: str) -> bytes:
    """Returns the SHA-256 of a raw text."""
    return sha256(raw.encode()).digest()


def kept(data: bytes, most: int = 2_048) -> str:
    """Returns what may be kept of bytes that could not be read: text, cut to `most` characters; of anything else its length and digest only.

    What is not text may be a picture, which is not ours to keep.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if any(not (letter.isprintable() or letter in "\t\r\n") for letter in text[: most + 1]):
        return f"{len(data)} bytes that are not text, SHA-256 {sha256(data).hexdigest()}"
    return text if len(text) <= most else f"{text[:most]}… ({len(data)} bytes, SHA-256 {sha256(data).hexdigest()})"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a wall time may lie from its receipt (parameters passages/oldest and passages/ahead); both ends are possible.

    What happened longer ago than `late_after` (passages/late-after) is late: it must not hold up what happens now.
    """

    oldest: timedelta
    ahead: timedelta
    late_after: timedelta

    def late(self, instant: int, received_at: datetime) -> bool:
        """Says whether what happened at an instant was late when it was received."""
        return received_at.timestamp() - instant > self.late_after.total_seconds()

    def hold(self, wall_time: datetime, utc_offset_seconds: int | None, received_at: datetime) -> bool:
        """Says whether a wall time is possible for a passage received at the instant `received_at` (aware).

        A wall time without an offset is compared as if it were UTC: the bounds are days wide, an offset is hours, and the
        zone follows from dated settings that the gateway does not know.
        """
        received = received_at.replace(tzinfo=None) - (received_at.utcoffset() or timedelta())
        early, late = received - self.oldest, received + self.ahead
        offset = timedelta(seconds=utc_offset_seconds or 0)
        return early + offset <= wall_time <= late + offset
