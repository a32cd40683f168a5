"""The second wall seen from a test: what a query that forgets every filter gives to whom."""

from collections.abc import Mapping

from chassis.access import Caller
from chassis.database import Database
from chassis.testing.fixtures import FreshDatabase

# Tables of every service that hold nothing of anybody: places in topics, instants of the platform, and what the application only adds to.
FOUNDATION_OPEN = frozenset({"outbox", "audit_key", "projection_positions", "read_positions", "retention_levels", "eras"})
# What calls leave behind, whatever they are about: their own tests say who sees it.
_OF_CALLS = frozenset({"request_results", "audit_records", "audit_seals", "erased_servants"})

_TABLES = """
SELECT relname, relrowsecurity FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version'
"""


async def open_tables(fresh: FreshDatabase) -> frozenset[str]:
    """The tables without a policy, but those of the foundation."""
    return frozenset(row["relname"] for row in await fresh.rows(_TABLES) if not row["relrowsecurity"]) - FOUNDATION_OPEN


async def seen_by(fresh: FreshDatabase, database: Database, caller: Caller | None) -> Mapping[str, int]:
    """How many rows of each table behind the wall a query without any condition gives to the caller; tables without rows are left out."""
    tables = [row["relname"] for row in await fresh.rows(_TABLES) if row["relrowsecurity"] and row["relname"] not in _OF_CALLS]
    async with database.transaction(caller) as transaction:
        driver = await transaction.driver()
        counts = {table: int(await driver.fetchval(f'SELECT count(*) FROM "{table}"')) for table in tables}
    return {table: count for table, count in counts.items() if count}
