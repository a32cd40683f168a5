"""Kafka inside this process: librdkafka's own broker, for tests and the local stack.

It speaks Kafka's protocol on 127.0.0.1, has four partitions a topic, and keeps about 5 MB a partition: beyond that it
drops the oldest in silence. `watch` ends with `BrokerFull` before that.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException, Producer, TopicPartition

from chassis.testing.cluster import Cluster

# librdkafka (rdkafka_mock.c) drops beyond 5 MiB a partition; the room left is for what arrives before the watch sees it.
FULL_AT_BYTES = 4_000_000
# A batch header, a record's own, and headers rounded up: rather too much than too little.
OVERHEAD_BYTES = 80
ADVICE = "the in-process broker is for demos and tests: start a real Kafka"
_WAIT_S = 5.0


class BrokerFull(Exception):
    """A partition of the in-process broker is about to lose its oldest messages, or already has."""


@dataclass(slots=True)
class Fill:
    """How full the partitions are, counted from what was produced into them; all are read from their first message on."""

    limit: int = FULL_AT_BYTES
    held: dict[tuple[str, int], int] = field(default_factory=dict)
    next_offsets: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, topic: str, partition: int, offset: int, size: int) -> None:
        """Counts one message; raises `BrokerFull` when the partition's limit is reached, or when a message was missed."""
        place = (topic, partition)
        missed = offset - self.next_offsets.get(place, 0)
        if missed > 0:
            raise BrokerFull(f"{topic}/{partition} has lost {missed} messages; {ADVICE}")
        self.next_offsets[place] = offset + 1
        self.held[place] = self.held.get(place, 0) + size + OVERHEAD_BYTES
        if self.held[place] >= self.limit:
            raise BrokerFull(f"{topic}/{partition} holds {self.held[place]} bytes; {ADVICE}")


class Broker(Cluster):
    """A running in-process broker; `bootstrap` is where clients find it."""

    def __init__(self) -> None:
        # The handle that starts the broker keeps it alive; it is also asked what topics there are.
        self.handle = Producer({"test.mock.num.brokers": 1, "log_level": 3})
        brokers = self.handle.list_topics(timeout=_WAIT_S).brokers.values()
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def create(self, topics: Iterable[str]) -> None:
        """Creates the topics; one that is there stays as it is."""
        for topic in topics:
            # This broker knows no request to create a topic: asking for one's partitions brings it about.
            if not self.handle.list_topics(topic, timeout=_WAIT_S).topics[topic].partitions:
                raise KafkaException(f"the in-process broker did not create {topic}")

    def watch(self, stopped: Callable[[], bool], limit: int = FULL_AT_BYTES) -> None:
        """Reads everything that is produced until `stopped`; raises `BrokerFull` before a partition loses something."""
        reader = self.reader()
        fill, known = Fill(limit), set[tuple[str, int]]()
        try:
            while not stopped():
                fresh = set(self.partitions()) - known
                if fresh:
                    reader.incremental_assign([TopicPartition(topic, number, 0) for topic, number in fresh])
                    known |= fresh
                for message in reader.consume(1000, 0.05):
                    _count(fill, message)
        finally:
            reader.close()

    def assert_nothing_dropped(self) -> None:
        """Raises `BrokerFull` if a partition has lost its oldest messages."""
        reader = self.reader()
        try:
            for topic, number in self.partitions():
                low, _ = reader.get_watermark_offsets(TopicPartition(topic, number), timeout=_WAIT_S)
                if low > 0:
                    raise BrokerFull(f"{topic}/{number} has lost its {low} oldest messages; {ADVICE}")
        finally:
            reader.close()

    def stop(self) -> None:
        """Ends the broker; its clients see it vanish."""
        self.handle.flush(1)
        del self.handle


def _count(fill: Fill, message: Any) -> None:
    if message.error() is not None:
        return
    headers = sum(len(name) + len(value or b"") for name, value in message.headers() or ())
    size = len(message.value() or b"") + len(message.key() or b"") + headers
    fill.add(message.topic(), message.partition(), message.offset(), size)


@contextmanager
def temporary_broker() -> Iterator[Broker]:
    """A broker for one test session; at its end nothing may have been dropped in silence."""
    broker = Broker()
    try:
        yield broker
        broker.assert_nothing_dropped()
    finally:
        broker.stop()


@contextmanager
def watched(broker: Broker, on_full: Callable[[BrokerFull], None], limit: int = FULL_AT_BYTES) -> Iterator[None]:
    """Watches the broker in a thread of its own; `on_full` is called there."""
    stopping = threading.Event()

    def watch() -> None:
        try:
            broker.watch(stopping.is_set, limit)
        except BrokerFull as full:
            on_full(full)

    thread = threading.Thread(target=watch, name="tartip-broker-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(_WAIT_S)
