"""Hikvision ISAPI: the terminal pushes each event to an HTTP host, as JSON or XML, alone or beside pictures.

The host is configured in the terminal, so the serial stands in its address: /isapi/{serial}, or /isapi?serial=…; at plain
/isapi the event's deviceID is taken. Where the address names the device, deviceID is not compared: out of the box it is a
free text. The offset counts as sent. An event with no number gets the key of a device without numbers:
"credential|YYYY-MM-DDThh:mm:ss|code".
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from timetracking.gateway import multipart
from timetracking.gateway.alerts import Tree, from_json, from_xml, kept_text
from timetracking.gateway.domain import (
    RAW_MOST,
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

_JSON_TYPES = frozenset({"application/json", "text/json"})
_XML_TYPES = frozenset({"application/xml", "text/xml"})
_EVENT_TYPES = _JSON_TYPES | _XML_TYPES | {"text/plain", ""}

_ACCESS_EVENT = 5  # major type "event"; 1, 2 and 3 are alarms, exceptions and operations
_PASSED = {0x01: VerifyMethod.CARD, 0x26: VerifyMethod.FINGERPRINT, 0x4B: VerifyMethod.FACE, 0x9C: VerifyMethod.QR}
_DIRECTIONS = {
    "checkin": Direction.IN,
    "breakin": Direction.IN,
    "overtimein": Direction.IN,
    "checkout": Direction.OUT,
    "breakout": Direction.OUT,
    "overtimeout": Direction.OUT,
}
_MOMENT = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,]\d{1,9})?(?:(Z)|([+-])(\d{2}):?(\d{2}))?", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)  # within 63 bits
_MALFORMED_NAMES = re.compile(r'("(?:\w*name|fio)"\s*:\s*")(?:[^"\\]|\\.)*("?)|(<(\w*name)>)[^<]*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Alert:
    """One event as it was pushed: its tree, or what is wrong with its text and what may be kept of it."""

    tree: Mapping[str, Tree] | None
    error: str = ""
    raw: str = ""

    @property
    def device_id(self) -> str:
        """The deviceID that the event names, or ""."""
        return _said(self.tree, "deviceID") if self.tree is not None else ""


class WrongContentType(ValueError):
    """The body is announced as something that is no event."""


def alerts(content_type: str, body: bytes) -> list[Alert]:
    """Returns the events of one request, in order; pictures are stepped over. Raises WrongContentType, and nothing else."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _JSON_TYPES or media_type in _XML_TYPES:
        return [_alert(media_type, body)]
    if not media_type.startswith("multipart/"):
        raise WrongContentType("multipart, application/json or application/xml")
    mark = multipart.boundary(content_type)
    if mark is None:
        return [Alert(None, "content type: a multipart boundary", _without_names(body))]
    try:
        found = multipart.parts(body, mark)
    except multipart.Torn as torn:
        return [Alert(None, str(torn), _without_names(body))]
    events = [_alert(part.media_type, part.content) for part in found if _may_be_event(part)]
    return events or [Alert(None, "body: a part with the event", "")]


def read(device: EnrolledDevice, pushed: list[Alert]) -> Reading:
    """Reads pushed events into passages; what is no passage is counted, what cannot be read is handed back with its reason."""
    passages: list[ReceivedPassage] = []
    unreadable: list[Unreadable] = []
    ignored, skipped = 0, []
    for index, alert in enumerate(pushed):
        if alert.tree is None:
            unreadable.append(Unreadable(index, alert.error, alert.raw))
            continue
        try:
            passage = _passage(device, alert.tree)
        except Refused as refusal:
            unreadable.append(Unreadable(index, str(refusal), _kept_tree(alert.tree)))
            continue
        if passage is not None:
            passages.append(passage)
            continue
        ignored += 1
        number = _skipped(alert.tree)
        if number is not None:
            skipped.append(number)
    return Reading(tuple(passages), tuple(unreadable), ignored, tuple(skipped))


def answer(url: str, code: int, status: str, sub_status: str, sentence: str = "") -> str:
    """Returns a ResponseStatus, the form in which the protocol says what became of a request."""
    said = {"requestURL": url, "statusCode": code, "statusString": status, "subStatusCode": sub_status}
    return json.dumps(said | ({"errorMsg": sentence} if sentence else {}))


def _alert(media_type: str, text: bytes) -> Alert:
    try:
        tree = from_xml(text) if media_type in _XML_TYPES or text.lstrip()[:1] == b"<" else from_json(text)
        if isinstance(tree, dict) and isinstance(tree.get("EventNotificationAlert"), dict):
            tree = tree["EventNotificationAlert"]
        if not isinstance(tree, dict):
            raise Refused("event: an object")
    except Refused as refusal:
        return Alert(None, str(refusal), _without_names(text))
    return Alert(tree)


def _may_be_event(part: multipart.Part) -> bool:
    """Says whether a part is announced as an event, or is one by its first letter, whatever it is announced as; not so a picture."""
    if part.media_type in _JSON_TYPES | _XML_TYPES:
        return True
    if part.media_type in _EVENT_TYPES and not part.is_file:
        return True
    return not part.media_type.startswith("image/") and part.content[:64].lstrip()[:1] in (b"{", b"<")


def _passage(device: EnrolledDevice, event: Mapping[str, Tree]) -> ReceivedPassage | None:
    """Returns the passage of an event, or None if the event is no passage."""
    access = event.get("AccessControllerEvent")
    if not isinstance(access, dict):
        if isinstance(event.get("eventType"), str) and event["eventType"] != "AccessControllerEvent":
            return None
        raise Refused("event: an AccessControllerEvent, or another eventType")
    major, sub = _number(access, "majorEventType"), _number(access, "subEventType")
    if major is None or sub is None:
        raise Refused("majorEventType, subEventType: numbers")
    if major != _ACCESS_EVENT or sub not in _PASSED:
        return None
    wall_time, offset = _moment(event.get("dateTime"))
    number = credential(_said(access, "employeeNoString") or _said(access, "employeeNo") or _said(access, "cardNo"))
    serial_number = _number(access, "serialNo")
    raw = kept_text(dict(event))
    if len(raw) > RAW_MOST:
        raise Refused(f"event: at most {RAW_MOST} characters without pictures")
    return ReceivedPassage(
        device=device.serial,
        event_key=str(serial_number) if serial_number is not None else f"{number}|{wall_time.isoformat()}|{sub}",
        wall_time=wall_time,
        utc_offset_seconds=offset,
        badge_system=device.badge_system,
        badge_number=number,
        direction=_DIRECTIONS.get(_said(access, "attendanceStatus").lower(), Direction.NONE),
        verify_method=_PASSED[sub],
        raw=raw,
        raw_digest=digest(raw),
        live=_said(access, "currentEvent").lower() != "false",
        previous_event_number=_number(access, "frontSerialNo"),
    )


def _skipped(event: Mapping[str, Tree]) -> tuple[int, int] | None:
    access = event.get("AccessControllerEvent")
    if not isinstance(access, dict):
        return None
    number, before = _number(access, "serialNo"), _number(access, "frontSerialNo")
    return None if number is None or before is None else (number, before)


def _moment(sent: Tree) -> tuple[datetime, int | None]:
    found = _MOMENT.fullmatch(sent.strip()) if isinstance(sent, str) else None
    if found is None:
        raise Refused("dateTime: YYYY-MM-DDThh:mm:ss±hh:mm")
    *parts, utc, sign, hours, minutes = found.groups()
    try:
        wall_time = datetime(*(int(part) for part in parts))  # type: ignore[arg-type]  # six numbers by the pattern
    except ValueError:
        raise Refused("dateTime: a moment that exists") from None
    if utc or sign is None:
        return wall_time, 0 if utc else None
    seconds = int(hours) * 3600 + int(minutes) * 60
    if int(minutes) > 59 or seconds > 15 * 3600:  # the widest zone ever used was under 16 h
        raise Refused("dateTime: an offset that exists")
    return wall_time, seconds if sign == "+" else -seconds


def _number(access: Mapping[str, Tree], key: str) -> int | None:
    text = _said(access, key)
    return int(text) if _NUMBER.fullmatch(text) else None


def _said(access: Mapping[str, Tree], key: str) -> str:
    """Returns what was sent under a key as text: XML knows only text, JSON firmware disagrees about numbers."""
    value = access.get(key)
    return str(value).strip() if isinstance(value, (str, int, bool)) else ""


def _kept_tree(tree: Mapping[str, Tree]) -> str:
    try:
        return kept(kept_text(dict(tree)).encode())
    except Refused as refusal:
        return f"({refusal})"


def _without_names(text: bytes) -> str:
    """Returns what may be kept of a text that is no JSON and no XML, with everything that looks like a person's name taken out."""
    return _MALFORMED_NAMES.sub(r"\1\2\3", kept(text))
