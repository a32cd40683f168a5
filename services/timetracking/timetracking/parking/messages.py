"""Parked records as messages, and what may be shown of their content."""

import json
from typing import Any

from chassis.wire import day_message, instant_message
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp
from tartip.timetracking.v1 import parking_service_pb2 as pb
from tartip.timetracking.v1.events_pb2 import PassageBatch

from timetracking.accounts.domain import UNDATED
from timetracking.devices.domain import event_number
from timetracking.names import device_name, parked_name
from timetracking.parking.domain import OWN, ParkedRecord, State, shape
from timetracking.parking.use_cases import Seen

STATES = {
    State.PARKED: pb.PARKED_RECORD_STATE_PARKED,
    State.SENT_AGAIN: pb.PARKED_RECORD_STATE_SENT_AGAIN,
    State.TAKEN_UP: pb.PARKED_RECORD_STATE_TAKEN_UP,
}
# What names nobody. Whatever is not here is shown as its shape, so that a new field is hidden until somebody thinks of it.
_OPEN = frozenset(
    {
        *("eventId", "occurredAt", "device", "wallTime", "utcOffsetSeconds", "badgeSystem", "direction", "verifyMethod", "receivedAt"),
        *("live", "previousEventNumber"),
    }
)


def parked_message(seen: Seen, *, with_content: bool) -> pb.ParkedRecord:
    """A parked record, with its content if that is wanted."""
    record = seen.record
    return pb.ParkedRecord(
        name=parked_name(record.id),
        topic=record.topic,
        state=STATES[record.state],
        reason=record.reason,
        error=record.error,
        origin=record.origin,
        first_failed_at=instant_message(record.first_failed_at),
        parked_at=instant_message(record.parked_at),
        attempts=record.attempts,
        device=device_name(seen.body, record.device) if seen.body else "",
        date=day_message(record.date if record.date != UNDATED else None),
        sendable=record.sendable,
        event_id=record.headers.get("event_id", ""),
        schema=record.headers.get("schema", ""),
        traceparent=record.headers.get("traceparent", ""),
        size=record.size,
        content=content_of(record, clear=seen.clear) if with_content else "",
        content_masked=with_content and not seen.clear,
    )


def content_of(record: ParkedRecord, *, clear: bool) -> str:
    """What the record says: its message as JSON or its line, in clear or as far as it is not personal; "" of all else."""
    if not record.value or record.topic not in OWN:
        return ""
    if record.headers.get("content-type", "").startswith("text/plain"):
        line = record.value.decode("utf-8", "replace")
        return line if clear else shape(line)
    try:
        said: Any = MessageToDict(_that_exists(PassageBatch.FromString(record.value)))
    except DecodeError:
        return ""
    return json.dumps(said if clear else _masked(said), ensure_ascii=False) if said else ""


def _that_exists(message: Message) -> Message:
    """The message without instants and durations that do not exist, of which JSON knows no form: it may lie here for them."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for each in value if field.is_repeated else (value,):
            if not isinstance(each, Timestamp | Duration):
                _that_exists(each)
            elif not _has_form(each):
                message.ClearField(field.name)
    return message


def _has_form(value: Timestamp | Duration) -> bool:
    try:
        return bool(value.ToJsonString())
    except ValueError:
        return False


def _masked(said: Any, name: str = "") -> Any:
    if isinstance(said, dict):
        return {key: _masked(value, key) for key, value in said.items()}
    if isinstance(said, list):
        return [_masked(each, name) for each in said]
    # An event's number is the device's; any other key of an event holds a credential.
    named = name in _OPEN or (name == "eventKey" and event_number(str(said)) is not None)
    return said if named or not isinstance(said, str) else shape(said)
