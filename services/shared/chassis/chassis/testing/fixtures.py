"""What the tests of all services share: a real PostgreSQL, an in-process Kafka, fresh databases.

Everything is started when a test first asks for it, once a session.
"""

import importlib.util
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import make_url

from chassis.database import Database
from chassis.migrations import migrate
from chassis.roles import Entrances, provide
from chassis.testing.broker import Broker, temporary_broker
from chassis.testing.orphans import children
from chassis.testing.postgres import Postgres, temporary_postgres
from chassis.testing.tokens import Tokens, issuer
from chassis.urls import plain_url


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """An empty, migrated database of one service: its URLs by role, and it opened as `app` and as `worker`."""

    name: str
    urls: Entrances
    app: Database
    worker: Database

    async def rows(self, query: str) -> list[Any]:
        """What the database holds, as its owner sees it."""
        connection = await asyncpg.connect(plain_url(self.urls.migrator))
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()


MakeDatabase = Callable[[str], Awaitable[FreshDatabase]]
_numbers = itertools.count(1)

_TABLES = """
SELECT relname FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND NOT relispartition AND relname <> 'alembic_version'
"""


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run whose tests leave processes behind has failed; they are named, and ended."""
    for pid, line in children().items():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        sys.stderr.write(f"\na process was left behind: {pid} {line}\n")
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL of this session."""
    with temporary_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """An in-process Kafka of this session: `broker.bootstrap`. Topics appear when they are first used; take fresh names."""
    with temporary_broker() as running:
        yield running


@pytest.fixture
def quiet_broker() -> Iterator[Broker]:
    """An in-process Kafka for one test alone, where the platform's own topics are asked for."""
    with temporary_broker() as running:
        yield running


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    """An issuer of this session: `tokens.mint("anna", ["/state-bodies/KGD/hr-officer"])`."""
    return issuer()


@pytest_asyncio.fixture(scope="session")
async def _templates(postgres: Postgres) -> dict[str, str]:
    """Migrated databases to copy, by service package: copying one takes a tenth of migrating anew."""
    return {}


@pytest_asyncio.fixture
async def database(postgres: Postgres, _templates: dict[str, str]) -> AsyncIterator[MakeDatabase]:
    """Makes fresh migrated databases: `await database("registry")`; dropped after the test."""
    async with AsyncExitStack() as stack:

        async def make(package: str) -> FreshDatabase:
            return await _fresh(postgres, _templates, package, stack)

        yield make


@pytest_asyncio.fixture(scope="session")
async def _kept(postgres: Postgres, _templates: dict[str, str]) -> AsyncIterator[MakeDatabase]:
    """Gives the one database of a service that this session keeps."""
    async with AsyncExitStack() as stack:
        kept: dict[str, FreshDatabase] = {}

        async def make(package: str) -> FreshDatabase:
            if package not in kept:
                kept[package] = await _fresh(postgres, _templates, package, stack)
                await _remember(postgres, kept[package].name)
            return kept[package]

        yield make


@pytest.fixture
def emptied(postgres: Postgres, _kept: MakeDatabase) -> MakeDatabase:
    """Gives the one database of a service that the session keeps, with the rows of its migrations alone: `await emptied("registry")`.

    Its connections are warm, so that it costs a tenth of a fresh one; a test has it for itself and asks for it once.
    """

    async def make(package: str) -> FreshDatabase:
        kept = await _kept(package)
        await _empty(postgres, kept.name)
        return kept

    return make


async def _fresh(postgres: Postgres, templates: dict[str, str], package: str, stack: AsyncExitStack) -> FreshDatabase:
    service = package.rpartition(".")[2]
    if package not in templates:
        templates[package] = await _template(postgres, package, service)
    name = f"{service}_{next(_numbers)}"
    urls = await provide(postgres.url, service, name, postgres.password_of, template=templates[package])
    stack.push_async_callback(_drop, postgres, name)
    app, worker = Database(urls.app, name="test app", role="app"), Database(urls.worker, name="test worker", role="worker")
    stack.push_async_callback(app.close)
    stack.push_async_callback(worker.close)
    return FreshDatabase(name, urls, app, worker)


async def _remember(postgres: Postgres, name: str) -> None:
    """Puts aside the rows that the migrations left."""
    async with _owning(postgres, name) as admin:
        await admin.execute("CREATE SCHEMA born")
        for table in await admin.fetch(_TABLES):
            if await admin.fetchval(f'SELECT EXISTS (SELECT FROM public."{table["relname"]}")'):
                await admin.execute(f'CREATE TABLE born."{table["relname"]}" AS SELECT * FROM public."{table["relname"]}"')


async def _empty(postgres: Postgres, name: str) -> None:
    async with _owning(postgres, name) as admin:
        tables = await admin.fetch(_TABLES)
        born = await admin.fetch(_TABLES.replace("public", "born"))
        await admin.execute("; ".join(f'DELETE FROM public."{table["relname"]}"' for table in tables))
        for table in born:
            await admin.execute(f'INSERT INTO public."{table["relname"]}" SELECT * FROM born."{table["relname"]}"')


@asynccontextmanager
async def _owning(postgres: Postgres, name: str) -> AsyncIterator[asyncpg.Connection]:
    admin = await asyncpg.connect(plain_url(make_url(postgres.url).set(database=name)))
    try:
        # Without it a table could be emptied only after those that refer to it.
        await admin.execute("SET session_replication_role = replica")
        yield admin
    finally:
        await admin.close()


async def _template(postgres: Postgres, package: str, service: str) -> str:
    name = f"template_{service}"
    urls = await provide(postgres.url, service, name, postgres.password_of)
    if importlib.util.find_spec(f"{package}.migrations") is not None:
        await migrate(urls.migrator, f"{package}.migrations")
    return name


async def _drop(postgres: Postgres, name: str) -> None:
    admin = await asyncpg.connect(plain_url(postgres.url))
    try:
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()
