"""What happens inside PostgreSQL: seen by its own views, and stopped in the middle by locks of others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from chassis.database import Database
from chassis.roles import Entrances
from chassis.supervision import closing
from chassis.testing.postgres import Postgres
from chassis.urls import plain_url
from sqlalchemy import make_url

from .patience import PATIENCE_S

SERVICE = "timetracking"
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
_WAITING = """
SELECT DISTINCT waits.pid FROM pg_locks waits
JOIN pg_locks held ON held.granted AND held.locktype = 'advisory'
    AND (held.database, held.classid, held.objid, held.objsubid) = (waits.database, waits.classid, waits.objid, waits.objsubid)
JOIN pg_stat_activity holder ON holder.pid = held.pid AND holder.application_name = 'somebody'
WHERE NOT waits.granted AND waits.locktype = 'advisory'
    AND waits.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_WAITS = """
SELECT FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock' AND wait_event = 'advisory'
"""
_GATE = """
CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
CREATE TRIGGER gate BEFORE DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION gate();
"""
_NO_GATE = "DROP TRIGGER gate ON {table}; DROP FUNCTION gate"
_DELETING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1"
_CUT = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"


@dataclass(slots=True)
class Inside:
    """Timetracking's database on its server, entered as one who may do everything there."""

    postgres: Postgres
    urls: Entrances
    _looked: int = 0

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
    async def holding_behind(self, servant: str) -> AsyncIterator[None]:
        """As `holding`, from when those who wait already have had the servant's days, to the end of the block."""
        over = asyncio.Event()

        async def hold() -> None:
            async with self.holding(servant):
                await over.wait()

        behind = asyncio.create_task(hold())
        try:
            yield
        finally:
            over.set()
            await behind

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
        """Whether so many transactions wait for a servant who is being held; others may wait for these."""
        return len(await self.rows(_WAITING)) == count

    async def waits(self, process: str) -> bool:
        """Whether a transaction of a process waits for a key that another holds."""
        return bool(await self.rows(_WAITS, f"{SERVICE} {process}"))

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
