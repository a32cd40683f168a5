"""Schema changes: dated sentences, run in order by the migrator, one at a time however many processes try.

A service's migrations stand in its package `migrations`, files like `2026_11_22_1200_create_bodies.py`, each with
`revision`, `down_revision` and `upgrade()`. Expand, migrate, contract: a migration never breaks the version before it.
"""

import asyncio
import importlib.util
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from chassis.entering import entering
from chassis.shadow import DROP, REBUILDING
from chassis.urls import asyncpg_url, way_of

# One number for all services: a database has one of them, and advisory locks are a database's own.
MIGRATING = 0x7A72_7469_7001
# A migration that waits longer for a table's lock would make every query behind it wait as well.
LOCK_TIMEOUT = "4s"
# Another process may be migrating the same database: it is waited for, but not for ever.
WAIT_FOR_OTHERS_S = 120
LOOK_AGAIN_S = 0.1


async def migrate(url: str, package: str, to: str = "head") -> None:
    """Brings the schema to the newest version (or to revision `to`); a second run changes nothing.

    `url` is the migrator's; `package` is the dotted name of the migrations' package. Each migration is its own
    transaction; one that fails leaves the ones before it in place. TimeoutError where another one does not come to its end.
    What a rebuild that was killed left behind is taken away first.
    """
    script = scripts(package)
    engine = create_async_engine(asyncpg_url(url), poolclass=NullPool, connect_args=way_of(url))
    try:
        async with AsyncExitStack() as opened:
            with entering(url, "migrator_database_url"):
                connection = await opened.enter_async_context(engine.connect())
            await _alone(connection)
            await connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
            await connection.commit()
            await _without_leftovers(connection)
            await connection.run_sync(_upgrade, script, to)
    finally:
        await engine.dispose()


async def _alone(connection: AsyncConnection) -> None:
    """Returns when nobody else migrates.

    Whoever builds an index beside writers waits for every open transaction: so ours is not open while we wait.
    """
    async with asyncio.timeout(WAIT_FOR_OTHERS_S):
        while not await connection.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": MIGRATING}):
            await connection.rollback()
            await asyncio.sleep(LOOK_AGAIN_S)


async def _without_leftovers(connection: AsyncConnection) -> None:
    """Drops the shadow tables that nobody fills any more; those of a rebuild that is at work are let be."""
    if await connection.scalar(sa.text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": REBUILDING}):
        await connection.execute(sa.text(DROP))
    await connection.commit()


def scripts(package: str) -> ScriptDirectory:
    """The migrations of a package, in their order."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"there is no package {package}")
    folder = str(Path(next(iter(spec.submodule_search_locations))))
    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("version_locations", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _upgrade(connection: sa.Connection, script: ScriptDirectory, to: str) -> None:
    def steps(revision: Any, _: Any) -> Any:
        return script._upgrade_revs(to, revision)

    with EnvironmentContext(Config(), script, fn=steps, destination_rev=to) as environment:
        environment.configure(connection=connection, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()
