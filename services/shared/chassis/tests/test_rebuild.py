import itertools
from collections.abc import Sequence

import asyncpg
import pytest
import sqlalchemy as sa
from chassis.commands import NothingDone
from chassis.database import Database
from chassis.delivery import Subscription
from chassis.migrations.personal_data import HOLDS
from chassis.publisher import Outgoing, Publisher
from chassis.rebuild import Projection, rebuild
from chassis.testing.cluster import Cluster
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from google.protobuf.wrappers_pb2 import StringValue

numbers = itertools.count(1)
THINGS = """
CREATE TABLE things (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text CONSTRAINT things_pkey PRIMARY KEY,
    revision int NOT NULL,
    doubled int GENERATED ALWAYS AS (revision * 2) STORED
)
"""
APPLY = """
INSERT INTO things (name, revision) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET revision = excluded.revision WHERE things.revision < excluded.revision
"""


class Things:
    """A projection of "name/revision" messages."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def projection(self) -> Projection:
        return Projection(("things",), self.subscriptions)

    def subscriptions(self, database: Database) -> Sequence[Subscription[StringValue]]:
        async def apply(messages: Sequence[StringValue]) -> None:
            await write(database, [message.value for message in messages])

        return [Subscription(self.topic, StringValue, apply)]


async def write(database: Database, states: Sequence[str]) -> None:
    async with database.transaction() as tx:
        driver = await tx.driver()
        for state in states:
            name, _, revision = state.partition("/")
            await driver.execute(APPLY, name, int(revision))


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    made = await database("chassis.testing.bare")
    owner = await asyncpg.connect(made.urls.migrator)
    await owner.execute(THINGS)
    await owner.close()
    return made


@pytest.fixture
def things(cluster: Cluster) -> Things:
    things = Things(f"bare.rebuilt-{next(numbers)}.v1")
    cluster.create([things.topic])
    return things


async def send(publisher: Publisher, topic: str, *states: str) -> None:
    values = [(state.partition("/")[0].encode(), StringValue(value=state).SerializeToString()) for state in states]
    await publisher.send_all(Outgoing(topic, name, value, {}) for name, value in values)


async def held(fresh: FreshDatabase) -> dict[str, int]:
    async with fresh.app.transaction() as tx:
        rows = await tx.connection.execute(sa.text("SELECT name, revision, doubled FROM things"))
        return {row.name: row.revision for row in rows if row.doubled == 2 * row.revision}


async def test_a_projection_that_went_wrong_is_right_again(
    fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, things: Things
) -> None:
    await send(publisher, things.topic, "a/1", "b/1", "a/2", "c/1")
    await write(fresh.worker, ["a/99", "nobody/1"])
    assert await rebuild(things.projection(), cluster.brokers, fresh.urls.migrator, fresh.urls.worker) == 4
    assert await held(fresh) == {"a": 2, "b": 1, "c": 1}
    await write(fresh.worker, ["d/1"])
    assert await rebuild(things.projection(), cluster.brokers, fresh.urls.migrator, fresh.urls.worker) == 4
    assert await held(fresh) == {"a": 2, "b": 1, "c": 1}


async def test_what_is_published_and_applied_meanwhile_is_kept(
    fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, things: Things
) -> None:
    await send(publisher, things.topic, "a/1", "b/1")

    class Meanwhile(Things):
        published = False

        def subscriptions(self, database: Database) -> Sequence[Subscription[StringValue]]:
            (subscription,) = super().subscriptions(database)

            async def apply(messages: Sequence[StringValue]) -> None:
                if not self.published:
                    self.published = True
                    await send(publisher, self.topic, "a/2", "c/1")
                    await write(fresh.worker, ["a/2", "c/1"])  # the consumer, at work beside the rebuild
                await subscription.apply(messages)

            return [Subscription(self.topic, StringValue, apply)]

    assert await rebuild(Meanwhile(things.topic).projection(), cluster.brokers, fresh.urls.migrator, fresh.urls.worker) == 4
    assert await held(fresh) == {"a": 2, "b": 1, "c": 1}


async def test_an_unreadable_message_is_passed_over(fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, things: Things) -> None:
    await send(publisher, things.topic, "a/1")
    await publisher.send(things.topic, b"a", b"\xff\xff", {})
    await send(publisher, things.topic, "a/2")
    assert await rebuild(things.projection(), cluster.brokers, fresh.urls.migrator, fresh.urls.worker) == 3
    assert await held(fresh) == {"a": 2}


class Held(Things):
    """A projection by terms, over which a hold comes when the first message is read."""

    def __init__(self, topic: str, fresh: FreshDatabase) -> None:
        super().__init__(topic)
        self.fresh = fresh

    def projection(self) -> Projection:
        return Projection(("things",), self.subscriptions, kept=True)

    def subscriptions(self, database: Database) -> Sequence[Subscription[StringValue]]:
        (subscription,) = super().subscriptions(database)

        async def apply(messages: Sequence[StringValue]) -> None:
            await self.place()
            await subscription.apply(messages)

        return [Subscription(self.topic, StringValue, apply)]

    async def place(self, *, released: bool = False) -> None:
        async with self.fresh.worker.transaction() as tx:
            driver = await tx.driver()
            await driver.execute("DELETE FROM legal_holds")
            await driver.execute("INSERT INTO legal_holds VALUES ('KGD', 'h1', current_date - 1, current_date + 1, $1)", released)


@pytest.mark.parametrize("placed", ["before", "meanwhile", "released"])
async def test_what_a_hold_keeps_is_not_taken_away_by_building_anew(
    fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, things: Things, placed: str
) -> None:
    owner = await asyncpg.connect(fresh.urls.migrator)
    await owner.execute(HOLDS)
    await owner.close()
    await send(publisher, things.topic, "a/1")
    await write(fresh.worker, ["a/1", "taken back in the topic/1"])
    held_things = Held(things.topic, fresh)
    if placed != "meanwhile":
        await held_things.place(released=placed == "released")
    projection = held_things.projection() if placed == "meanwhile" else Projection(("things",), things.subscriptions, kept=True)
    if placed == "released":
        assert await rebuild(projection, cluster.brokers, fresh.urls.migrator, fresh.urls.worker) == 1
        assert await held(fresh) == {"a": 1}
        return
    with pytest.raises(NothingDone, match="legal hold"):
        await rebuild(projection, cluster.brokers, fresh.urls.migrator, fresh.urls.worker)
    assert await held(fresh) == {"a": 1, "taken back in the topic": 1}
