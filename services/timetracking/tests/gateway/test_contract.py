"""What the gateway sends to Kafka is exactly what the consumers' tests expect."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC

from chassis.testing.contracts import contract, unset_fields
from lawbook import load
from tartip.timetracking.v1.events_pb2 import PassageBatch
from timetracking.gateway import adms, isapi
from timetracking.gateway.batches import LATE_PASSAGES, PASSAGES, Batcher
from timetracking.gateway.domain import EnrolledDevice
from timetracking.gateway.intake import Intake, bounds_by
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
    batcher = Batcher(kafka, lambda: at, BatchLimits(passages=3, octets=10**6, linger_s=0.01, late_linger_s=0.01, waiting=10), 5)
    intake = Intake(batcher, ParkingLot(kafka, 5), lambda: at, bounds_by(load()), "Asia/Almaty")
    line = adms.read(terminal, adms.lines(replay("adms_five_columns.tsv"))[:1])
    face, card = (isapi.read(camera, isapi.alerts("application/json", replay(f"isapi_{name}.json"))) for name in ("face", "card_replayed"))
    await asyncio.gather(intake.take(terminal, line), intake.take(camera, face), intake.take(camera, card))
    told = {topic: PassageBatch.FromString(value) for topic, _, value, _ in kafka.sent}
    for topic, key, _, headers in kafka.sent:
        assert (key, headers["schema"], headers["event_id"]) == (None, PassageBatch.DESCRIPTOR.full_name, told[topic].event_id)
        told[topic].event_id = expected.event_id
    live, late = told.pop(PASSAGES), told.pop(LATE_PASSAGES)
    assert not told
    # The card was read two days before: it goes apart, in a message of the same kind.
    assert list(late.passages) == list(expected.passages)[2:]
    live.passages.extend(late.passages)
    assert live == expected


def test_the_contract_shows_every_field() -> None:
    assert unset_fields(contract(PASSAGES, PassageBatch)) == set()
