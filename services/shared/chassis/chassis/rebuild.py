"""Building a projection anew from its topics while the service goes on answering from the old one.

The topics are read from their beginning into shadow tables. Then the real ones are locked, which keeps the consumer out; what it may
have applied meanwhile is read too, and the shadow's contents replace the real ones in the same transaction. So nobody ever sees a
state that is older than the one before: no hold is missing and nobody who was erased is back, whenever the process dies.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
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
from chassis.database import Database
from chassis.delivery import Delivery, Received, Subscription, TombstoneNotApplied
from chassis.entering import entering
from chassis.migrations.foundation import APP, WORKER
from chassis.parking import Origin
from chassis.personal_data.holds import told_until
from chassis.personal_data.retention import Known, followed
from chassis.positions import Extent, Partition
from chassis.shadow import DROP, REBUILDING, SHADOW
from chassis.supervision import closing
from chassis.survey import NoSuchTopic, survey
from chassis.topics import parked
from chassis.urls import plain_url

AT_ONCE = 500
# The swap holds the tables for readers and writers: it waits so long for each of them, and so long for what came meanwhile to be read.
SWAP_WITHIN_S = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Projection:
    """A set of tables that are made of topics and nothing else.

    `subscriptions(database)` are those of the service's consumer, writing through the database they are given. `holds` is the topic
    that tells of legal holds: where it is among those, none of its states is passed over. What is `kept` for a term is passed over
    once that has ended, and taken back in the topic: it is not built anew while a legal hold keeps what is there, or may be on its way.
    """

    tables: tuple[str, ...]
    subscriptions: Callable[[Database], Sequence[Subscription[Any]]]
    holds: str = ""
    kept: bool = False


async def rebuild(projection: Projection, brokers: Brokers, migrator_url: str, worker_url: str, clock: Clock = real_clock) -> int:
    """Builds the projection anew; how many messages were read. Safe to repeat, also after a crash in the middle.

    NothingDone, and nothing changed, while a legal hold is in force or may be on its way, or where somebody was erased meanwhile, where
    terms decide what is in it; while another rebuild is at work; where a tombstone, or a state that may tell of a legal hold, cannot be
    applied. Other messages that cannot be applied are passed over: the consumer parked them when they came.
    """
    real, shadow = Database(worker_url, name="rebuild"), Database(worker_url, name="rebuild", schemas=(SHADOW, "public"))
    known = followed(real, brokers, projection.holds, SWAP_WITHIN_S)
    reading = _Reading(brokers, projection.subscriptions(shadow), projection.holds)
    async with closing(real), _owning(migrator_url) as owner:
        leave = _Leave(owner, projection.kept, projection.holds, known, clock)
        await leave.require()
        async with _shadow_tables(owner, projection.tables), closing(shadow):
            await reading.to_the_ends()
            await reading.to_the_ends()  # what came meanwhile, so that little is left while the tables are locked
            await _swap(owner, projection.tables, reading, leave)
    return reading.read


@asynccontextmanager
async def _owning(migrator_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the tables' owner, who alone rebuilds."""
    with entering(migrator_url, "migrator_database_url"):
        owner = await asyncpg.connect(plain_url(migrator_url))
    try:
        if not await owner.fetchval("SELECT pg_try_advisory_lock($1)", REBUILDING):
            raise NothingDone("another rebuild is at work in this database: nothing was built anew; rebuild once it is done")
        yield owner
    finally:
        await owner.close()


async def _seen(brokers: Brokers, topics: Sequence[str]) -> Mapping[Partition, Extent]:
    try:
        return await survey(brokers, None, topics)
    except (KafkaConnectionError, NoSuchTopic) as error:
        what = f"no topic {error}" if isinstance(error, NoSuchTopic) else "no broker answers"
        raise Unavailable(kafka=f"{brokers.servers}: {what}") from error


@asynccontextmanager
async def _shadow_tables(owner: asyncpg.Connection, tables: Sequence[str]) -> AsyncIterator[None]:
    """Empty tables like the real ones, to the end of the block, however it ends: nobody erases from them."""
    try:
        async with owner.transaction():
            await owner.execute(f"{DROP}; CREATE SCHEMA {SHADOW}")
            for role in (APP, WORKER):
                await owner.execute(f"GRANT USAGE ON SCHEMA {SHADOW} TO {role}")
            for table in tables:
                await owner.execute(f'CREATE TABLE {SHADOW}."{table}" (LIKE public."{table}" INCLUDING ALL)')
            await owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SHADOW} TO {WORKER}")
        yield
    finally:
        await owner.execute(DROP)


@dataclass(slots=True)
class _Leave:
    """The leave to build anew what is kept for a term: no hold keeps it, and nobody was erased since it was first asked for.

    Who is erased leaves no word in the topics of such a projection when it is done here, but later or never.
    """

    owner: asyncpg.Connection
    kept: bool
    holds: str
    known: Known
    clock: Clock
    _erased: int | None = None

    async def lock(self) -> None:
        """Lets nobody place a hold or erase to the end of the transaction; before other tables, as who does that begins with these."""
        if self.kept:
            await self.owner.execute("LOCK TABLE public.legal_holds, public.erased_servants IN SHARE MODE")

    async def require(self) -> None:
        """NothingDone without it."""
        if not self.kept:
            return
        if not await self.known():  # first: what it has applied is then looked at
            raise NothingDone(
                f"a legal hold may be on its way or parked, {self.holds} is not applied to its end: nothing was built anew, since what"
                " the hold keeps may be in the tables alone; rebuild once the consumer has applied it and its parking lot is empty"
            )
        if (until := await told_until(self.owner, self.clock())) is not None:
            raise NothingDone(
                f"a legal hold is in force until {until}: nothing was built anew, since what the hold keeps may be in the tables alone;"
                " rebuild once it is over or released"
            )
        erased = await self.owner.fetchval("SELECT count(*) FROM public.erased_servants")
        if self._erased not in (None, erased):
            raise NothingDone("somebody was erased meanwhile: nothing was built anew, or they might be back; rebuild again")
        self._erased = erased


async def _swap(owner: asyncpg.Connection, tables: Sequence[str], reading: "_Reading", leave: _Leave) -> None:
    """Replaces contents, not tables: names of indexes and rights stay what the migrations made them."""
    names = ", ".join(f'public."{table}"' for table in tables)
    async with owner.transaction():
        await owner.execute(f"SET LOCAL lock_timeout = '{int(SWAP_WITHIN_S)}s'")
        await leave.lock()
        await owner.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        await _read_the_rest(reading)
        await leave.require()
        await owner.execute(f"TRUNCATE {names}")
        for table in tables:
            columns = ", ".join(f'"{name}"' for name in await _columns(owner, table))
            await owner.execute(
                f'INSERT INTO public."{table}" ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {SHADOW}."{table}"'
            )


async def _read_the_rest(reading: "_Reading") -> None:
    """Reads what came until the tables were locked: the consumer applied no more than that, and applies nothing now.

    Where it holds what a message needs (the locks of its people), it waits for our tables, and we for it, until its time runs out.
    """
    try:
        async with asyncio.timeout(SWAP_WITHIN_S):
            await reading.to_the_ends()
    except TimeoutError as error:
        raise NothingDone(
            f"what came meanwhile was not read within the {SWAP_WITHIN_S:.0f} s for which tables may be locked: nothing was built anew;"
            " rebuild when less comes"
        ) from error


async def _columns(owner: asyncpg.Connection, table: str) -> list[str]:
    rows = await owner.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        " ORDER BY attnum",
        f'public."{table}"',
    )
    return [row["attname"] for row in rows]


@dataclass(slots=True)
class _Reading:
    """Reads topics into their projection, each time from where it was to where they end."""

    brokers: Brokers
    subscriptions: Sequence[Subscription[Any]]
    holds: str
    read: int = 0
    _next: dict[Partition, int] = field(default_factory=dict)
    _newest: dict[bytes | None, Origin] = field(default_factory=dict)
    _passed_over: list[Origin] = field(default_factory=list)

    async def to_the_ends(self) -> None:
        """Applies all that the topics hold now and that was not read yet; NothingDone where that is refused."""
        extents = await _seen(self.brokers, [each.topic for each in self.subscriptions])
        left = {place: Extent(max(self._next.get(place, 0), extent.start), extent.end) for place, extent in extents.items()}
        for subscription in self.subscriptions:
            places = {place: extent for place, extent in left.items() if place[0] == subscription.topic and extent.start < extent.end}
            if places:
                await self._read_topic(subscription, places)
        self._refuse_lost_holds()

    async def _read_topic(self, subscription: Subscription[Any], places: Mapping[Partition, Extent]) -> None:
        delivery = Delivery(subscription, self._pass_over, BugLimit(), waits=False)
        left = {TopicPartition(*place): extent.end for place, extent in places.items()}
        consumer = AIOKafkaConsumer(**self.brokers.aiokafka(), enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign(list(left))
            for place, extent in places.items():
                consumer.seek(TopicPartition(*place), extent.start)
            while left:
                batches = await consumer.getmany(timeout_ms=500, max_records=AT_ONCE)
                await self._deliver(
                    delivery, [record for place, found in batches.items() for record in found if record.offset < left.get(place, 0)]
                )
                for place, end in list(left.items()):
                    if await consumer.position(place) >= end:
                        self._next[place.topic, place.partition] = left.pop(place)
        finally:
            await consumer.stop()

    async def _deliver(self, delivery: Delivery[Any], records: Sequence[Any]) -> None:
        for record in records:
            if record.topic == self.holds:
                self._newest[record.key] = Origin(record.topic, record.partition, record.offset)
        try:
            await delivery.deliver([delivery.read(_received(record)) for record in records])
        except TombstoneNotApplied as error:
            raise NothingDone(
                f"a tombstone cannot be applied, {error}: nothing was built anew, or whom it erases would be back;"
                " rebuild once what fails at it is mended"
            ) from error
        self.read += len(records)

    async def _pass_over(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        log.warning("passed over in a rebuild", topic=topic, origin=headers.get("origin"))
        origin = Origin.parse(headers.get("origin", ""))
        if topic == parked(self.holds) and origin is not None:
            self._passed_over.append(replace(origin, index=0))

    def _refuse_lost_holds(self) -> None:
        """A newer state of the same body tells of all its holds; where there is none, what was passed over may be the only one to tell."""
        newest = set(self._newest.values())
        if lost := [str(each) for each in self._passed_over if each in newest]:
            raise NothingDone(
                f"a state that may tell of a legal hold cannot be applied, {', '.join(lost)}: nothing was built anew, or the hold would be"
                " gone; rebuild once its owner has published the state again"
            )


def _received(record: Any) -> Received:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return Received(
        record.topic, record.partition, record.offset, record.key, record.value, headers, current=lambda: True, acknowledge=lambda: None
    )
