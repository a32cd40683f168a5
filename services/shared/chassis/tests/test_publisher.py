import asyncio
import itertools
import threading
from collections.abc import Callable

import pytest
from chassis.brokers import Brokers
from chassis.publisher import NotPublished, Outgoing, Publisher, PublisherBroken, murmur2, partition_of
from chassis.testing.cluster import Cluster
from chassis.testing.waiting import until
from confluent_kafka import KafkaError, KafkaException
from kernel.faults import Unavailable
from prometheus_client import REGISTRY

WITHIN_S = 30
numbers = itertools.count(1)


@pytest.fixture
def topic(cluster: Cluster) -> str:
    name = f"chassis.publisher-{next(numbers)}.v1"
    cluster.create([name])
    return name


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_a_key_is_hashed_as_java_does_it(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed
    assert partition_of(key, 24) == (hashed & 0x7FFFFFFF) % 24


async def test_a_key_lies_where_we_say_it_lies(publisher: Publisher, cluster: Cluster, topic: str) -> None:
    count = await publisher.partitions(topic)
    assert count == 4
    keys = [f"system:{number}".encode() for number in range(200)]
    await publisher.send_all(Outgoing(topic, key, key, {}) for key in keys)
    lying = cluster.read(topic)
    assert {message.key(): message.partition() for message in lying} == {key: partition_of(key, count) for key in keys}


async def test_a_message_arrives_with_its_headers_in_the_partition_named(publisher: Publisher, cluster: Cluster, topic: str) -> None:
    assert await publisher.partitions(topic) == 4
    first = await publisher.send(topic, None, b"first", {"event_id": "1"}, partition=2)
    second = await publisher.send(topic, b"key", None, {}, partition=2)
    assert (first, second) == (0, 1)
    there = cluster.read(topic)
    assert [(message.value(), dict(message.headers() or ()), message.partition()) for message in there] == [
        (b"first", {"event_id": b"1"}, 2),
        (None, {}, 2),
    ]


async def test_it_is_told_where_a_partition_ends_before_the_sender_goes_on(publisher: Publisher, topic: str) -> None:
    def end(partition: int) -> float | None:
        return REGISTRY.get_sample_value("tartip_published_offset", {"topic": topic, "partition": str(partition)})

    await publisher.send(topic, None, b"first", {}, partition=2)
    assert (end(1), end(2)) == (None, 1)
    await publisher.send_all(Outgoing(topic, None, b"more", {}, partition) for partition in (2, 1, 2))
    assert (end(1), end(2)) == (1, 3)


async def test_many_sends_at_once_keep_their_order_in_a_partition(publisher: Publisher, cluster: Cluster, topic: str) -> None:
    offsets = await asyncio.gather(*(publisher.send(topic, b"k", str(number).encode(), {}, partition=0) for number in range(5_000)))
    assert offsets == list(range(5_000))
    assert [int(message.value()) for message in cluster.read(topic)] == list(range(5_000))


async def test_a_sender_waits_when_too_much_is_on_its_way(cluster: Cluster, topic: str) -> None:
    narrow = Publisher(cluster.brokers, most_on_the_way=100)
    offsets = await narrow.send_all(Outgoing(topic, None, str(number).encode(), {}, partition=0) for number in range(2_000))
    assert offsets == list(range(2_000))
    await narrow.close()


async def test_many_who_ask_for_partitions_at_once_ask_as_one(publisher: Publisher, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Kafka is away each question holds a thread for seconds, and devices come again and again."""
    asked, ask = list[str](), publisher._ask

    def asking(name: str) -> int:
        asked.append(name)
        return ask(name)

    monkeypatch.setattr(publisher, "_ask", asking)
    impatient = asyncio.ensure_future(publisher.partitions(topic))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await asyncio.gather(*(publisher.partitions(topic) for _ in range(50))) == [4] * 50
    assert asked == [topic]


async def test_whoever_asks_in_vain_may_ask_again(publisher: Publisher, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def asking(_: str) -> int:
        raise Unavailable

    with monkeypatch.context() as away:
        away.setattr(publisher, "_ask", asking)
        with pytest.raises(Unavailable):
            await publisher.partitions(topic)
    assert await publisher.partitions(topic) == 4


async def test_a_broker_that_is_away_gives_the_message_back() -> None:
    away = Publisher(Brokers("127.0.0.1:1"), give_up_after_ms=300)
    with pytest.raises(NotPublished):
        await away.send("chassis.nowhere.v1", b"k", b"v", {})
    await away.close()


async def test_what_is_forgotten_is_given_back_at_once() -> None:
    away = Publisher(Brokers("127.0.0.1:1"))
    answers = asyncio.gather(away.send_all(Outgoing("chassis.nowhere.v1", b"k", b"v", {}) for _ in range(3)), return_exceptions=True)
    await until(lambda: len(away._producer) == 3)
    away.forget()
    (answer,) = await answers
    assert isinstance(answer, NotPublished)
    await away.close()


async def test_a_producer_that_gave_up_for_good_ends_the_process_instead_of_being_tried_for_ever(
    publisher: Publisher, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(WITHIN_S):
        beside = asyncio.create_task(publisher.unbroken())
        await publisher.send(topic, b"k", b"v", {})
        assert not beside.done()
        monkeypatch.setattr(publisher, "_producer", Fenced())
        with pytest.raises(KafkaException):
            await publisher.send(topic, b"k", b"v", {})
        with pytest.raises(PublisherBroken):
            await beside
    monkeypatch.undo()


class Fenced:
    """A producer that Kafka does not listen to any more; a real one gets there only by a broker that loses data."""

    def produce(self, *_: object, on_delivery: Callable[[KafkaError, object], None], **__: object) -> None:
        on_delivery(KafkaError(KafkaError._FATAL, "fenced", True), Report())

    def poll(self, seconds: float) -> int:
        threading.Event().wait(seconds)
        return 0


class Report:
    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return 0
