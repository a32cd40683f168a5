"""What tests ask of a Kafka, whichever it is: the one inside this process, or a real broker."""

from collections.abc import Iterable
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from chassis.brokers import Brokers

_WAIT_S = 10.0


class Cluster:
    """A running Kafka; `bootstrap` is where clients find it, and `handle` a client that is asked what topics there are."""

    bootstrap: str
    handle: Any

    @property
    def brokers(self) -> Brokers:
        """The same for our own clients, in clear."""
        return Brokers(self.bootstrap)

    def create(self, topics: Iterable[str]) -> None:
        """Creates the topics; one that is there stays as it is."""
        raise NotImplementedError

    def partitions(self) -> list[tuple[str, int]]:
        """All partitions there are, but for those that the broker keeps for itself."""
        topics = self.handle.list_topics(timeout=_WAIT_S).topics
        return sorted((name, number) for name, topic in topics.items() if not name.startswith("__") for number in topic.partitions)

    def extents(self, topic: str) -> dict[int, tuple[int, int]]:
        """The first offset that each partition of a topic still has, and the one after its last."""
        numbers, reader = self.handle.list_topics(topic, timeout=_WAIT_S).topics[topic].partitions, self.reader()
        try:
            return {number: reader.get_watermark_offsets(TopicPartition(topic, number), timeout=_WAIT_S) for number in numbers}
        finally:
            reader.close()

    def read(self, topic: str) -> list[Any]:
        """Everything that lies in the topic now (confluent_kafka's messages), by partition and offset."""
        extents, reader, found = self.extents(topic), self.reader(), list[Any]()
        left = {number: end for number, (first, end) in extents.items() if end > first}
        try:
            reader.assign([TopicPartition(topic, number, extents[number][0]) for number in left])
            while left:
                for message in reader.consume(1000, 0.1):
                    # Where the last were compacted away no message is the last: then the partition's end is told.
                    if message.offset() + 1 >= left.get(message.partition(), 0):
                        left.pop(message.partition(), None)
                    if message.error() is None and message.offset() < extents[message.partition()][1]:
                        found.append(message)
        finally:
            reader.close()
        return sorted(found, key=lambda message: (message.partition(), message.offset()))

    def reader(self) -> Any:
        """A consumer that commits nothing; to be closed."""
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "tartip-broker-watch",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,  # the watch must not be slower than what it watches
                "log_level": 3,
            }
        )
