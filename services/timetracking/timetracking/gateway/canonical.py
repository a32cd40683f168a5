"""The canonical passage: what a sender that speaks our own stream has already put into our words."""

import re
from datetime import datetime

from google.protobuf.json_format import MessageToJson
from tartip.timetracking.v1.passage_service_pb2 import Passage

from timetracking.gateway.alerts import from_json, kept_text
from timetracking.gateway.domain import (
    KEY_MOST,
    RAW_MOST,
    EnrolledDevice,
    ReceivedPassage,
    Refused,
    VerifyMethod,
    credential,
    digest,
)
from timetracking.workdays.domain import Direction

_WALL_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})", re.ASCII)
_WIDEST_OFFSET_S = 15 * 3600


def read(device: EnrolledDevice, passage: Passage) -> ReceivedPassage:
    """Returns the passage; raises Refused, naming the field. Every passage counts as live: the stream knows no mark of a replay."""
    if passage.badge_system not in ("", device.badge_system):
        raise Refused("badge_system: that of the device")
    key = passage.event_key
    if not key or len(key) > KEY_MOST or not key.isprintable():
        raise Refused(f"event_key: 1 to {KEY_MOST} printable characters")
    offset = passage.utc_offset_seconds if passage.HasField("utc_offset_seconds") else None
    if offset is not None and abs(offset) > _WIDEST_OFFSET_S:
        raise Refused("utc_offset_seconds: an offset that exists")
    before = passage.previous_event_number if passage.HasField("previous_event_number") else None
    if before is not None and before < 0:
        raise Refused("previous_event_number: not below zero")
    try:
        direction, verify_method = Direction(passage.direction), VerifyMethod(passage.verify_method)
    except ValueError:
        raise Refused("direction, verify_method: values of the contract") from None
    raw = _raw(passage.raw)
    return ReceivedPassage(
        device=device.serial,
        event_key=key,
        wall_time=_wall_time(passage.wall_time),
        utc_offset_seconds=offset,
        badge_system=device.badge_system,
        badge_number=_badge_number(passage.badge_number),
        direction=direction,
        verify_method=verify_method,
        raw=raw,
        raw_digest=digest(raw),
        live=True,
        previous_event_number=before,
    )


def kept_passage(passage: Passage) -> str:
    """Returns what may be kept of a passage that is refused: all but its raw text, which nobody has read, and what the gateway stamps."""
    told = Passage()
    told.CopyFrom(passage)
    for field in ("raw", "raw_digest", "received_at", "live"):
        told.ClearField(field)
    return MessageToJson(told, indent=None)[:RAW_MOST]


def _badge_number(text: str) -> str:
    try:
        return credential(text)
    except Refused as refusal:
        raise Refused(str(refusal).replace("credential", "badge_number", 1)) from None


def _wall_time(text: str) -> datetime:
    found = _WALL_TIME.fullmatch(text)
    if found is None:
        raise Refused("wall_time: YYYY-MM-DDThh:mm:ss without an offset")
    try:
        year, month, day, hour, minute, second = (int(part) for part in found.groups())
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        raise Refused("wall_time: a moment that exists") from None


def _raw(text: str) -> str:
    """Returns a raw text as it may be kept: a JSON object without names and health, any other text as it is."""
    if len(text) > RAW_MOST or "\0" in text:
        raise Refused(f"raw: at most {RAW_MOST} characters of text")
    if not text.lstrip().startswith("{"):
        return text
    try:
        return kept_text(from_json(text.encode()))
    except Refused:
        raise Refused("raw: JSON, or a text that does not begin as JSON does") from None
