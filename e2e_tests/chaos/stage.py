"""A small platform for faults: timetracking's processes on a Kafka and a PostgreSQL of their own, all of which may be killed."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from chassis.client import channel
from chassis.clock import step
from chassis.database import Database
from chassis.migrations import migrate
from chassis.publisher import Outgoing, Publisher
from chassis.roles import Entrances, provide
from chassis.supervision import closing
from chassis.survey import survey
from chassis.testing.kafka import TOPICS, Kafka
from chassis.testing.postgres import Postgres
from chassis.testing.processes import command
from chassis.testing.tokens import Tokens
from chassis.testing.waiting import until
from chassis.topics import read
from chassis.urls import plain_url
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from google.protobuf.message import Message
from localstack.parts import free_addresses
from localstack.processes import Process, end
from sqlalchemy import make_url
from tartip.timetracking.v1.device_service_pb2_grpc import DeviceServiceStub

from ..demo.level import Metrics
from ..demo.level import read as read_metrics
from .department import NOW, SYSTEM, Department
from .traffic import connected, flowing

SERVICE = "timetracking"
GROUP = SERVICE
CONSUMED = (
    *("registry.bodies.v1", "registry.servants.v1", "regimes.plans.v1", "regimes.orders.v1"),
    *("timetracking.passages.v1", "timetracking.late-passages.v1"),
)
ALL = ("serve", "gateway", "consume", "work")
# A consumer that was killed is missed after so long: a test waits for it again and again.
SESSION_TIMEOUT_S = 3
# A machine that does other things too is slow; whoever waits longer waits for something that does not come.
PATIENCE_S = 120.0
ANSWERED_WITHIN_S = 20.0
# A transaction that has written something and waits for a lock: the middle of it.
_STOPPED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock' AND backend_xid IS NOT NULL
"""
# A relay that has read events and waits for Kafka: one that finds none asks again twenty times a second.
_PUBLISHING = """
SELECT FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'timetracking work' AND state = 'idle'
    AND query LIKE '%FROM outbox WHERE xid <%' AND state_change < clock_timestamp() - interval '0.3 s'
"""
_WAITING = "SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
_GATE = """
CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
CREATE TRIGGER gate BEFORE DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION gate();
"""
_NO_GATE = "DROP TRIGGER gate ON {table}; DROP FUNCTION gate"
_DELETING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1"
_CUT = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
_LEFT = """
SELECT (SELECT count(*) FROM due_reads) AS reads, (SELECT count(*) FROM due_days) AS days,
       (SELECT count(*) FROM due_device_days) AS device_days, (SELECT count(*) FROM due_looks) AS looks,
       (SELECT count(*) FROM plan_days WHERE NOT settled AND window_end <= $1) AS closings,
       (SELECT count(*) FROM outbox) AS events
"""


class NotReached(AssertionError):
    """The platform did not come to what was waited for; says how far it is."""


@dataclass(slots=True)
class Stage:
    """The processes by name ("consume", "consume-2"), and what they stand on. Logs lie in the folder."""

    kafka: Kafka
    postgres: Postgres
    urls: Entrances
    folder: Path
    tokens: Tokens
    told: Mapping[str, str]
    publisher: Publisher
    http: aiohttp.ClientSession
    gateway: str
    systems: str
    rpcs: str
    _free: Any = field(default_factory=free_addresses)
    admin: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    _looked: int = 0

    async def start(self, *names: str) -> None:
        """Starts processes side by side; returns when all are ready."""
        for name in names:
            self.processes[name] = await self._start(name)
        await asyncio.gather(*(self.ready(name) for name in names))

    async def whole(self) -> None:
        """Starts what does not run and ends what is too many: each story begins alike."""
        await self.leave(*(name for name in self.processes if name not in ALL))
        await self.start(*(name for name in ALL if name not in self.processes or self.processes[name].code is not None))

    def kill(self, name: str) -> None:
        """Ends a process at once, as a machine that goes dark does."""
        process = self.processes[name]
        assert process.code is None, f"{name} ended before it was killed: {self.last_words(name)}"
        os.kill(process.pid, signal.SIGKILL)

    async def gone(self, name: str) -> None:
        """Returns when a process that was killed has ended."""
        await self.processes.pop(name).ended

    async def leave(self, *names: str) -> None:
        """Asks processes to end and waits until they have."""
        await end([self.processes.pop(name) for name in names])

    async def ready(self, name: str, *, yes: bool = True) -> None:
        """Returns when a process says that it is ready, or that it is not."""
        wanted = 200 if yes else 503

        async def so() -> bool:
            if self.processes[name].code is not None:
                raise NotReached(f"{name} ended with {self.processes[name].code}: {self.last_words(name)}")
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.get(f"http://{self.admin[name]}/ready") as answer:
                    return answer.status == wanted
            return False

        await until(so, PATIENCE_S)

    async def all_ready(self) -> None:
        """Returns when all processes say that they are ready."""
        await asyncio.gather(*(self.ready(name) for name in self.processes))

    async def metrics(self, name: str) -> Metrics:
        """What a process says of itself now."""
        async with self.http.get(f"http://{self.admin[name]}/metrics") as answer:
            return read_metrics(await answer.text())

    async def recorded_by(self, name: str) -> int:
        """How many passages a consumer has recorded, repeated ones too."""
        samples = (await self.metrics(name)).samples
        return int(sum(sum(samples.get(f"tartip_passages_{each}_total", {}).values()) for each in ("stored", "repeated")))

    async def reads_all(self, name: str) -> bool:
        """Whether a consumer reads all partitions of all topics."""
        positions = (await self.metrics(name)).by("tartip_stream_position", "topic", "partition")
        return len(positions) == len(await survey(self.kafka.bootstrap, GROUP, CONSUMED))

    def last_words(self, name: str) -> str:
        """What a process said last."""
        return "\n".join(self.processes[name].last)

    async def entered(self) -> Any:
        """asyncpg's connection to timetracking's database, as one who may do everything there."""
        database = make_url(self.urls.worker).database
        return await asyncpg.connect(plain_url(make_url(self.postgres.url).set(database=database)))

    async def rows(self, query: str, *arguments: object) -> list[Any]:
        """What the database holds."""
        connection = await self.entered()
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            connection.terminate()

    async def execute(self, script: str) -> None:
        """Changes the database behind the platform's back."""
        connection = await self.entered()
        try:
            await connection.execute(script)
        finally:
            connection.terminate()

    async def command(self, *arguments: str) -> str:
        """What an operator does at the command line, to its end; what it said."""
        told = {**os.environ, **self.told, "TARTIP_DATABASE_URL": self.urls.worker}
        code, said = await command(SERVICE, told, *arguments)
        assert code == 0, said
        return said

    @asynccontextmanager
    async def stopping_at(self, table: str) -> AsyncIterator[None]:
        """Every transaction that comes to write into the table stops there, in its middle."""
        connection = await self.entered()
        try:
            await connection.execute(f"BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE")
            yield
        finally:
            connection.terminate()

    async def stopped(self, process: str) -> int:
        """How many transactions of a process have written something and wait for a lock."""
        [row] = await self.rows(_STOPPED, f"{SERVICE} {process}")
        return int(row[0])

    @asynccontextmanager
    async def stopping_deletions(self, table: str) -> AsyncIterator[None]:
        """Everyone who comes to delete from the table stops there."""
        connection = await self.entered()
        try:
            await connection.execute("SELECT pg_advisory_lock(7)")
            await connection.execute(_GATE.format(table=table))
            yield
            await connection.execute("SELECT pg_advisory_unlock(7)")
            await connection.execute(_NO_GATE.format(table=table))
        finally:
            connection.terminate()

    async def deleting(self, table: str) -> bool:
        """Whether somebody has come to delete from the table, and is stopped."""
        return bool(await self.rows(_DELETING, f"DELETE FROM {table}%"))

    @asynccontextmanager
    async def holding(self, servant: str) -> AsyncIterator[None]:
        """Who wants to compute a day of the servant waits."""
        database = Database(self.urls.worker, longest_s=PATIENCE_S, name="somebody")
        async with closing(database), database.transaction() as transaction:
            await transaction.lock("servant", [servant])
            yield

    @asynccontextmanager
    async def writing_slowly(self) -> AsyncIterator[None]:
        """Somebody has written something that concerns nobody here, and does not come to an end."""
        connection = await self.entered()
        try:
            await connection.execute("BEGIN; SELECT pg_current_xact_id()")
            yield
            await connection.execute("COMMIT")
        finally:
            connection.terminate()

    async def waiting(self, count: int) -> bool:
        """Whether so many transactions wait for keys that others hold."""
        return len(await self.rows(_WAITING)) == count

    async def publishing(self) -> bool:
        """Whether the relay has sent events and waits for Kafka to have them."""
        return await self.count("outbox") > 0 and bool(await self.rows(_PUBLISHING))

    def circles(self) -> list[str]:
        """What PostgreSQL has said since the last look of transactions that waited for one another in a circle."""
        with self.postgres.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._looked)
            said = log.read()
            self._looked = log.tell()
        return [text.partition("STATEMENT:")[0] for text in said.split("ERROR:  deadlock detected")[1:]]

    async def cut(self, process: str) -> None:
        """The database loses its connections to a process."""
        await self.rows(_CUT, f"{SERVICE} {process}")

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        [row] = await self.rows(f"SELECT count(*) FROM {table}")
        return int(row[0])

    async def none(self, table: str) -> bool:
        """Whether a table is empty."""
        return await self.count(table) == 0

    async def announce(self, department: Department) -> None:
        """Registry and regimes tell of the department; its gates are enrolled and its badges given out."""
        await self.publish(department.told())
        await until(self.applied, PATIENCE_S)
        async with channel(self.rpcs, await self.token()) as opened:
            stub: Any = DeviceServiceStub(opened)
            for gate in department.enrolments():
                await stub.EnrolDevice(gate)
        await self.assign(*department.badges())

    async def assign(self, *badges: Any) -> None:
        """An HR officer gives badges out."""
        async with channel(self.rpcs, await self.token()) as opened:
            stub: Any = DeviceServiceStub(opened)
            for badge in badges:
                await stub.AssignBadge(badge)

    async def publish(self, told: Iterable[tuple[str, str, Message]]) -> None:
        """Lets registry and regimes publish."""
        sent = [Outgoing(topic, key.encode(), value.SerializeToString(), _headers(value)) for topic, key, value in told]
        await self.publisher.send_all(sent)

    def again(self, department: Department) -> list[tuple[str, str, Message]]:
        """What was published of the department's body already."""
        return [next(department.told())]

    @asynccontextmanager
    async def kept_otherwise(self, topic: str, settings: Mapping[str, str]) -> AsyncIterator[None]:
        """The topic is kept by these settings for the length of the block, and then as it was born again."""
        born = next(each for each in read(TOPICS) if each.name == topic).settings("local")
        await self._keep(topic, settings)
        yield
        await self._keep(topic, {name: born.get(name) for name in settings})

    async def _keep(self, topic: str, settings: Mapping[str, str | None]) -> None:
        def keep() -> None:
            entries = [
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET if value else AlterConfigOpType.DELETE)
                for name, value in settings.items()
            ]
            [done] = self.kafka.handle.incremental_alter_configs(
                [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)]
            ).values()
            done.result()

        await asyncio.to_thread(keep)

    async def begin_segments(self, topic: str, filler: Any) -> None:
        """Lets each partition begin a new segment: the one that is written into is never cleaned."""
        partitions = await self.publisher.partitions(topic)
        value = filler.SerializeToString()
        await self.publisher.send_all(Outgoing(topic, b"filler", value, _headers(filler), place) for place in range(partitions))

    async def forget_group(self, group: str) -> None:
        """Kafka forgets how far a group was that nobody is in any more."""

        def forget() -> None:
            [done] = self.kafka.handle.delete_consumer_groups([group]).values()
            done.result()

        await asyncio.to_thread(forget)

    def flowing(self, department: Department) -> Any:
        """People pass all gates of the department for the length of a block."""
        return flowing(department, self.gateway, self.systems, self.token)

    def connected(self, department: Department) -> Any:
        """The gates of the department, which nobody passes but whom the block sends through: a `Traffic`."""
        return connected(department, self.gateway, self.systems, self.token)

    async def token(self) -> str:
        """A token of one who may do all that happens here."""
        return self.tokens.mint("somebody", ("/nation/hr-officer", f"/systems/{SYSTEM}/device-gateway"))

    async def level(self) -> None:
        """Returns when consumers have applied everything, and nothing that is due or to be published is left."""
        left: list[object] = []

        async def is_level() -> bool:
            if not await self.applied():
                left[:] = ["messages to apply"]
                return False
            [row] = await self.rows(_LEFT, NOW)
            left[:] = [dict(row)]
            return not any(row.values())

        try:
            await until(is_level, PATIENCE_S)
        except TimeoutError:
            words = "\n".join(f"{name}: {self.last_words(name)}" for name in self.processes)
            raise NotReached(f"not level, there are left {left}\n{words}") from None

    async def applied(self, *topics: str) -> bool:
        """Whether the consumers have committed everything that lies in these topics, or in all that they read."""
        extents = await survey(self.kafka.bootstrap, GROUP, topics or CONSUMED)
        return all(extent.start >= extent.end for extent in extents.values())

    async def _start(self, name: str) -> Process:
        kind = name.partition("-")[0]
        self.admin[name] = next(self._free)
        own = {
            "TARTIP_ADMIN_LISTEN": self.admin[name],
            "TARTIP_LISTEN": self.systems if kind == "gateway" else self.rpcs,
            "TARTIP_DATABASE_URL": self.urls.worker if kind in ("consume", "work") else self.urls.app,
        }
        log = (self.folder / f"{name}.log").open("a", encoding="utf-8")

        def said(_: str, line: str) -> None:
            log.write(line + "\n")
            log.flush()

        process = await Process.start(name, (SERVICE, kind), {**os.environ, **self.told, **own}, self.folder, said)
        process.ended.add_done_callback(lambda _: log.close())
        return process


@asynccontextmanager
async def stage(
    kafka: Kafka, postgres: Postgres, folder: Path, topics: Mapping[str, Mapping[str, str]] | None = None
) -> AsyncIterator[Stage]:
    """All four processes, ready; `topics` gives settings that go over what a topic is born with."""
    async with AsyncExitStack() as stack:
        await asyncio.to_thread(_create, kafka, topics or {})
        urls = await provide(postgres.url, SERVICE, SERVICE, postgres.password_of)
        await migrate(urls.migrator, f"{SERVICE}.migrations")
        step(folder / "clock", NOW)
        tokens = Tokens(demo=True)
        issuer = await stack.enter_async_context(tokens.serving())
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWERED_WITHIN_S)))
        publisher = Publisher(kafka.bootstrap)
        stack.push_async_callback(publisher.close)
        free = free_addresses()
        gateway, systems, rpcs = next(free), next(free), next(free)
        told = {
            "TARTIP_KAFKA": kafka.bootstrap,
            "TARTIP_ISSUER": issuer,
            "TARTIP_ALLOW_DEMO_ISSUER": "true",
            "TARTIP_CLOCK": f"file:{folder / 'clock'}",
            "TARTIP_PAGE_KEY": secrets.token_hex(8),
            "TARTIP_GATEWAY_LISTEN": gateway,
            "TARTIP_MIGRATOR_DATABASE_URL": urls.migrator,
            "TARTIP_SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
        }
        made = Stage(kafka, postgres, urls, folder, tokens, told, publisher, http, gateway, systems, rpcs, free)
        stack.push_async_callback(_ended, made)
        await made.start(*ALL)
        yield made


def _create(kafka: Kafka, settings: Mapping[str, Mapping[str, str]]) -> None:
    for topic, over in settings.items():
        kafka.create([topic], over)
    kafka.create([each.name for each in read(TOPICS) if each.name not in settings])


async def _ended(made: Stage) -> None:
    await end(made.processes.values())


def _headers(value: Any) -> dict[str, str]:
    return {"event_id": value.event_id}
