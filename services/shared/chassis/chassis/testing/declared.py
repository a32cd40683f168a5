"""Whether what a service declares of its data is what its database holds, and whether the statements of it are such."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from chassis.personal_data.declarations import Aging, DataClass
from chassis.testing.fixtures import FreshDatabase

_TABLES = """
SELECT relname, relrowsecurity FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version'
"""


_FIRST_OF_INDEX = "SELECT pg_get_indexdef($1::text::regclass, 1, true)"


async def wrong_declarations(fresh: FreshDatabase, classes: Sequence[DataClass]) -> list[str]:
    """What is wrong with the declarations of a migrated database, a sentence each."""
    tables = {row["relname"]: row["relrowsecurity"] for row in await fresh.rows(_TABLES)}
    known = {each.table for each in classes}
    found = [f"{table} is not declared" for table in sorted(tables.keys() - known)]
    found += [f"{table} is declared, and there is none such" for table in sorted(known - tables.keys())]
    found += [
        f"{each.table} is given to people and nothing keeps others from it"
        for each in classes
        if each.person and each.exported and not tables.get(each.table)
    ]
    async with fresh.worker.transaction() as transaction:
        driver = await transaction.driver()
        for each in classes:
            if each.person:
                await driver.fetch(f"SELECT count(*) FROM {each.table} WHERE {each.person}", "nobody")
                await driver.fetch(f"SELECT {', '.join(each.key) or 1} FROM {each.table} WHERE {each.person}", "nobody")
            if isinstance(each.keeping, Aging):
                await driver.fetch(f"SELECT count(*) FROM {each.table} WHERE {each.keeping.past}", date(2000, 1, 1))
                if not each.keeping.statement and not await _found_by_index(driver, each.table, each.keeping.past):
                    found.append(f"{each.table}: no index begins with what says that a row is old")
            if each.told is not None:
                await driver.fetch(f"SELECT {each.told.key} FROM {each.table}")
    return found


async def _found_by_index(driver: Any, table: str, past: str) -> bool:
    """Whether an index can be entered at the condition; one that has its column further behind would be read from end to end."""
    await driver.execute("SET LOCAL enable_seqscan = off")
    asked = past.replace("$1", "DATE '2000-01-01'")
    (plan,) = await driver.fetchval(f"EXPLAIN (FORMAT JSON) SELECT FROM {table} WHERE {asked}")  # SQLAlchemy lets JSON be read
    for node in _nodes(plan["Plan"]):
        if "Index Cond" in node:
            first = await driver.fetchval(_FIRST_OF_INDEX, node["Index Name"])
            return bool(node["Index Cond"].lstrip("(").startswith(first))
    return False


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)
