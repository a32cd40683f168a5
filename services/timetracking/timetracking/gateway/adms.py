"""ZKTeco ADMS (PUSH): the terminal is an HTTP client that uploads TAB-separated lines and repeats them until it reads "OK".

The protocol has no offset and no event number: the key of an event is "PIN|YYYY-MM-DDThh:mm:ss|status", the instant follows
from the device's time policy. It knows no mark of a replay, so every passage counts as live.
"""

import re
from codecs import BOM_UTF8
from datetime import datetime, timedelta

from timetracking.gateway.domain import (
    EnrolledDevice,
    Reading,
    ReceivedPassage,
    Refused,
    Unreadable,
    VerifyMethod,
    credential,
    digest,
    kept,
)
from timetracking.workdays.domain import Direction

PASSAGES = "ATTLOG"
"""The table of passages."""

WITHOUT_PASSAGES = frozenset(
    {"OPERLOG", "OPTIONS", "USERINFO", "USERPIC", "ATTPHOTO", "FINGERTMP", "FACE", "BIODATA", "BIOPHOTO", "IDCARD", "WORKCODE", "ERRORLOG"}
)
"""Tables of users, biometrics, pictures and operations: not ours to keep."""

LINES_MOST = 20_000
"""Lines of one upload. Terminals send hundreds; more than this could not be in Kafka before the terminal gives up waiting."""

_LINE_ENDS_MOST = 2 * LINES_MOST  # a line may be followed by an empty one

_FEWEST_COLUMNS = 4  # PIN, time, status, verify: below that a line may be the torn half of another
_KEPT_COLUMNS = 7  # newer firmware adds mask, temperature, converted temperature: health, not ours to keep
_WALL_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})", re.ASCII)
_UNIX_TIME = re.compile(r"\d{1,10}", re.ASCII)
_NUMBER = re.compile(r"\d{1,3}", re.ASCII)
_PERSONS = re.compile(r"(\b\w*name=)[^\t]*|[^\s=]{128,}", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1)

_DIRECTIONS = {0: Direction.IN, 3: Direction.IN, 4: Direction.IN, 1: Direction.OUT, 2: Direction.OUT, 5: Direction.OUT}
_VERIFY_METHODS = {
    0: VerifyMethod.CODE,
    1: VerifyMethod.FINGERPRINT,
    2: VerifyMethod.CARD,
    3: VerifyMethod.CODE,
    4: VerifyMethod.CARD,
    15: VerifyMethod.FACE,
}


def options(serial: str, utc_offset: timedelta) -> str:
    """Returns the options that answer a terminal's handshake: send passages only, as they happen, and nothing biometric.

    `utc_offset` is what the terminal's clock should show; the protocol takes hours, or minutes where they are not whole.
    """
    minutes = int(utc_offset.total_seconds()) // 60
    zone = minutes // 60 if minutes % 60 == 0 else minutes
    return "\n".join(
        (
            f"GET OPTION FROM: {serial}",
            "Stamp=9999",  # what it has not been told OK for, and nothing else
            "OpStamp=9999",
            "PhotoStamp=9999",
            "ErrorDelay=30",  # seconds until it tries again after a failure
            "Delay=10",  # seconds between its questions for commands
            "TransTimes=00:00;14:05",
            "TransInterval=1",
            "TransFlag=1000000000",  # attendance only: no operation log, no users, no fingerprints, no pictures
            f"TimeZone={zone}",
            "Realtime=1",
            "Encrypt=0",
            "",
        )
    )


def taken(records: int) -> str:
    """Returns the answer that lets a terminal forget `records` lines."""
    return f"OK: {records}"


def ends_too_often(body: bytes) -> bool:
    """Says whether an upload has so many line ends that parting it at them would keep everybody else waiting."""
    return body.count(b"\n") > _LINE_ENDS_MOST


def lines(body: bytes) -> list[bytes]:
    """Returns the lines of an upload that hold anything, without their line ends and the mark of UTF-8 before the first."""
    return [line for line in (raw.strip(b"\r") for raw in body.removeprefix(BOM_UTF8).split(b"\n")) if line.strip()]


def read(device: EnrolledDevice, uploaded: list[bytes]) -> Reading:
    """Reads the lines of an ATTLOG upload, each for itself; a line that cannot be read never harms its neighbours."""
    passages: list[ReceivedPassage] = []
    unreadable: list[Unreadable] = []
    for index, line in enumerate(uploaded):
        try:
            passages.append(_passage(device, line))
        except Refused as refusal:
            unreadable.append(Unreadable(index, str(refusal), _without_health(line)))
    return Reading(tuple(passages), tuple(unreadable))


def of_unknown_table(uploaded: list[bytes]) -> Reading:
    """Hands back the lines of a table that is neither ATTLOG nor known to hold no passages: what it means, nobody knows here."""
    return Reading(unreadable=tuple(Unreadable(index, "table: ATTLOG", _without_persons(line)) for index, line in enumerate(uploaded)))


def _passage(device: EnrolledDevice, line: bytes) -> ReceivedPassage:
    try:
        columns = line.decode().split("\t")
    except UnicodeDecodeError:
        raise Refused("line: UTF-8 text") from None
    if len(columns) < _FEWEST_COLUMNS:
        raise Refused("line: PIN, time, status and verify mode, parted by TAB")
    pin = credential(columns[0])
    wall_time, offset = _time(columns[1].strip())
    status, verify = _number(columns[2], "status"), _number(columns[3], "verify mode")
    raw = "\t".join(columns[:_KEPT_COLUMNS])
    if not raw.replace("\t", "").isprintable() or len(raw) > 512:
        raise Refused("line: at most 512 printable characters")
    return ReceivedPassage(
        device=device.serial,
        event_key=f"{pin}|{wall_time.isoformat()}|{status}",
        wall_time=wall_time,
        utc_offset_seconds=offset,
        badge_system=device.badge_system,
        badge_number=pin,
        direction=_DIRECTIONS.get(status, Direction.NONE),
        verify_method=_VERIFY_METHODS.get(verify, VerifyMethod.OTHER),
        raw=raw,
        raw_digest=digest(raw),
        live=True,
        previous_event_number=None,
    )


def _time(text: str) -> tuple[datetime, int | None]:
    """Returns the wall time and its offset. Some firmware sends Unix time: an instant, hence UTC with an offset of zero."""
    found = _WALL_TIME.fullmatch(text)
    try:
        if found:
            year, month, day, hour, minute, second = (int(part) for part in found.groups())
            return datetime(year, month, day, hour, minute, second), None
        if _UNIX_TIME.fullmatch(text):
            return _EPOCH + timedelta(seconds=int(text)), 0
    except ValueError:
        raise Refused("time: a moment that exists") from None
    raise Refused("time: YYYY-MM-DD hh:mm:ss, or Unix seconds")


def _number(text: str, what: str) -> int:
    if not _NUMBER.fullmatch(text.strip()):
        raise Refused(f"{what}: a number from 0 to 999")
    return int(text)


def _without_health(line: bytes) -> str:
    return kept(b"\t".join(line.split(b"\t")[:_KEPT_COLUMNS]))


def _without_persons(line: bytes) -> str:
    """Returns what may be kept of a line that nobody can read: names go, and long words, which may be biometrics in base64."""
    return _PERSONS.sub(r"\1", kept(line))
