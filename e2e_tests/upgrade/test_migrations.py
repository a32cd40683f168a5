"""New migrations take nothing away from the code of the version before, which runs on the new schema while the new one comes in.

What takes something away comes a release later than what replaced it, and says so in its migration, with the migration since which no
code needs it: `contracts = {"days.kind: the column is gone": "2026_12_01_0900"}`.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from chassis.migrations import migrate, scripts
from chassis.roles import provide
from chassis.testing.artifacts import ROOT
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.postgres import Postgres
from chassis.urls import plain_url

from e2e_tests.upgrade.schema import Schema, added, schema, schema_at, taken_away
from e2e_tests.upgrade.version import READ_WHOLE, Version

SERVICES = ("registry", "regimes", "timetracking")
REVISION = len("2026_12_01_0900")


def landed(version: Version) -> dict[str, Path]:
    """The migrations of a version, by service and revision."""
    found = (path for service in SERVICES for path in (version.folder / "services" / service / service / "migrations").glob("20*.py"))
    return {f"{path.parents[1].name} {path.name[:REVISION]}": path for path in found}


def contracts(service: str, known: Mapping[str, Path]) -> dict[str, str]:
    """What new migrations of a service say that they take away, each with the migration that made it superfluous."""
    made = scripts(f"{service}.migrations").walk_revisions()
    new = [each for each in made if f"{service} {Path(each.path).name[:REVISION]}" not in known]
    return {what: since for each in new for what, since in getattr(each.module, "contracts", {}).items()}


def unannounced(service: str, found: list[str], said: Mapping[str, str], known: Mapping[str, Path]) -> list[str]:
    """What is taken away without being said, or too early: what replaced it has to be in the version before."""
    return [each for each in found if f"{service} {said.get(each)}" not in known]


@pytest.fixture(scope="module")
async def schemas(old: Version, postgres: Postgres) -> Mapping[str, tuple[Schema, Schema]]:
    """What each service's database is in the version before, and what the new migrations make of that."""
    drawn = secrets.token_hex(4)
    urls = {each: (await provide(postgres.url, each, f"{each}_before_{drawn}", postgres.password_of)).migrator for each in SERVICES}
    old.migrate(urls)
    before = {service: await schema_at(url) for service, url in urls.items()}
    for service, url in urls.items():
        await migrate(url, f"{service}.migrations")
    return {service: (before[service], await schema_at(url)) for service, url in urls.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_new_migrations_take_nothing_away_from_the_version_before(
    old: Version, schemas: Mapping[str, tuple[Schema, Schema]], service: str
) -> None:
    known = landed(old)
    assert unannounced(service, list(taken_away(*schemas[service])), contracts(service, known), known) == []


@pytest.mark.parametrize("service", SERVICES)
def test_new_migrations_add_no_column_where_the_version_before_reads_them_all(
    schemas: Mapping[str, tuple[Schema, Schema]], service: str
) -> None:
    assert added(*schemas[service], READ_WHOLE) == []


@pytest.mark.parametrize("table", READ_WHOLE)
async def test_a_planted_column_is_found_where_the_version_before_reads_them_all(emptied: MakeDatabase, table: str) -> None:
    url = (await emptied("timetracking")).urls.migrator
    before_it = await schema_at(url)
    async with planted(url, f"ALTER TABLE {table} ADD note text; ALTER TABLE due_reads ADD note text") as connection:
        assert added(before_it, await schema(connection), READ_WHOLE) == [f"{table}.note"]


def test_migrations_that_have_landed_are_as_they_were(old: Version) -> None:
    """Databases have run them: whoever changes one changes it for new databases alone."""
    assert landed(old)
    assert [path.name for path in landed(old).values() if (ROOT / path.relative_to(old.folder)).read_bytes() != path.read_bytes()] == []


@asynccontextmanager
async def planted(url: str, migration: str) -> AsyncIterator[Any]:
    """The database with a migration that is taken back."""
    connection = await asyncpg.connect(plain_url(url))
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(migration)
        yield connection
        await transaction.rollback()
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("migration", "found"),
    [
        ("ALTER TABLE due_reads ADD note text", []),
        ("ALTER TABLE due_reads ADD note text NOT NULL DEFAULT ''; CREATE INDEX ON due_reads (note)", []),
        ("CREATE TABLE notes (id bigint PRIMARY KEY, servant text NOT NULL)", []),
        ("ALTER TABLE servants ALTER revision TYPE bigint", []),
        ("ALTER TABLE read_positions ALTER next_offset TYPE integer", ["read_positions.next_offset: was bigint and is integer"]),
        ("ALTER TABLE passages DROP device CASCADE", ["passages.device: the column is gone"]),
        ("ALTER TABLE servants RENAME revision TO version", ["servants.revision: the column is gone"]),
        ("ALTER TABLE due_reads ADD note text NOT NULL", ["due_reads.note: the column is new, and a row without it is refused"]),
        ("ALTER TABLE outbox ALTER partition SET NOT NULL", ["outbox.partition: a row without it is refused now"]),
        ("ALTER TABLE outbox ALTER occurred_at DROP DEFAULT", ["outbox.occurred_at: a row that leaves it out is refused now"]),
        ("DROP TABLE due_reads", ["due_reads: table is gone"]),
        ("CREATE UNIQUE INDEX ON servants (revision)", ["servants: unique key btree (revision) is new, on a table of before"]),
        ("ALTER TABLE servants DROP CONSTRAINT servants_pkey", ["servants: unique key btree (servant) is gone"]),
        ("ALTER TABLE servants ADD CHECK (revision > 0)", ["servants: CHECK ((revision > 0)) is new, on a table of before"]),
        ("REVOKE INSERT ON outbox FROM tartip_app", ["outbox: INSERT for tartip_app is gone"]),
        ("DROP FUNCTION reach() CASCADE", ["reach(): function that returns jsonb is gone"]),
    ],
)
async def test_a_planted_migration_is_refused_where_it_takes_something_away(
    emptied: MakeDatabase, migration: str, found: list[str]
) -> None:
    url = (await emptied("timetracking")).urls.migrator
    before_it = await schema_at(url)
    async with planted(url, migration) as connection:
        said = taken_away(before_it, await schema(connection))
    assert set(found) <= set(said)
    assert bool(found) == bool(said)


def test_what_is_taken_away_is_let_pass_a_release_after_what_replaced_it() -> None:
    gone, known = "servants.kind: the column is gone", {"registry 2026_12_01_0900": Path()}
    assert unannounced("registry", [gone], {}, known) == [gone]
    assert unannounced("registry", [gone], {gone: "2026_12_08_0900"}, known) == [gone]
    assert unannounced("registry", [gone], {gone: "2026_12_01_0900"}, known) == []
