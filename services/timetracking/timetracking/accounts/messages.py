"""What a record is accounted under: read from its message alone, so that whoever counts it finds the same."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import Passage

from timetracking.accounts.domain import NAMELESS, UNDATED, DeviceDate
from timetracking.names import DEVICE_ID

_SERIAL = re.compile(DEVICE_ID)


def accounted(batch: PassageBatch, passage: Passage, zone: ZoneInfo) -> DeviceDate:
    """The device, and the date: of the wall time as sent, or of the receipt, or of the batch, whichever can be read first."""
    return serial_or_nameless(passage.device), _date_as_sent(passage.wall_time) or date_of(passage.received_at, zone) or date_of(
        batch.occurred_at, zone
    ) or UNDATED


def serial_or_nameless(text: str) -> str:
    """The serial, if the text can be one."""
    return text if _SERIAL.fullmatch(text) else NAMELESS


def date_of(instant: Timestamp, zone: ZoneInfo) -> date | None:
    """The civil date of an instant that was set and exists."""
    try:
        return instant.ToDatetime(UTC).astimezone(zone).date() if instant.seconds else None
    except (ValueError, OverflowError):
        return None


def _date_as_sent(wall_time: str) -> date | None:
    try:
        return datetime.fromisoformat(wall_time).date()
    except ValueError:
        return None
