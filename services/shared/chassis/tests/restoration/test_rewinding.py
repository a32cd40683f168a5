"""A group is taken back to where its database is, never forward, and not while one of its members is at work."""

import itertools
from collections.abc import Mapping

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from chassis.commands import NothingDone
from chassis.positions import Partition
from chassis.publisher import Outgoing, Publisher
from chassis.restoration.rewinding import Rewound, rewind
from chassis.survey import survey
from chassis.testing.cluster import Cluster
from chassis.testing.kafka import Kafka
from chassis.testing.waiting import until

numbers = itertools.count(1)
EACH = 10


@pytest.fixture
async def topic(cluster: Cluster, publisher: Publisher) -> str:
    """A topic with ten messages in each of its partitions."""
    name = f"bare.rewound-{next(numbers)}.v1"
    cluster.create([name])
    partitions = await publisher.partitions(name)
    await publisher.send_all(Outgoing(name, None, b"a", {}, place) for place in range(partitions) for _ in range(EACH))
    return name


async def read(cluster: Cluster, group: str, at: Mapping[Partition, int]) -> None:
    """A member of the group read up to there and left."""
    consumer = AIOKafkaConsumer(**cluster.brokers.aiokafka(), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(*place) for place in at])
        await consumer.commit({TopicPartition(*place): offset for place, offset in at.items()})
    finally:
        await consumer.stop()


async def places(cluster: Cluster, group: str, topic: str) -> dict[int, int]:
    return {number: extent.start for (_, number), extent in (await survey(cluster.brokers, group, [topic])).items()}


async def test_a_group_goes_back_to_what_the_database_holds_and_never_forward(cluster: Cluster, topic: str) -> None:
    group = f"group-{topic}"
    await read(cluster, group, {(topic, number): 7 for number in (0, 1, 2)})
    done = await rewind(cluster.brokers, group, [topic], {(topic, 0): 4, (topic, 1): 9})
    assert done == Rewound(again=3 + 7, gone=0)
    found = await places(cluster, group, topic)
    assert [found[number] for number in (0, 1, 2, 3)] == [4, 7, 0, 0]


async def test_a_group_that_never_read_has_nothing_to_go_back_from(cluster: Cluster, topic: str) -> None:
    assert await rewind(cluster.brokers, f"new-{topic}", [topic], {(topic, 0): 4}) == Rewound(0, 0)


async def test_a_group_with_a_member_at_work_is_left_alone(real_kafka: Kafka) -> None:
    """The in-process broker takes commits of anybody."""
    topic, group = f"bare.busy-{next(numbers)}.v1", f"busy-{next(numbers)}"
    real_kafka.create([topic])
    publisher = Publisher(real_kafka.brokers)
    await publisher.send_all(Outgoing(topic, None, b"a", {}, 0) for _ in range(EACH))
    await publisher.close()
    await read(real_kafka, group, {(topic, 0): 7})
    member = AIOKafkaConsumer(topic, **real_kafka.brokers.aiokafka(), group_id=group, enable_auto_commit=False)
    await member.start()
    try:
        await until(lambda: bool(member.assignment()))
        with pytest.raises(NothingDone, match="has members"):
            await rewind(real_kafka.brokers, group, [topic], {(topic, 0): 4})
    finally:
        await member.stop()
    assert (await places(real_kafka, group, topic))[0] == 7
