"""What benches stand on: a PostgreSQL and a Kafka as they are in a cluster, processes of ours, and the CPU time that each takes."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from chassis.migrations import migrate
from chassis.roles import Entrances, provide
from chassis.testing.artifacts import ROOT
from chassis.testing.kafka import Kafka
from chassis.testing.postgres import Postgres, start_postgres
from localstack.processes import Died, Process, end

from .figures import Say

SERVICE = "timetracking"

READY_WITHIN_S = 180.0
LOOK_AGAIN_S = 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ground:
    """A migrated database of timetracking, on a server with fsync."""

    postgres: Postgres
    urls: Entrances

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Any]:
        """asyncpg's connection as the owner of the tables, to fill them past the services and to look into them."""
        connection = await asyncpg.connect(self.urls.migrator)
        try:
            yield connection
        finally:
            await connection.close()


# As a server for a nation's year has them; that of the tests and of the local stack has an eighth and a quarter of it.
SERVER = {"shared_buffers": "1GB", "max_wal_size": "4GB"}


@dataclass(slots=True)
class Stand:
    """What the benches of one run share; each part is started when a bench first asks for it, and ends with the run.

    `scale` is the size of everything: 1 is the size of the targets.
    """

    stack: AsyncExitStack
    scale: float
    say: Say
    _postgres: Postgres | None = None
    _resting: list[Kafka] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def size(self, full: int, least: int = 1) -> int:
        """How many there are of what there would be `full` at the size of the targets."""
        return max(least, round(full * self.scale))

    def rounds(self, full: int) -> int:
        """How many rounds there are where there would be `full` at the size of the targets: a quarter of it has them all."""
        return min(full, self.size(4 * full))

    async def postgres(self) -> Postgres:
        """The server of this run."""
        if self._postgres is None:
            self._postgres = await self.another(self.stack)
        return self._postgres

    async def another(self, stack: AsyncExitStack) -> Postgres:
        """A server beside that one, to the end of the stack."""
        folder = await asyncio.to_thread(_folder)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = await asyncio.to_thread(start_postgres, folder / "data", options=SERVER)
        stack.callback(server.stop)
        return server

    async def ground(self, server: Postgres | None = None) -> Ground:
        """An empty database of the bench's own, on the server of this run or another one."""
        server = server or await self.postgres()
        urls = await provide(server.url, SERVICE, f"{SERVICE}_{next(self._numbers)}", server.password_of)
        await migrate(urls.migrator, f"{SERVICE}.migrations")
        return Ground(server, urls)

    async def kafka(self, stack: AsyncExitStack) -> Kafka:
        """A real broker without topics, for the length of the stack.

        In a small run it is one that another bench is done with; at the size of the targets a fresh one, since what is left
        of a large bench would disturb the next.
        """
        if self.scale >= 1:
            return await _started(stack, self.say)
        kafka = self._resting.pop() if self._resting else await _started(self.stack, self.say)
        stack.push_async_callback(self._rests, kafka)
        return kafka

    async def _rests(self, kafka: Kafka) -> None:
        """What a bench left there goes, or the next one would read it."""
        await asyncio.to_thread(kafka.delete, {topic for topic, _ in kafka.partitions()})
        self._resting.append(kafka)


async def _started(stack: AsyncExitStack, say: Say) -> Kafka:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tartip-bench-kafka-", ignore_cleanup_errors=True)))
    kafka = await asyncio.to_thread(Kafka, folder, say=say)
    stack.push_async_callback(asyncio.to_thread, kafka.stop)
    await asyncio.to_thread(kafka.start)
    return kafka


@asynccontextmanager
async def stand(scale: float, say: Say) -> AsyncIterator[Stand]:
    """Gives what benches stand on; all of it is ended at the end of the block."""
    async with AsyncExitStack() as stack:
        yield Stand(stack, scale, say)


@asynccontextmanager
async def module(*arguments: str, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """Runs a module of ours for the length of the block: ("timetracking", "serve")."""
    process = await Process.start(" ".join(arguments[:2]), arguments, {**os.environ, **environment}, ROOT, lambda *_: None)
    try:
        yield process
    finally:
        await end([process])


async def met(process: Process, condition: Awaitable[T]) -> T:
    """Waits for something that the process brings about; raises Died where it ends before."""
    task = asyncio.ensure_future(condition)
    waiting: set[asyncio.Future[Any]] = {task, process.ended}
    await asyncio.wait(waiting, timeout=READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        return task.result()
    task.cancel()
    raise Died(process)


def _folder() -> Path:
    """A folder that the server's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="tartip-bench-"))
    folder.chmod(0o755)
    return folder
