"""The migrations make exactly what the code reads and writes, and the application can change neither the schema nor a fact."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from secrets import token_hex

import asyncpg
import pytest
import timetracking
from chassis.migrations import migrate
from chassis.roles import provide
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.postgres import Postgres
from chassis.testing.schema import differences
from chassis.urls import plain_url
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError
from timetracking.passages.repository import Months
from timetracking.rows import Base

from .samples import passage

MIGRATIONS = "timetracking.migrations"
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")


def statements() -> Iterator[tuple[str, str]]:
    """Every statement that stands in a module of timetracking, by its place."""
    for module in pkgutil.walk_packages(timetracking.__path__, "timetracking."):
        if module.name.endswith("__main__") or ".migrations" in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, str) and STATEMENT.match(value):
                yield f"{module.name}.{name}", value


async def test_every_statement_finds_its_tables_and_columns(database: MakeDatabase) -> None:
    wrong, found = [], dict(statements())
    async with (await database("timetracking")).worker.transaction(apart=True) as transaction:
        driver = await transaction.driver()
        for place, statement in found.items():
            await driver.execute("SAVEPOINT before")
            try:
                await driver.prepare(statement)
            except Exception as error:
                wrong.append(f"{place}: {error}")
            await driver.execute("ROLLBACK TO before")
    assert wrong == []
    assert len(found) > 50


async def test_the_tables_are_those_that_the_code_reads(database: MakeDatabase) -> None:
    list(statements())  # importing all modules imports all tables
    fresh = await database("timetracking")
    written = " ".join(statement for _, statement in statements())
    async with fresh.worker.transaction() as transaction:
        there = await (await transaction.driver()).fetch("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition")
    besides = {row["relname"] for row in there if re.search(rf"\b{row['relname']}\b", written)}
    assert await differences(fresh.app, Base.metadata, besides | {"unit_heads", "legal_holds"}) == []


async def test_columns_of_looks_rewrite_no_table_and_count_from_the_migration(postgres: Postgres) -> None:
    urls = await provide(postgres.url, "timetracking", f"looks_{token_hex(4)}", postgres.password_of)
    await migrate(urls.migrator, MIGRATIONS, "timetracking_2026_11_26_0400")
    owner = await asyncpg.connect(plain_url(make_url(urls.migrator)))
    days = "SELECT 'gate-' || number, '2026-11-24', 1, 1, 0 FROM generate_series(1, 100) number"
    await owner.execute(f"INSERT INTO device_days (device, date, received, stored, repeated) {days}")
    file = await owner.fetchval("SELECT pg_relation_filenode('device_days')")
    await migrate(urls.migrator, MIGRATIONS)
    assert await owner.fetchval("SELECT pg_relation_filenode('device_days')") == file
    assert await owner.fetchval("SELECT count(DISTINCT looked_at) FROM device_days WHERE changed_at = looked_at") == 1
    assert await owner.fetchval("SELECT count(*) FROM pg_attribute WHERE attrelid = 'due_reads'::regclass AND attname = 'asked_at'") == 0
    await owner.close()


async def test_a_device_of_before_goes_on_by_its_serial_and_so_does_one_that_an_older_version_enrols(postgres: Postgres) -> None:
    urls = await provide(postgres.url, "timetracking", f"proofs_{token_hex(4)}", postgres.password_of)
    await migrate(urls.migrator, MIGRATIONS, "timetracking_2026_11_26_2000")
    owner = await asyncpg.connect(plain_url(make_url(urls.migrator)))
    add = "INSERT INTO devices (serial, body, protocol, badge_system, revision) VALUES ($1, 'KGD', 'zkteco-adms', 'hq', 1)"
    await owner.execute(add, "before")
    file = await owner.fetchval("SELECT pg_relation_filenode('devices')")
    await migrate(urls.migrator, MIGRATIONS)
    await owner.execute(add, "after")
    rows = await owner.fetch("SELECT serial, proof_asked, revoked_at FROM devices ORDER BY serial")
    assert [tuple(row) for row in rows] == [("after", False, None), ("before", False, None)]
    assert await owner.fetchval("SELECT pg_relation_filenode('devices')") == file
    for wrong in ("false, 'serial', NULL, NULL", "false, 'secret', NULL, NULL", "true, 'serial', NULL, NULL", "false, 'none', NULL, NULL"):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(f"INSERT INTO device_proofs (device, former, kind, salt, digest) VALUES ('before', {wrong})")
    await owner.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE passages",
        "ALTER TABLE workdays ADD note text",
        "CREATE TABLE passages_2030_01 PARTITION OF passages FOR VALUES FROM ('2030-01-01') TO ('2030-02-01')",
        "DELETE FROM audit_records",
        "UPDATE passages SET wall_time = now()",
        "DELETE FROM passages",
        "DELETE FROM passages_other",
        "TRUNCATE passages_2026_11",
        "UPDATE passages_2026_11 SET badge_number = '18'",
        "SELECT raw FROM passages_2026_11",
    ],
)
@pytest.mark.parametrize("role", ["app", "worker"])
async def test_neither_the_schema_nor_a_fact_can_be_changed(database: MakeDatabase, role: str, statement: str) -> None:
    fresh = await database("timetracking")
    await Months(fresh.worker).make([passage("2026-11-24T08:55:00").wall_time])

    async def change() -> None:
        async with getattr(fresh, role).transaction() as transaction:
            await transaction.connection.execute(text(statement))

    with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"):
        await change()
