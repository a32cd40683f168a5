"""Whether all holds are known: the projection has applied all that its topic holds, and nothing of it lies parked."""

import itertools

import pytest
from chassis.personal_data.retention import followed
from chassis.publisher import Publisher
from chassis.testing.cluster import Cluster
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.topics import parked

numbers = itertools.count(1)
# The machine that tests run on may be slow; that it waits at all is not what they are about.
PATIENT_S = 60.0


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database("chassis.testing.bare")


@pytest.fixture
def topic(cluster: Cluster) -> str:
    name = f"bare.held-{next(numbers)}.v1"
    cluster.create([name, parked(name)])
    return name


async def applied(fresh: FreshDatabase, cluster: Cluster, topic: str) -> None:
    """The projection says that it has applied everything."""
    async with fresh.worker.transaction() as transaction:
        for partition, (_, end) in cluster.extents(topic).items():
            await (await transaction.driver()).execute(
                "INSERT INTO projection_positions (topic, partition, start_offset, applied) VALUES ($1, $2, 0, $3)"
                " ON CONFLICT (topic, partition) DO UPDATE SET applied = excluded.applied",
                topic,
                partition,
                end,
            )


async def test_holds_are_known_once_all_of_the_topic_is_applied(
    fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, topic: str
) -> None:
    known = followed(fresh.worker, cluster.brokers, topic, PATIENT_S)
    assert not await known(), "nothing was followed yet"
    await applied(fresh, cluster, topic)
    assert await known()
    await publisher.send(topic, b"KGD", b"state", {})
    assert not await known()
    await applied(fresh, cluster, topic)
    assert await known()


async def test_what_is_parked_may_be_a_hold(fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, topic: str) -> None:
    """It was acknowledged, so that the position has passed it."""
    known = followed(fresh.worker, cluster.brokers, topic, PATIENT_S)
    await publisher.send(topic, b"KGD", b"state", {})
    await publisher.send(parked(topic), b"KGD", b"state", {})
    await applied(fresh, cluster, topic)
    assert not await known()


async def test_a_broker_that_says_nothing_in_time_lets_deleting_rest(fresh: FreshDatabase, cluster: Cluster, topic: str) -> None:
    """The other jobs of the process wait for the answer."""
    await applied(fresh, cluster, topic)
    assert not await followed(fresh.worker, cluster.brokers, topic, 0.0)()
