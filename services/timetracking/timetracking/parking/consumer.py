"""Parking topics read from beside, into the list that operators look through."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis.parking import PARKED_RECORD, Origin, attempts_told, record_id
from chassis.publisher import partition_of
from chassis.read_positions import Record
from chassis.topics import parked
from chassis.wire import YEARS
from google.protobuf.message import DecodeError
from tartip.timetracking.v1.events_pb2 import PassageBatch

from timetracking.accounts.domain import NAMELESS, UNDATED
from timetracking.accounts.messages import accounted, serial_or_nameless
from timetracking.gateway.batches import credential_key
from timetracking.parking.domain import GATEWAY, OWN, STORY, ParkedRecord, reason_named

READER = "parking"
TOPICS = (*OWN, "registry.bodies.v1", "registry.servants.v1", "regimes.plans.v1", "regimes.orders.v1")
LOTS = tuple(parked(topic) for topic in TOPICS)
_TEXT = "text/plain"
_PARTITIONS_MOST = 2**31  # Kafka counts them with 32 bits

Note = Callable[[Sequence[ParkedRecord]], Awaitable[Any]]


def parked_records(note: Note, default_zone: str) -> Callable[[Sequence[Record]], Awaitable[None]]:
    """What is done with parked records: they are noted."""
    zone = ZoneInfo(default_zone)

    async def take(records: Sequence[Record]) -> None:
        await note([told_parked(each, zone) for each in records])

    return take


def told_parked(record: Record, zone: ZoneInfo) -> ParkedRecord:
    """A parked record in the words of the domain; headers that are missing or say nothing are made up for, never refused.

    A state names people, by its key and in its content, and is not sent again by us: of it neither is kept.
    """
    headers = {name: text.replace("\0", "") for name, text in record.headers.items()}
    topic = record.topic.removesuffix(parked(""))
    origin = headers.get("origin") or f"{record.topic}/{record.partition}/{record.offset}/0"
    failed = _instant(headers.get("first_failed_at", "")) or datetime.fromtimestamp(0, UTC)
    parked_at = _instant(headers.get("parked_at", "")) or failed
    is_text = headers.get("content-type", "").startswith(_TEXT)
    device, day, partition = _from_gateway(origin, failed, zone) if is_text else _read(topic, record, origin, zone)
    ours, value = topic in OWN, record.value or b""
    return ParkedRecord(
        id=_id(headers, origin),
        topic=topic,
        key=(record.key or b"").decode("utf-8", "replace").replace("\0", "") if ours else "",
        partition=partition if record.key is None else None,
        lay=_lay(headers, origin),
        device=device,
        date=day,
        reason=reason_named(headers.get("reason", "")),
        error=headers.get("error", ""),
        origin=origin,
        first_failed_at=failed,
        parked_at=parked_at,
        attempts=attempts_told(headers.get("attempts", "")),
        sendable=ours and not is_text,
        headers={name: value for name, value in headers.items() if name not in STORY},
        value=value if ours else None,
        size=len(value),
    )


def _id(headers: Mapping[str, str], origin: str) -> UUID:
    """The same however often it is parked: what was sent again says which it is.

    The gateway parks a record that is sent twice under one event ID; everything else is known by where it lay at first.
    """
    try:
        return UUID(headers.get(PARKED_RECORD, ""))
    except ValueError:
        return record_id(headers.get("event_id", origin) if origin.startswith(GATEWAY) else origin)


def _lay(headers: Mapping[str, str], origin: str) -> tuple[int, int] | None:
    place = Origin.parse(origin) if PARKED_RECORD not in headers else None
    return (place.partition, place.offset) if place is not None and place.partition < _PARTITIONS_MOST else None


def _from_gateway(origin: str, failed: datetime, zone: ZoneInfo) -> tuple[str, date, None]:
    serial = origin.removeprefix(GATEWAY).partition("/")[0] if origin.startswith(GATEWAY) else ""
    return serial_or_nameless(serial), failed.astimezone(zone).date(), None


def _read(topic: str, record: Record, origin: str, zone: ZoneInfo) -> tuple[str, date, int | None]:
    """The device, the date and the partition of what may be a passage; of anything else only where it lay."""
    if topic in OWN:
        try:
            batch = PassageBatch.FromString(record.value or b"")
        except DecodeError:
            lay = Origin.parse(origin)
            return NAMELESS, UNDATED, lay.partition if lay and lay.partition < _PARTITIONS_MOST else 0
        if batch.passages:
            first = batch.passages[0]
            return *accounted(batch, first, zone), partition_of(credential_key(first), record.partitions)
    return NAMELESS, UNDATED, None


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    # At the ends of the calendar an instant may have no date in another zone.
    return instant if instant.tzinfo is not None and instant.year in YEARS else None
