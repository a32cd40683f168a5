"""What a bench stands on: a database of timetracking, a process of ours, and the CPU time that each of them takes."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import psutil
from chassis.migrations import migrate
from chassis.roles import Entrances, provide
from chassis.testing.postgres import Postgres, start_postgres
from localstack.processes import Died, Process, end

SERVICE = "timetracking"
E2E_TESTS = Path(__file__).resolve().parents[1]
READY_WITHIN_S = 60.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ground:
    """A PostgreSQL of the bench's own, with fsync, and in it the migrated database of timetracking."""

    postgres: Postgres
    urls: Entrances

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Any]:
        """asyncpg's connection as the owner of the tables, to fill them past the services."""
        connection = await asyncpg.connect(self.urls.migrator)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Starts a PostgreSQL with an empty database of timetracking; its data are gone at the end."""
    folder = await asyncio.to_thread(_folder)
    try:
        server = await asyncio.to_thread(start_postgres, folder / "data")
        try:
            urls = await provide(server.url, SERVICE, SERVICE, server.password_of)
            await migrate(urls.migrator, f"{SERVICE}.migrations")
            yield Ground(server, urls)
        finally:
            await asyncio.to_thread(server.stop)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    """A folder that the server's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="tartip-bench-"))
    folder.chmod(0o755)
    return folder


@asynccontextmanager
async def module(*arguments: str, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """Runs a module of ours for the length of the block: ("timetracking", "serve")."""
    process = await Process.start(" ".join(arguments[:2]), arguments, {**os.environ, **environment}, E2E_TESTS, lambda *_: None)
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


def cpu_seconds(pid: int) -> float:
    """The CPU seconds that a process and its children have taken so far."""
    total = 0.0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return total
    for each in family:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
