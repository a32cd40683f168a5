"""A look at what topics hold and how far a consumer group is, by a client that joins nothing and changes nothing."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from chassis.brokers import Brokers
from chassis.positions import Extent, Partition

log = structlog.get_logger(__name__)

# Whoever waits for a broker is patient, and does not ask it to pieces when it comes back.
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class NoSuchTopic(Exception):
    """Some of the topics are not there (yet); nothing here makes topics."""


async def survey(brokers: Brokers, group: str | None, topics: Collection[str]) -> Mapping[Partition, Extent]:
    """All partitions of the topics: where the group goes on (or the beginning), and where they end.

    Without a group, for who reads outside of all of them, from the beginning on: of other groups than its own a service may be told nothing.
    Raises NoSuchTopic, and aiokafka's errors where the broker is away.
    """
    admin = AIOKafkaAdminClient(**brokers.aiokafka())
    consumer = AIOKafkaConsumer(**brokers.aiokafka())
    try:
        await admin.start()
        await consumer.start()
        await asyncio.sleep(
            0
        )  # a consumer without a group that is stopped before its own task began raises CancelledError: who asked would end
        partitions = await _partitions(admin, topics)
        done = {} if group is None else await _committed(admin, group, partitions)
        beginnings = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
        await admin.close()
    return {
        (each.topic, each.partition): Extent(_start(done[each].offset if each in done else -1, beginnings[each], ends[each]), ends[each])
        for each in partitions
    }


async def patient_survey(brokers: Brokers, group: str, topics: Collection[str]) -> Mapping[Partition, Extent]:
    """As `survey`, as soon as the broker and all topics are there."""
    for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
        try:
            return await survey(brokers, group, topics)
        except Exception as error:
            log.warning("topics not to be seen", group=group, error=type(error).__name__, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
    raise AssertionError("an endless series ended")


async def _committed(admin: AIOKafkaAdminClient, group: str, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, Any]:
    """How far the group is; a cluster that has just started, or lost a node, takes a moment to say who answers for groups."""
    for pause_s in (*PAUSES_S, None):
        try:
            committed: Mapping[TopicPartition, Any] = await admin.list_consumer_group_offsets(group, partitions=partitions)
            return committed
        except KafkaError as error:
            if pause_s is None or not error.retriable:
                raise
            await asyncio.sleep(pause_s)
    raise AssertionError("the last attempt returns or raises")


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
