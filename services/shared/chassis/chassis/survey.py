"""A look at what topics hold and how far a consumer group is, by a client that joins nothing and changes nothing."""

from collections.abc import Collection, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from chassis.positions import Extent, Partition


class NoSuchTopic(Exception):
    """Some of the topics are not there (yet); nothing here makes topics."""


async def survey(bootstrap: str, group: str, topics: Collection[str]) -> Mapping[Partition, Extent]:
    """All partitions of the topics: where the group goes on (or the beginning), and where they end.

    Raises NoSuchTopic, and aiokafka's errors where the broker is away.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await consumer.start()
        partitions = await _partitions(admin, topics)
        done = await admin.list_consumer_group_offsets(group, partitions=partitions)
        beginnings = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
        await admin.close()
    return {
        (each.topic, each.partition): Extent(_start(done[each].offset if each in done else -1, beginnings[each], ends[each]), ends[each])
        for each in partitions
    }


async def _partitions(admin: AIOKafkaAdminClient, topics: Collection[str]) -> list[TopicPartition]:
    described = await admin.describe_topics(list(topics))
    partitions = [TopicPartition(each["topic"], part["partition"]) for each in described for part in each["partitions"]]
    missing = set(topics) - {each.topic for each in partitions}
    if missing:
        raise NoSuchTopic(", ".join(sorted(missing)))
    return partitions


def _start(committed: int, beginning: int, end: int) -> int:
    """Where the group reads next: its commit, or the beginning where it has none or the topic was born anew."""
    return committed if beginning <= committed <= end else beginning
