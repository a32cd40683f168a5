"""A projection is built anew beside the one that answers, and takes its place whole: nothing that was known is ever missing."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

import asyncpg
import pytest
import sqlalchemy as sa
from aiokafka.errors import KafkaConnectionError
from chassis.brokers import Brokers
from chassis.commands import NothingDone
from chassis.database import Database
from chassis.delivery import Subscription
from chassis.migrations.personal_data import HOLDS
from chassis.positions import Extent, Partition
from chassis.publisher import Outgoing, Publisher
from chassis.rebuild import Projection, rebuild
from chassis.shadow import REBUILDING
from chassis.survey import survey
from chassis.testing.cluster import Cluster
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.waiting import until
from chassis.topics import parked
from google.protobuf.wrappers_pb2 import StringValue
from kernel.faults import Malformed, Unavailable, WrongState

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


Step = Callable[[], Awaitable[object]]


class Things:
    """A projection of "name/revision" messages: a tombstone erases a name, "unheard of" is refused.

    `steps` are done one after the other, each when the next group is about to be applied.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.steps = list[Step]()
        self.trouble = list[Exception]()

    def projection(self, holds: str = "", kept: bool = False) -> Projection:
        return Projection(("things",), self.subscriptions, holds, kept)

    def subscriptions(self, database: Database) -> Sequence[Subscription[StringValue]]:
        async def apply(messages: Sequence[StringValue]) -> None:
            if self.steps:
                await self.steps.pop(0)()
            if any(message.value.startswith("unheard of") for message in messages):
                raise Malformed({"value": "of a thing that was heard of"})
            await write(database, [message.value for message in messages])

        async def forget(names: Sequence[str]) -> None:
            if self.trouble:
                raise self.trouble.pop(0)
            await erase(database, names)

        return [Subscription(self.topic, StringValue, apply, erase=forget)]


async def erase(database: Database, names: Sequence[str]) -> None:
    async with database.transaction() as tx:
        await (await tx.driver()).execute("DELETE FROM things WHERE name = ANY ($1::text[])", names)


async def write(database: Database, states: Sequence[str]) -> None:
    async with database.transaction() as tx:
        driver = await tx.driver()
        for state in states:
            name, _, revision = state.partition("/")
            await driver.execute(APPLY, name, int(revision))


@pytest.fixture
async def fresh(database: MakeDatabase) -> AsyncIterator[FreshDatabase]:
    """A database with things; however they are built anew, no copy of them stays behind."""
    made = await database("chassis.testing.bare")
    owner = await asyncpg.connect(made.urls.migrator)
    await owner.execute(f"{THINGS}; {HOLDS}")
    await owner.close()
    yield made
    assert not await made.rows("SELECT FROM pg_namespace WHERE nspname = 'rebuild'"), "a copy stayed behind"


@pytest.fixture
def built(fresh: FreshDatabase, cluster: Cluster) -> Callable[[Projection], Awaitable[int]]:
    """Builds a projection anew."""
    return lambda projection: rebuild(projection, cluster.brokers, fresh.urls.migrator, fresh.urls.worker)


@pytest.fixture
def things(cluster: Cluster) -> Things:
    things = Things(f"bare.rebuilt-{next(numbers)}.v1")
    cluster.create([things.topic])
    return things


@pytest.fixture
def holds(cluster: Cluster) -> str:
    """A topic that tells of legal holds."""
    topic = f"bare.holds-{next(numbers)}.v1"
    cluster.create([topic, parked(topic)])
    return topic


async def send(publisher: Publisher, topic: str, *states: str) -> None:
    values = [(state.partition("/")[0].encode(), StringValue(value=state).SerializeToString()) for state in states]
    await publisher.send_all(Outgoing(topic, name, value, {}) for name, value in values)


async def held(fresh: FreshDatabase) -> dict[str, int]:
    async with fresh.app.transaction() as tx:
        rows = await tx.connection.execute(sa.text("SELECT name, revision, doubled FROM things"))
        return {row.name: row.revision for row in rows if row.doubled == 2 * row.revision}


Built = Callable[[Projection], Awaitable[int]]


async def test_a_projection_that_went_wrong_is_right_again(
    fresh: FreshDatabase, built: Built, publisher: Publisher, things: Things
) -> None:
    await send(publisher, things.topic, "a/1", "b/1", "a/2", "c/1")
    await write(fresh.worker, ["a/99", "nobody/1"])
    assert await built(things.projection()) == 4
    assert await held(fresh) == {"a": 2, "b": 1, "c": 1}
    await write(fresh.worker, ["d/1"])
    assert await built(things.projection()) == 4
    assert await held(fresh) == {"a": 2, "b": 1, "c": 1}


async def test_what_is_published_and_applied_meanwhile_is_kept(
    fresh: FreshDatabase, built: Built, publisher: Publisher, things: Things
) -> None:
    """The consumer is at work beside the rebuild; the last message comes when all was read, and before the tables are locked."""
    await send(publisher, things.topic, "a/1")

    async def consumed(state: str) -> None:
        await send(publisher, things.topic, state)
        await write(fresh.worker, [state])

    things.steps = [lambda: consumed("a/2"), lambda: consumed("b/1")]
    assert await built(things.projection()) == 3
    assert await held(fresh) == {"a": 2, "b": 1}


async def somebody_waits(fresh: FreshDatabase) -> bool:
    query = "SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return bool(await fresh.rows(query))


class Beside:
    """Work beside the rebuild: `begins` returns when it waits for a lock, or is done; `waited` says which it was."""

    def __init__(self, fresh: FreshDatabase, work: Step) -> None:
        self.fresh, self.work = fresh, work
        self.waited = False
        self.task: asyncio.Future[object] | None = None

    async def begins(self) -> None:
        self.task = task = asyncio.ensure_future(self.work())

        async def done_or_waiting() -> bool:
            return task.done() or await somebody_waits(self.fresh)

        await until(done_or_waiting)
        self.waited = not task.done()


async def test_the_consumer_waits_while_the_last_is_read(fresh: FreshDatabase, built: Built, publisher: Publisher, things: Things) -> None:
    await send(publisher, things.topic, "a/1")
    beside = Beside(fresh, lambda: write(fresh.worker, ["d/1"]))
    things.steps = [lambda: send(publisher, things.topic, "b/1"), lambda: send(publisher, things.topic, "c/1"), beside.begins]
    assert await built(things.projection()) == 3
    assert beside.task is not None
    assert beside.waited
    await beside.task
    assert await held(fresh) == {"a": 1, "b": 1, "c": 1, "d": 1}


@pytest.mark.parametrize("at", [2, 3])
async def test_where_kafka_goes_away_nothing_is_missing_and_nobody_is_back(
    fresh: FreshDatabase, built: Built, publisher: Publisher, things: Things, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    looks = itertools.count(1)

    async def seen(brokers: Brokers, group: str, topics: Collection[str]) -> Mapping[Partition, Extent]:
        if next(looks) == at:
            raise KafkaConnectionError
        return await survey(brokers, group, topics)

    async def consumed() -> None:
        await send(publisher, things.topic, "hold/1")
        await write(fresh.worker, ["hold/1"])
        await publisher.send(things.topic, b"erased", None, {})
        await erase(fresh.worker, ["erased"])

    monkeypatch.setattr("chassis.rebuild.survey", seen)
    await send(publisher, things.topic, "erased/1", "a/1")
    await write(fresh.worker, ["erased/1", "a/1"])
    things.steps = [consumed]
    with pytest.raises(Unavailable):
        await built(things.projection())
    assert await held(fresh) == {"a": 1, "hold": 1}


async def test_an_unreadable_message_is_passed_over(fresh: FreshDatabase, built: Built, publisher: Publisher, things: Things) -> None:
    await send(publisher, things.topic, "a/1")
    await publisher.send(things.topic, b"a", b"\xff\xff", {})
    await send(publisher, things.topic, "a/2")
    assert await built(things.projection()) == 3
    assert await held(fresh) == {"a": 2}


@pytest.mark.parametrize("value", [b"\xff\xff", StringValue(value="unheard of/2").SerializeToString()])
async def test_a_state_that_may_tell_of_a_hold_is_not_passed_over(
    fresh: FreshDatabase, built: Built, publisher: Publisher, things: Things, value: bytes
) -> None:
    """It was applied once, and is not parked; a newer state of the same body tells of all its holds."""
    await send(publisher, things.topic, "a/1", "b/1")
    offset = await publisher.send(things.topic, b"a", value, {})
    await send(publisher, things.topic, "b/2")
    await write(fresh.worker, ["hold/1"])
    with pytest.raises(NothingDone, match=f"{things.topic}/[0-9]+/{offset}/0"):
        await built(things.projection(holds=things.topic))
    assert await held(fresh) == {"hold": 1}
    await send(publisher, things.topic, "a/3")
    assert await built(things.projection(holds=things.topic)) == 5
    assert await held(fresh) == {"a": 3, "b": 2}


async def test_a_tombstone_that_cannot_be_applied_refuses_and_is_named(
    fresh: FreshDatabase, built: Built, publisher: Publisher, things: Things
) -> None:
    await send(publisher, things.topic, "a/1", "b/1")
    offset = await publisher.send(things.topic, b"a", None, {})
    await write(fresh.worker, ["b/1"])
    things.trouble = [WrongState("NO_PIECE")] * 3  # of the group, of its half, and alone
    with pytest.raises(NothingDone, match=f"{things.topic}/[0-9]+/{offset}/0: .*NO_PIECE"):
        await built(things.projection())
    assert await held(fresh) == {"b": 1}
    things.trouble = []
    assert await built(things.projection()) == 3
    assert await held(fresh) == {"b": 1}


async def test_one_rebuild_is_at_work_in_a_database(fresh: FreshDatabase, built: Built, publisher: Publisher, things: Things) -> None:
    other = await asyncpg.connect(fresh.urls.migrator)
    await other.execute("SELECT pg_advisory_lock($1)", REBUILDING)
    with pytest.raises(NothingDone, match="another rebuild"):
        await built(things.projection())
    await other.close()


async def place(fresh: FreshDatabase, *, released: bool = False) -> None:
    """The consumer applies a hold."""
    async with fresh.worker.transaction() as tx:
        await (await tx.driver()).execute("INSERT INTO legal_holds VALUES ('KGD', 'h1', current_date - 1, current_date + 1, $1)", released)


async def followed_to_its_end(fresh: FreshDatabase, cluster: Cluster, holds: str) -> None:
    """The consumer has applied all that tells of holds."""
    for partition, (_, end) in cluster.extents(holds).items():
        await fresh.rows(f"INSERT INTO projection_positions VALUES ('{holds}', {partition}, 0, {end})")


OLD = {"a": 1, "taken back in the topic": 1}


@pytest.fixture
async def by_terms(fresh: FreshDatabase, cluster: Cluster, publisher: Publisher, things: Things, holds: str) -> Projection:
    """A projection by terms that holds more than its topic; all holds are known."""
    await send(publisher, things.topic, "a/1")
    await write(fresh.worker, ["a/1", "taken back in the topic/1"])
    await followed_to_its_end(fresh, cluster, holds)
    return things.projection(holds, kept=True)


async def test_what_is_kept_by_terms_is_built_anew_while_nothing_is_held(fresh: FreshDatabase, built: Built, by_terms: Projection) -> None:
    await place(fresh, released=True)
    assert await built(by_terms) == 1
    assert await held(fresh) == {"a": 1}


@pytest.mark.parametrize("meanwhile", [False, True])
async def test_what_a_hold_keeps_is_not_taken_away_by_building_anew(
    fresh: FreshDatabase, built: Built, things: Things, by_terms: Projection, meanwhile: bool
) -> None:
    if meanwhile:
        things.steps = [lambda: place(fresh)]
    else:
        await place(fresh)
    with pytest.raises(NothingDone, match="a legal hold is in force"):
        await built(by_terms)
    assert await held(fresh) == OLD


@pytest.mark.parametrize("meanwhile", [False, True])
@pytest.mark.parametrize("is_parked", [False, True])
async def test_what_a_hold_may_keep_that_is_on_its_way_or_parked_is_not_taken_away(
    fresh: FreshDatabase,
    built: Built,
    publisher: Publisher,
    things: Things,
    by_terms: Projection,
    meanwhile: bool,
    is_parked: bool,
) -> None:
    async def told() -> None:
        await publisher.send(parked(by_terms.holds) if is_parked else by_terms.holds, b"KGD", b"state", {})

    if meanwhile:
        things.steps = [told]
    else:
        await told()
    with pytest.raises(NothingDone, match="on its way or parked"):
        await built(by_terms)
    assert await held(fresh) == OLD


async def note_erased(fresh: FreshDatabase) -> None:
    """The consumer begins to erase somebody of whom the projection's own topic tells later, or never."""
    async with fresh.worker.transaction() as tx:
        await (await tx.driver()).execute("INSERT INTO erased_servants VALUES ('\\x00')")


async def test_who_was_erased_meanwhile_does_not_come_back(
    fresh: FreshDatabase, built: Built, things: Things, by_terms: Projection
) -> None:
    async def erased() -> None:
        await note_erased(fresh)
        await erase(fresh.worker, ["a"])

    things.steps = [erased]
    with pytest.raises(NothingDone, match="erased meanwhile"):
        await built(by_terms)
    assert await held(fresh) == {"taken back in the topic": 1}


@pytest.mark.parametrize("comes", [place, note_erased])
async def test_what_comes_when_it_was_looked_for_waits_for_the_end(
    fresh: FreshDatabase,
    built: Built,
    publisher: Publisher,
    things: Things,
    by_terms: Projection,
    comes: Callable[[FreshDatabase], Awaitable[None]],
) -> None:
    beside = Beside(fresh, lambda: comes(fresh))
    things.steps = [lambda: send(publisher, things.topic, "b/1"), lambda: send(publisher, things.topic, "c/1"), beside.begins]
    assert await built(by_terms) == 3
    assert beside.task is not None
    assert beside.waited
    await beside.task
    assert await held(fresh) == {"a": 1, "b": 1, "c": 1}
