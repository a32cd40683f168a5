"""A region of two versions: all services on a Kafka and a PostgreSQL, whose processes are replaced one by one, a new one beside the old."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import asyncpg
from chassis.clock import step
from chassis.publisher import Publisher
from chassis.roles import provide
from chassis.survey import survey
from chassis.testing.kafka import TOPICS, Kafka
from chassis.testing.postgres import Postgres
from chassis.testing.tokens import Tokens
from chassis.topics import parked, read
from localstack.parts import SERVICES, Part, free_addresses
from localstack.processes import Process, end

from ..chaos.department import NOW
from ..chaos.inside import Inside
from ..chaos.patience import until
from ..chaos.stage import ANSWERED_WITHIN_S, SESSION_TIMEOUT_S, Stage
from ..chaos.topics import Topics
from .front import Front, front
from .version import Version

TIMETRACKING = "timetracking"
PARTS: Mapping[str, tuple[str, Part]] = {
    f"{service} {part.command}": (service, part) for service, parts in SERVICES.items() for part in parts
}
LOT = parked("")
TOLD_TO_REGIMES = ("registry.bodies.v1", "registry.servants.v1")
# As in a cluster, where it takes longer until everybody knows that an endpoint is going: docs/upgrade.md.
DRAIN_S = 1.0
# After so long a cluster kills who was asked to end.
ENDED_WITHIN_S = 30.0
# What a next migration may add to any table: old and new code have to go on.
_EXPANSION = "ALTER TABLE {table} ADD added_later text, ADD counted_later integer NOT NULL DEFAULT 0"
_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version'
"""
# As long as a migration of ours waits for a table.
_PATIENCE = "SET lock_timeout = '4s'"


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A process of the region, of one version, at its addresses."""

    name: str
    version: Version
    process: Process
    at: Mapping[str, str]


@dataclass(slots=True)
class Region:
    """The members by part ("registry serve"), what they stand on, and where each part may be found: two places, used in turn."""

    stage: Stage
    front: Front
    insides: Mapping[str, Inside]
    places: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]]
    members: dict[str, Member] = field(default_factory=dict)
    replaced: int = 0

    def targets(self, service: str) -> str:
        """Both places of those who answer a service's RPCs, as gRPC takes them."""
        return targets(self.places[f"{service} serve"])

    async def begin(self, version: Version) -> None:
        """Starts all parts side by side; returns when all are ready."""
        for part, member in zip(PARTS, await asyncio.gather(*(self._started(part, version, 0) for part in PARTS)), strict=True):
            self.members[part] = member

    async def roll(self, version: Version, beside: Callable[[], Awaitable[None]]) -> None:
        """Replaces all members by those of a version: each part by itself and all at once, as a cluster does with what Helm changed.

        A new one is started beside the old one, `beside` is waited for while both work, then the old one is asked to end.
        """
        async with asyncio.TaskGroup() as group:
            for part in PARTS:
                group.create_task(self._replace(part, version, beside))

    async def expand(self) -> int:
        """Adds columns to every table of every service, as a next migration may, while everybody works; to how many tables."""
        count = 0
        for inside in self.insides.values():
            for row in await inside.rows(_TABLES):
                await until(partial(_added, inside, row["relname"]))
                count += 1
        return count

    async def level(self) -> None:
        """Returns when everything that was told is applied by everybody, computed and told on."""
        await until(self._told_on)
        await self.stage.level()

    async def parked(self) -> int:
        """How many messages were parked."""
        lots = [each.name for each in read(TOPICS) if each.name.endswith(LOT)]
        extents = await asyncio.gather(*(asyncio.to_thread(self.stage.kafka.extents, lot) for lot in lots))
        return sum(end - start for extent in extents for start, end in extent.values())

    async def _told_on(self) -> bool:
        registry, regimes = self.insides["registry"], self.insides["regimes"]
        if not await registry.none("outbox"):
            return False
        extents = await survey(self.stage.kafka.brokers, "regimes", TOLD_TO_REGIMES)
        if any(extent.start < extent.end for extent in extents.values()):
            return False
        return await regimes.none("due_months") and await regimes.none("outbox")

    async def _replace(self, part: str, version: Version, beside: Callable[[], Awaitable[None]]) -> None:
        old = self.members[part]
        place = 1 - self.places[part].index(old.at)
        self.members[part] = await self._started(part, version, place)
        await beside()
        await self._leave(old)
        self.replaced += 1

    async def _started(self, part: str, version: Version, place: int) -> Member:
        (service, about), stage, at = PARTS[part], self.stage, self.places[part][place]
        name = f"{part} of {version.name} at {place}"
        urls = self.insides[service].urls
        own = {"TARTIP_DATABASE_URL": urls.worker if about.role == "worker" else urls.app, "TARTIP_DRAIN_SECONDS": str(DRAIN_S)}
        log = (stage.folder / f"{part.replace(' ', '-')}-{place}.log").open("a", encoding="utf-8")

        def said(_: str, line: str) -> None:
            log.write(line + "\n")
            log.flush()

        told = {**os.environ, **stage.told, **own, **at, **version.told}
        process = await Process.start(name, (service, about.command), told, stage.folder, said, version.python)
        process.ended.add_done_callback(lambda _: log.close())
        stage.processes[name], stage.admin[name] = process, at["TARTIP_ADMIN_LISTEN"]
        await stage.ready(name)
        if "TARTIP_GATEWAY_LISTEN" in at:
            self.front.behind.append(at["TARTIP_GATEWAY_LISTEN"])
        return Member(name, version, process, at)

    async def _leave(self, member: Member) -> None:
        """Asks a member to end, as a cluster does: nobody is sent there any more, and who is killed at the end did not end in time."""
        member.process.handle.send_signal(signal.SIGTERM)
        if "TARTIP_GATEWAY_LISTEN" in member.at:
            self.front.behind.remove(member.at["TARTIP_GATEWAY_LISTEN"])
        code = await asyncio.wait_for(asyncio.shield(member.process.ended), ENDED_WITHIN_S)
        assert code == 0, f"{member.name} ended with {code}: {self.stage.last_words(member.name)}"
        del self.stage.processes[member.name]


def targets(places: tuple[Mapping[str, str], ...]) -> str:
    """Where a part's gRPC may be found, as gRPC takes more than one address."""
    return "ipv4:" + ",".join(place["TARTIP_LISTEN"] for place in places)


@asynccontextmanager
async def region(kafka: Kafka, postgres: Postgres, folder: Path, version: Version) -> AsyncIterator[Region]:
    """A region of one version, ready, its databases as that version wants them."""
    async with AsyncExitStack() as stack:
        await asyncio.to_thread(kafka.create, [each.name for each in read(TOPICS)])
        insides = {each: Inside(postgres, await provide(postgres.url, each, each, postgres.password_of)) for each in SERVICES}
        await asyncio.to_thread(version.migrate, migrators(insides))
        step(folder / "clock", NOW)
        tokens = Tokens(demo=True)
        issuer = await stack.enter_async_context(tokens.serving())
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWERED_WITHIN_S)))
        publisher = Publisher(kafka.brokers)
        stack.push_async_callback(publisher.close)
        before = await stack.enter_async_context(front())
        told = {
            "TARTIP_KAFKA": kafka.bootstrap,
            "TARTIP_ISSUER": issuer,
            "TARTIP_ALLOW_DEMO_ISSUER": "true",
            "TARTIP_CLOCK": f"file:{folder / 'clock'}",
            "TARTIP_PAGE_KEY": secrets.token_hex(8),
            "TARTIP_SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
        }
        free = free_addresses()
        places = {name: (_place(part, free), _place(part, free)) for name, (_, part) in PARTS.items()}
        systems, rpcs = targets(places["timetracking gateway"]), targets(places["timetracking serve"])
        stage = Stage(
            *(kafka, postgres, insides[TIMETRACKING], Topics(kafka, publisher), folder, tokens, told, publisher, http),
            *(before.address, systems, rpcs),
        )
        stack.push_async_callback(_ended, stage)
        made = Region(stage, before, insides, places)
        await made.begin(version)
        yield made


def migrators(insides: Mapping[str, Inside]) -> dict[str, str]:
    """The URL of each service's migrator."""
    return {service: inside.urls.migrator for service, inside in insides.items()}


def _place(part: Part, free: Iterator[str]) -> Mapping[str, str]:
    return {"TARTIP_ADMIN_LISTEN": next(free), **{variable: next(free) for variable in part.listens}}


async def _added(inside: Inside, table: str) -> bool:
    """Adds columns to a table; False where those who work there did not make room in time."""
    try:
        await inside.execute(f"{_PATIENCE}; {_EXPANSION.format(table=table)}")
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def _ended(stage: Stage) -> None:
    await end(stage.processes.values())
