"""A small platform for faults: timetracking's processes on a Kafka and a PostgreSQL of their own, all of which may be killed."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
from chassis.clock import step
from chassis.migrations import migrate
from chassis.publisher import Outgoing, Publisher
from chassis.roles import provide
from chassis.survey import survey
from chassis.testing.client import channel
from chassis.testing.kafka import TOPICS, Kafka
from chassis.testing.postgres import Postgres
from chassis.testing.processes import command
from chassis.testing.tokens import Tokens
from chassis.topics import read
from google.protobuf.message import Message
from localstack.parts import free_addresses
from localstack.processes import Process, end
from tartip.timetracking.v1.device_service_pb2_grpc import DeviceServiceStub
from timetracking.parking.consumer import LOTS
from timetracking.parking.domain import OWN

from ..demo.level import Metrics
from ..demo.level import read as read_metrics
from .department import NOW, SYSTEM, Department
from .inside import SERVICE, Inside
from .patience import until
from .topics import Topics
from .traffic import connected, flowing

GROUP = SERVICE
CONSUMED = (
    *("registry.bodies.v1", "registry.servants.v1", "regimes.plans.v1", "regimes.orders.v1"),
    *("timetracking.passages.v1", "timetracking.late-passages.v1"),
)
BESIDE = (*OWN, *LOTS)
ALL = ("serve", "gateway", "consume", "work")
# A consumer that was killed is missed after so long: a test waits for it again and again.
SESSION_TIMEOUT_S = 3
ANSWERED_WITHIN_S = 20.0
# No topic has two who read it from beside.
_READ_BESIDE = "SELECT topic, partition, next_offset FROM read_positions"
# Looks at gates are waited for, since days follow from what they find. The more a gate has of a date the later it is looked at:
# the few hundred of a story within some seconds, the four thousand of the longest backlog within forty.
_LEFT = """
SELECT (SELECT count(*) FROM due_reads) AS reads, (SELECT count(*) FROM due_days) AS days,
       (SELECT count(*) FROM due_device_days) AS device_days, (SELECT count(*) FROM due_looks) AS looks,
       (SELECT count(*) FROM device_days WHERE stored <> looked_at_stored) AS gates_to_look_at,
       (SELECT count(*) FROM devices WHERE serial NOT IN (SELECT device FROM device_looks WHERE due_at > $1)) AS silences_to_look_for,
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
    inside: Inside
    topics: Topics
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

    async def start(self, *names: str) -> None:
        """Starts processes side by side; returns when all are ready."""
        for name in names:
            self.processes[name] = await self._start(name)
        await asyncio.gather(*(self.ready(name) for name in names))

    async def begin(self, name: str) -> None:
        """Starts a process that cannot be ready yet."""
        self.processes[name] = await self._start(name)

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

        await until(so)

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
        return len(positions) == len(await survey(self.kafka.brokers, GROUP, CONSUMED))

    def last_words(self, name: str) -> str:
        """What a process said last."""
        return "\n".join(self.processes[name].last)

    async def command(self, *arguments: str) -> str:
        """What an operator does at the command line, to its end; what it said."""
        told = {**os.environ, **self.told, "TARTIP_DATABASE_URL": self.inside.urls.worker}
        code, said = await command(SERVICE, told, *arguments)
        assert code == 0, said
        return said

    async def announce(self, department: Department, but: Collection[str] = ()) -> None:
        """Registry and regimes tell of the department; its gates are enrolled and its badges given out, but for those of some servants."""
        await self.publish(department.told())
        await until(self.applied)
        await self.enrol(department, but)

    async def enrol(self, department: Department, but: Collection[str] = ()) -> None:
        """An HR officer enrols the department's gates and gives its badges out, but for those of some servants; who it is, is known."""
        async with channel(self.rpcs, await self.token()) as opened:
            stub: Any = DeviceServiceStub(opened)
            for gate in department.enrolments():
                await stub.EnrolDevice(gate)
        await self.assign(*(each for each in department.badges() if each.parent.removeprefix("servants/") not in but))

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
        """Returns when everything is applied and counted, and nothing that is due, to be looked at or to be published is left."""
        left: list[object] = []

        async def is_level() -> bool:
            if not await self.applied():
                left[:] = ["messages to apply"]
                return False
            if not await self.counted():
                left[:] = ["messages to count"]
                return False
            [row] = await self.inside.rows(_LEFT, NOW)
            left[:] = [dict(row)]
            return not any(row.values())

        try:
            await until(is_level)
        except TimeoutError:
            words = "\n".join(f"{name}: {self.last_words(name)}" for name in self.processes)
            raise NotReached(f"not level, there are left {left}\n{words}") from None

    async def applied(self, *topics: str) -> bool:
        """Whether the consumers have committed everything that lies in these topics, or in all that they read."""
        extents = await survey(self.kafka.brokers, GROUP, topics or CONSUMED)
        return all(extent.start >= extent.end for extent in extents.values())

    async def counted(self) -> bool:
        """Whether those who read from beside have counted all that came, and noted all that was parked."""
        extents = await survey(self.kafka.brokers, GROUP, BESIDE)
        read = {(row["topic"], row["partition"]): row["next_offset"] for row in await self.inside.rows(_READ_BESIDE)}
        return all(read.get(place, 0) >= extent.end for place, extent in extents.items())

    async def _start(self, name: str) -> Process:
        kind = name.partition("-")[0]
        self.admin[name] = next(self._free)
        own = {
            "TARTIP_ADMIN_LISTEN": self.admin[name],
            "TARTIP_LISTEN": self.systems if kind == "gateway" else self.rpcs,
            "TARTIP_DATABASE_URL": self.inside.urls.worker if kind in ("consume", "work") else self.inside.urls.app,
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
    kafka: Kafka, postgres: Postgres, folder: Path, at: datetime = NOW, more: Mapping[str, str] | None = None
) -> AsyncIterator[Stage]:
    """All four processes, ready, at an instant of their clock; `more` is what they are told beside."""
    async with AsyncExitStack() as stack:
        await asyncio.to_thread(kafka.create, [each.name for each in read(TOPICS)])
        urls = await provide(postgres.url, SERVICE, SERVICE, postgres.password_of)
        await migrate(urls.migrator, f"{SERVICE}.migrations")
        step(folder / "clock", at)
        tokens = Tokens(demo=True)
        issuer = await stack.enter_async_context(tokens.serving())
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWERED_WITHIN_S)))
        publisher = Publisher(kafka.brokers)
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
            **(more or {}),
        }
        inside, topics = Inside(postgres, urls), Topics(kafka, publisher)
        made = Stage(kafka, postgres, inside, topics, folder, tokens, told, publisher, http, gateway, systems, rpcs, free)
        stack.push_async_callback(_ended, made)
        await made.start(*ALL)
        yield made


async def _ended(made: Stage) -> None:
    await end(made.processes.values())


def _headers(value: Any) -> dict[str, str]:
    return {"event_id": value.event_id}
