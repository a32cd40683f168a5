"""What the gateway sends to Kafka is exactly what the consumers' tests expect."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC

from chassis.testing.contracts import contract, unset_fields
from lawbook import load
from tartip.timetracking.v1.events_pb2 import PassageBatch
from timetracking.gateway import adms, isapi
from timetracking.gateway.batches import PASSAGES, Batcher
from timetracking.gateway.domain import EnrolledDevice
from timetracking.gateway.intake import Intake, possible_times
from timetracking.gateway.parking_lot import ParkingLot
from timetracking.gateway.settings import BatchLimits

Replay = Callable[[str], bytes]


class OnePartition:
    """A broker in memory that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, bytes, Mapping[str, str]]] = []

    async def partitions(self, topic: str) -> int:
        return 1

    async def send(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str], partition: int | None = None) -> None:
        self.sent.append((topic, key, value, headers))


async def test_passages_of_both_protocols_are_sent_as_the_contract_says(
    replay: Replay, terminal: EnrolledDevice, camera: EnrolledDevice
) -> None:
    expected = contract(PASSAGES, PassageBatch)
    kafka, at = OnePartition(), expected.occurred_at.ToDatetime(UTC)
    batcher = Batcher(kafka, lambda: at, BatchLimits(passages=3, octets=10**6, linger_s=3600, waiting=10), 5)
    intake = Intake(batcher, ParkingLot(kafka, 5), lambda: at, possible_times(load()))
    line = adms.read(terminal, adms.lines(replay("adms_five_columns.tsv"))[:1])
    face, card = (isapi.read(camera, isapi.alerts("application/json", replay(f"isapi_{name}.json"))) for name in ("face", "card_replayed"))
    await asyncio.gather(intake.take(terminal, line), intake.take(camera, face), intake.take(camera, card))
    ((topic, key, value, headers),) = kafka.sent
    assert (topic, key, headers["schema"]) == (PASSAGES, None, PassageBatch.DESCRIPTOR.full_name)
    sent = PassageBatch.FromString(value)
    assert headers["event_id"] == sent.event_id
    sent.event_id = expected.event_id
    assert sent == expected


def test_the_contract_shows_every_field() -> None:
    assert unset_fields(contract(PASSAGES, PassageBatch)) == set()
