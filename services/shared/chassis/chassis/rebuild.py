"""Building a projection anew from its topics while the service goes on answering from the old one.

The topics are read from their beginning into shadow tables, which then replace the contents of the real ones in one
transaction. What the consumer applied meanwhile is read once more into the real tables: states carry revisions, so
nothing goes back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError
from kernel.faults import Unavailable

from chassis.brokers import Brokers
from chassis.bug_limit import BugLimit
from chassis.clock import Clock, real_clock
from chassis.commands import NothingDone
from chassis.database import Database, entering
from chassis.delivery import Delivery, Received, Subscription
from chassis.migrations.foundation import APP, WORKER
from chassis.personal_data.holds import told_until
from chassis.positions import Extent, Partition
from chassis.supervision import closing
from chassis.survey import NoSuchTopic, survey
from chassis.urls import plain_url

SHADOW = "rebuild"
AT_ONCE = 500
# The swap holds the tables for readers and writers; a call waits that long at most before it is told to come again.
SWAP_WITHIN_S = 60.0

log = structlog.get_logger(__name__)

Extents = Mapping[Partition, Extent]


@dataclass(frozen=True, slots=True)
class Projection:
    """A set of tables that are made of topics and nothing else.

    `subscriptions(database)` are those of the service's consumer, writing through the database they are given. What is `kept` for a
    term is passed over once that has ended, and taken back in the topic: it is not built anew while a legal hold keeps what is there.
    """

    tables: tuple[str, ...]
    subscriptions: Callable[[Database], Sequence[Subscription[Any]]]
    kept: bool = False


async def rebuild(projection: Projection, brokers: Brokers, migrator_url: str, worker_url: str, clock: Clock = real_clock) -> int:
    """Builds the projection anew; how many messages were read. Safe to repeat, also after a crash in the middle.

    NothingDone while a legal hold is in force, where terms decide what is in it.
    Messages that cannot be applied are passed over: the consumer parked them when they came.
    """
    real, shadow = Database(worker_url, name="rebuild"), Database(worker_url, name="rebuild", schemas=(SHADOW, "public"))
    topics = [each.topic for each in projection.subscriptions(real)]
    async with closing(real, shadow):
        first = await _seen(brokers, topics)
        with entering(migrator_url, "migrator_database_url"):
            owner = await asyncpg.connect(plain_url(migrator_url))
        try:
            await _refuse_while_held(owner, projection, clock)
            await _shadow_tables(owner, projection.tables)
            read = await _read(brokers, projection.subscriptions(shadow), first)
            await _swap(owner, projection, clock)
            last = await _seen(brokers, topics)
            meanwhile = {place: Extent(first[place].end if place in first else extent.start, extent.end) for place, extent in last.items()}
            return read + await _read(brokers, projection.subscriptions(real), meanwhile)
        finally:
            await owner.close()


async def _seen(brokers: Brokers, topics: Sequence[str]) -> Extents:
    try:
        return await survey(brokers, SHADOW, topics)
    except (KafkaConnectionError, NoSuchTopic) as error:
        what = f"no topic {error}" if isinstance(error, NoSuchTopic) else "no broker answers"
        raise Unavailable(kafka=f"{brokers.servers}: {what}") from error


async def _shadow_tables(owner: asyncpg.Connection, tables: Sequence[str]) -> None:
    async with owner.transaction():
        await owner.execute(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE; CREATE SCHEMA {SHADOW}")
        for role in (APP, WORKER):
            await owner.execute(f"GRANT USAGE ON SCHEMA {SHADOW} TO {role}")
        for table in tables:
            await owner.execute(f'CREATE TABLE {SHADOW}."{table}" (LIKE public."{table}" INCLUDING ALL)')
        await owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SHADOW} TO {WORKER}")


async def _refuse_while_held(owner: asyncpg.Connection, projection: Projection, clock: Clock) -> None:
    if projection.kept and (until := await told_until(owner, clock())) is not None:
        raise NothingDone(
            f"a legal hold is in force until {until}: nothing was built anew, since what the hold keeps may be in the tables alone;"
            " rebuild once it is over or released"
        )


async def _swap(owner: asyncpg.Connection, projection: Projection, clock: Clock) -> None:
    """Replaces contents, not tables: names of indexes and rights stay what the migrations made them."""
    tables = projection.tables
    names = ", ".join(f'public."{table}"' for table in tables)
    async with owner.transaction():
        await owner.execute(f"SET LOCAL lock_timeout = '{int(SWAP_WITHIN_S)}s'")
        await owner.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        await _refuse_while_held(owner, projection, clock)  # a hold may have come while the topics were read
        await owner.execute(f"TRUNCATE {names}")
        for table in tables:
            columns = ", ".join(f'"{name}"' for name in await _columns(owner, table))
            await owner.execute(
                f'INSERT INTO public."{table}" ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {SHADOW}."{table}"'
            )
        await owner.execute(f"DROP SCHEMA {SHADOW} CASCADE")


async def _columns(owner: asyncpg.Connection, table: str) -> list[str]:
    rows = await owner.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        " ORDER BY attnum",
        f'public."{table}"',
    )
    return [row["attname"] for row in rows]


async def _read(brokers: Brokers, subscriptions: Sequence[Subscription[Any]], extents: Extents) -> int:
    """Applies what lies between the start and the end of each partition; how many messages that was."""
    read = 0
    for subscription in subscriptions:
        places = {place: extent for place, extent in extents.items() if place[0] == subscription.topic and extent.start < extent.end}
        if places:
            read += await _read_topic(brokers, subscription, places)
    return read


async def _read_topic(brokers: Brokers, subscription: Subscription[Any], places: Extents) -> int:
    delivery, read = Delivery(subscription, _pass_over, BugLimit()), 0
    left = {TopicPartition(*place): extent.end for place, extent in places.items()}
    consumer = AIOKafkaConsumer(**brokers.aiokafka(), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(left))
        for place, extent in places.items():
            consumer.seek(TopicPartition(*place), extent.start)
        while left:
            batches = await consumer.getmany(timeout_ms=500, max_records=AT_ONCE)
            records = [record for place, found in batches.items() for record in found if record.offset < left.get(place, 0)]
            await delivery.deliver([delivery.read(_received(record)) for record in records])
            read += len(records)
            for place, end in list(left.items()):
                if await consumer.position(place) >= end:
                    del left[place]
    finally:
        await consumer.stop()
    return read


def _received(record: Any) -> Received:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return Received(
        record.topic, record.partition, record.offset, record.key, record.value, headers, current=lambda: True, acknowledge=lambda: None
    )


async def _pass_over(topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
    log.warning("passed over in a rebuild", topic=topic, origin=headers.get("origin"))
