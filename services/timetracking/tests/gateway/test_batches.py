"""Batches: any interleaving of devices puts each passage into its partition once, and nobody is answered before that."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from chassis.publisher import Publisher, partition_of
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import Passage
from timetracking.gateway.batches import PASSAGES, Batcher, NotTaken
from timetracking.gateway.settings import BatchLimits

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
LIMITS = BatchLimits(passages=500, octets=256 * 1024, linger_s=0.01, late_linger_s=0.01, waiting=10_000)


def passage(key: str, badge: str = "25", raw: str = "") -> Passage:
    return Passage(device="gate-1", event_key=key, wall_time="2026-11-24T08:55:00", badge_system="hq", badge_number=badge, raw=raw)


class Kafka:
    """A broker in memory; messages are in it once `open` is set, and its partitions are told once `known` is."""

    def __init__(self, partitions: int = 24) -> None:
        self.count = partitions
        self.sent: list[tuple[int, PassageBatch, Mapping[str, str]]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.known = asyncio.Event()
        self.known.set()
        self.failing: Exception | None = None

    async def partitions(self, topic: str) -> int:
        if self.failing is not None:
            raise self.failing
        await self.known.wait()
        return self.count

    async def send(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str], partition: int | None = None) -> int:
        assert (topic, key) == (PASSAGES, None)
        assert partition is not None
        await self.open.wait()
        if self.failing is not None:
            raise self.failing
        self.sent.append((partition, PassageBatch.FromString(value), headers))
        return len(self.sent)

    def keys(self) -> Counter[str]:
        return Counter(one.event_key for _, batch, _ in self.sent for one in batch.passages)


@pytest.mark.parametrize("seed", range(20))
async def test_any_interleaving_publishes_each_passage_once_in_its_partition(seed: int) -> None:
    drawn = random.Random(seed)
    kafka = Kafka(drawn.choice([1, 4, 24]))
    limits = BatchLimits(
        passages=drawn.choice([1, 3, 500]),
        octets=drawn.choice([60, 500, 256 * 1024]),
        linger_s=drawn.choice([0.0, 0.003]),
        late_linger_s=drawn.choice([0.0, 0.003]),
        waiting=10_000,
    )
    batcher = Batcher(kafka, lambda: NOW, limits, 5)
    expected: Counter[str] = Counter()

    async def device(name: int) -> None:
        for number in range(drawn.randrange(1, 6)):
            submitted = [passage(f"{name}/{number}/{drawn.randrange(3)}", str(drawn.randrange(40))) for _ in range(drawn.randrange(0, 30))]
            expected.update(one.event_key for one in submitted)
            await asyncio.sleep(drawn.choice([0, 0, 0.001]))
            await batcher.submit(submitted)
            there = kafka.keys()
            assert all(there[one.event_key] for one in submitted), "answered before Kafka has it"

    await asyncio.gather(*(device(name) for name in range(25)))
    assert kafka.keys() == expected
    for partition, batch, headers in kafka.sent:
        assert 1 <= len(batch.passages) <= limits.passages
        assert len(batch.passages) == 1 or sum(one.ByteSize() for one in batch.passages) <= limits.octets
        assert headers["event_id"] == batch.event_id
        assert {partition_of(f"hq:{one.badge_number}".encode(), kafka.count) for one in batch.passages} == {partition}
    assert len({batch.event_id for _, batch, _ in kafka.sent}) == len(kafka.sent)


async def test_the_order_of_a_credential_is_kept() -> None:
    kafka = Kafka()
    batcher = Batcher(kafka, lambda: NOW, BatchLimits(7, 10**6, 0.005, 0.005, 10_000), 5)
    await batcher.submit([passage(str(number)) for number in range(100)])
    assert [one.event_key for _, batch, _ in kafka.sent for one in batch.passages] == [str(number) for number in range(100)]


async def test_passages_of_many_devices_share_a_batch() -> None:
    kafka = Kafka(1)
    batcher = Batcher(kafka, lambda: NOW, LIMITS, 5)
    await asyncio.gather(*(batcher.submit([passage(str(number))]) for number in range(50)))
    assert [len(batch.passages) for _, batch, _ in kafka.sent] == [50]


async def test_a_full_batch_does_not_wait() -> None:
    kafka = Kafka(1)
    batcher = Batcher(kafka, lambda: NOW, BatchLimits(3, 10**6, 3600, 3600, 10_000), 5)
    await batcher.submit([passage(str(number)) for number in range(6)])
    assert [len(batch.passages) for _, batch, _ in kafka.sent] == [3, 3]


async def test_a_batch_full_of_bytes_does_not_wait_for_more() -> None:
    kafka = Kafka(1)
    batcher = Batcher(kafka, lambda: NOW, BatchLimits(500, 3_000, 0.005, 0.005, 10_000), 5)
    await batcher.submit([passage(str(number), raw="r" * 1_000) for number in range(5)])
    assert [len(batch.passages) for _, batch, _ in kafka.sent] == [2, 2, 1]


async def test_nobody_is_answered_while_kafka_has_nothing() -> None:
    kafka = Kafka()
    kafka.open.clear()
    batcher = Batcher(kafka, lambda: NOW, LIMITS, 0.05)
    with pytest.raises(NotTaken):
        await batcher.submit([passage("1")])
    kafka.open.set()
    await batcher.submit([passage("2")])
    assert await batcher.drain(5)
    assert kafka.keys() == {"1": 1, "2": 1}, "what was late is in Kafka all the same, as its repetition will be"


async def test_what_waits_while_nobody_knows_the_partitions_counts_too() -> None:
    """A gateway that starts while Kafka is away holds no more than one that had it."""
    kafka = Kafka()
    kafka.known.clear()
    batcher = Batcher(kafka, lambda: NOW, BatchLimits(500, 10**6, 0.005, 0.005, 10), 5)
    waiting = asyncio.ensure_future(batcher.submit([passage(str(number)) for number in range(8)]))
    await asyncio.sleep(0)
    with pytest.raises(NotTaken, match="too much"):
        await batcher.submit([passage(str(number)) for number in range(3)])
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    kafka.known.set()
    await batcher.submit([passage(str(number)) for number in range(10)])
    assert sum(kafka.keys().values()) == 10


async def test_what_was_not_taken_since_the_partitions_are_not_known_waits_no_longer() -> None:
    kafka = Kafka()
    batcher = Batcher(kafka, lambda: NOW, BatchLimits(500, 10**6, 0.005, 0.005, 10), 5)
    kafka.failing = ConnectionError("away")
    for _ in range(3):
        with pytest.raises(NotTaken, match="partitions"):
            await batcher.submit([passage(str(number)) for number in range(8)])
    kafka.failing = None
    await batcher.submit([passage(str(number)) for number in range(8)])
    assert sum(kafka.keys().values()) == 8


@pytest.mark.parametrize("failure", [ConnectionError("away"), RuntimeError("a bug")])
async def test_a_failure_of_kafka_is_told_to_every_device_of_the_batch(failure: Exception) -> None:
    kafka = Kafka(1)
    batcher = Batcher(kafka, lambda: NOW, LIMITS, 5)
    waiting = [asyncio.ensure_future(batcher.submit([passage(str(number))])) for number in range(3)]
    await asyncio.sleep(0)
    kafka.failing = failure
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [NotTaken] * 3
    with pytest.raises(NotTaken):
        await batcher.submit([passage("4")])


async def test_a_sending_that_is_cut_short_is_no_confirmation() -> None:
    kafka = Kafka(1)
    kafka.open.clear()
    before = asyncio.all_tasks()
    batcher = Batcher(kafka, lambda: NOW, BatchLimits(1, 10**6, 3600, 3600, 10), 5)
    waiting = asyncio.ensure_future(batcher.submit([passage("1")]))
    await asyncio.sleep(0)
    (sending,) = asyncio.all_tasks() - before - {waiting}
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(NotTaken):
        await waiting


async def test_a_device_that_goes_away_takes_no_one_with_it() -> None:
    kafka = Kafka(1)
    batcher = Batcher(kafka, lambda: NOW, LIMITS, 5)
    gone = asyncio.ensure_future(batcher.submit([passage("gone")]))
    stays = asyncio.ensure_future(batcher.submit([passage("stays")]))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert kafka.keys() == {"gone": 1, "stays": 1}


async def test_with_too_much_waiting_devices_keep_the_rest() -> None:
    kafka = Kafka()
    kafka.open.clear()
    batcher = Batcher(kafka, lambda: NOW, BatchLimits(500, 10**6, 0.001, 0.001, 10), 5)
    first = asyncio.ensure_future(batcher.submit([passage(str(number)) for number in range(10)]))
    await asyncio.sleep(0)
    with pytest.raises(NotTaken, match="too much"):
        await batcher.submit([passage("11")])
    kafka.open.set()
    await first
    await batcher.submit([passage("11")])


async def test_a_drain_sends_what_waits() -> None:
    kafka = Kafka(1)
    batcher = Batcher(kafka, lambda: NOW, BatchLimits(500, 10**6, 3600, 3600, 10), 5)
    waiting = asyncio.ensure_future(batcher.submit([passage("1")]))
    await asyncio.sleep(0)
    assert await batcher.drain(5)
    await waiting
    assert kafka.keys() == {"1": 1}


async def test_real_kafka_has_every_passage_in_its_partition(publisher: Publisher, tap: Any) -> None:
    batcher = Batcher(publisher, lambda: NOW, LIMITS, 5)
    await asyncio.gather(*(batcher.submit([passage(f"{device}/{number}", str(number)) for number in range(40)]) for device in range(20)))
    found = await tap.new()
    assert Counter(one.event_key for message in found for one in message.batch.passages) == Counter(
        f"{device}/{number}" for device in range(20) for number in range(40)
    )
    for message in found:
        assert {partition_of(f"hq:{one.badge_number}".encode(), 4) for one in message.batch.passages} == {message.partition}
