"""Where records wait that cannot go on: written to Kafka before their device is answered, shown to operators, never lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from chassis.parking import Origin
from chassis.telemetry import carrier
from chassis.topics import parked
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import Passage

from timetracking.gateway import counters
from timetracking.gateway.batches import CONTENT_TYPE, PASSAGES, SCHEMA, NotTaken, Publisher
from timetracking.gateway.domain import EnrolledDevice, Unreadable

MALFORMED = "malformed"
IMPOSSIBLE_TIME = "impossible-time"

_TEXT = "text/plain; charset=utf-8"
_NOWHERE = -1  # partition and offset of what never lay in a topic
_NAMESPACE = UUID("6ad6b6d4-5a0c-5b0e-9d0a-3c1f0f7c2b11")  # so that a record parked again has the event_id it had before


@dataclass(frozen=True, slots=True)
class _Record:
    """What goes into the parking lot: its bytes, their kind, why, and its place in what the device sent."""

    value: bytes
    kind: dict[str, str]
    reason: str
    error: str
    index: int


class ParkingLot:
    """The parking lot of passages, as the gateway fills it."""

    def __init__(self, publisher: Publisher, answer_within_s: float) -> None:
        self._publisher = publisher
        self._answer_within_s = answer_within_s

    async def park_unreadable(self, device: EnrolledDevice, unreadable: Sequence[Unreadable], at: datetime) -> None:
        """Parks what may be kept of records that could not be read, each alone, as text; raises NotTaken."""
        kind = {"content-type": _TEXT}
        await self._park(device, [_Record(one.raw.encode(), kind, MALFORMED, one.error, one.index) for one in unreadable], at)

    async def park_impossible(self, device: EnrolledDevice, impossible: Sequence[tuple[int, Passage]], at: datetime) -> None:
        """Parks passages whose wall time lies too far from their receipt, each as a batch of one; raises NotTaken."""
        error = "wall time: within the parameters passages/oldest and passages/ahead of its receipt"
        records = []
        for index, passage in impossible:
            event_id = str(uuid5(_NAMESPACE, f"{passage.device}\n{passage.event_key}\n{passage.raw}"))
            batch = PassageBatch(event_id=event_id, passages=[passage])
            batch.occurred_at.FromDatetime(at)
            kind = {"content-type": CONTENT_TYPE, "schema": SCHEMA, "event_id": event_id}
            records.append(_Record(batch.SerializeToString(), kind, IMPOSSIBLE_TIME, error, index))
        await self._park(device, records, at)

    async def _park(self, device: EnrolledDevice, records: Sequence[_Record], at: datetime) -> None:
        if not records:
            return
        try:
            async with asyncio.timeout(self._answer_within_s):
                await asyncio.gather(*(self._send(device, record, at) for record in records))
        except Exception as error:  # whatever the broker's library raises, the device is told to send it again
            counters.unanswered.labels(device.serial).inc(len(records))
            raise NotTaken("the parking lot did not confirm in time") from error
        for record in records:
            counters.parked.labels(device.serial, record.reason).inc()

    async def _send(self, device: EnrolledDevice, record: _Record, at: datetime) -> None:
        headers = {
            "event_id": str(uuid5(_NAMESPACE, f"{device.serial}\n{record.value!r}")),
            **record.kind,
            **carrier(),
            "reason": record.reason,
            "error": record.error,
            "origin": str(Origin(f"gateway:{device.serial}", _NOWHERE, _NOWHERE, record.index)),
            "first_failed_at": at.isoformat(),
            "attempts": "1",
        }
        await self._publisher.send(parked(PASSAGES), None, record.value, headers)
