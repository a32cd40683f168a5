"""Parked records as the gateway and the consumers leave them in Kafka."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.parking import Origin, Rejected
from chassis.read_positions import Record
from chassis.topics import parked
from tartip.timetracking.v1.events_pb2 import PassageBatch
from timetracking.devices.domain import Protocol
from timetracking.gateway.domain import EnrolledDevice, Unreadable
from timetracking.gateway.parking_lot import ParkingLot
from timetracking.passages.domain import Passage

from ..test_delivery import message

PASSAGES = "timetracking.passages.v1"
AT = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
PARTITIONS = 24


class Lot:
    """The parking topics, as Kafka keeps them; whoever parks is told at once."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def send(self, topic: str, key: bytes | None, value: bytes, headers: Any, partition: int | None = None) -> int:
        self.records.append(Record(topic, 0, len(self.records), key, value, dict(headers), PARTITIONS))
        return len(self.records)

    def gateway(self) -> ParkingLot:
        """The gateway's way in."""
        return ParkingLot(self, 5)  # type: ignore[arg-type]

    async def malformed(self, line: str, device: str = "gate", at: datetime = AT) -> Record:
        """The gateway could not read a line."""
        enrolled = EnrolledDevice(device, Protocol.ADMS, "hq")
        await self.gateway().park_unreadable(enrolled, [Unreadable(0, "time: like 2026-11-24 08:55:00", line)], at)
        return self.records[-1]

    async def impossible(self, passage: Passage, at: datetime = AT) -> Record:
        """The gateway did not believe a wall time."""
        enrolled = EnrolledDevice(passage.device, Protocol.ADMS, "hq")
        await self.gateway().park_impossible(enrolled, [(0, message(passage))], at)
        return self.records[-1]

    async def refused(
        self,
        passage: Passage,
        offset: int,
        reason: str = "bug",
        headers: dict[str, str] | None = None,
        at: datetime = AT,
        attempts: int = 1,
    ) -> Record:
        """A consumer could not apply a passage: it lay in its topic's third partition."""
        batch = PassageBatch(event_id=str(UUID(int=offset)), passages=[message(passage)])
        sent = headers or {"event_id": batch.event_id, "content-type": "application/x-protobuf", "schema": "PassageBatch"}
        return await self.put_away(PASSAGES, offset, batch.SerializeToString(), sent, reason, at, attempts)

    async def put_away(
        self,
        topic: str,
        offset: int,
        value: bytes,
        headers: dict[str, str],
        reason: str,
        at: datetime = AT,
        attempts: int = 1,
        key: bytes | None = None,
    ) -> Record:
        """A consumer parks what it could not apply."""
        failed = at - timedelta(seconds=1)
        rejected = Rejected(Origin(topic, 3, offset), key, value, headers, reason, f"{reason} at apply:1", failed, at, attempts)
        await self.send(parked(topic), rejected.key, rejected.value, rejected.parking_headers)
        return self.records[-1]
