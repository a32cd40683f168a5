import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from chassis import tables
from chassis.migrations import migrate
from chassis.roles import provide
from chassis.shadow import REBUILDING
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.postgres import Postgres
from chassis.testing.schema import differences
from chassis.testing.waiting import until
from chassis.urls import plain_url
from sqlalchemy import make_url

FIRST = """
from alembic import op
revision, down_revision = "first", None
def upgrade():
    op.execute("CREATE TABLE firsts (id int)")
"""
SECOND = """
from alembic import op
revision, down_revision = "second", "first"
def upgrade():
    op.execute("CREATE TABLE seconds (id int)")
    op.execute("SELECT 1 / 0")
"""

INDEX = """
from alembic import op
from chassis.migrations.indexes import build_beside_writers
revision, down_revision = "index", "first"
def upgrade():
    build_beside_writers("firsts_id_idx", "firsts (id)")
"""
_INDEX = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('firsts_id_idx')"


def written(package: Path, migrations: Mapping[str, str]) -> Path:
    """The folder of a package's migrations, by day of January, hour and name."""
    folder = package / "migrations"
    folder.mkdir(parents=True)
    for name, text in migrations.items():
        (folder / f"2026_01_{name}.py").write_text(text)
    return folder


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database("chassis.testing.bare")


async def test_the_foundation_is_what_the_code_reads(fresh: FreshDatabase) -> None:
    assert await differences(fresh.app, tables.FOUNDATION, ["states"]) == []


async def test_whatever_differs_is_named(fresh: FreshDatabase) -> None:
    other = tables.metadata()
    sa.Table("outbox", other, sa.Column("xid", sa.BigInteger, primary_key=True), sa.Column("more", sa.Text, index=True))
    sa.Table("missing", other, sa.Column("id", sa.BigInteger, primary_key=True))
    sa.Table("projection_positions", other, sa.Column("topic", sa.Text, primary_key=True))
    found = await differences(fresh.app, other)
    for part in ("'missing'", "BigInteger", "Column('more'", "outbox_more_idx", "Column('payload'"):
        assert any(part in each for each in found), (part, found)
    assert found[-1] == "the key of projection_positions is ['topic'] in the code and ['topic', 'partition'] in the database"


async def test_a_table_that_the_code_does_not_know_is_named(fresh: FreshDatabase, postgres: Postgres) -> None:
    assert await fresh.rows("CREATE TABLE forgotten (id int)") == []
    assert await differences(fresh.app, tables.FOUNDATION, ["states"]) == ["forgotten is in the database alone"]
    assert await differences(fresh.app, tables.FOUNDATION, ["states", "forgotten"]) == []


async def test_of_many_migrators_at_once_one_does_the_work(postgres: Postgres) -> None:
    urls = await provide(postgres.url, "crowd", "crowd", postgres.password_of)
    await asyncio.gather(*(migrate(urls.migrator, "chassis.testing.bare.migrations") for _ in range(4)))


async def test_a_migration_that_fails_leaves_the_ones_before_it(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path / "halfway", {"01_0900_create_firsts": FIRST, "02_0900_create_seconds": SECOND})
    monkeypatch.syspath_prepend(tmp_path)
    urls = await provide(postgres.url, "halfway", "halfway", postgres.password_of)
    with pytest.raises(sa.exc.DBAPIError, match="division by zero"):
        await migrate(urls.migrator, "halfway.migrations")
    (folder / "2026_01_02_0900_create_seconds.py").write_text(SECOND.replace("1 / 0", "1 / 1"))
    await migrate(urls.migrator, "halfway.migrations")
    sys.modules.pop("halfway", None)


async def test_an_index_is_built_beside_writers_and_anew_where_its_building_was_broken_off(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others wait to migrate meanwhile, and it does not wait for them."""
    written(tmp_path / "beside", {"01_0900_create_firsts": FIRST, "02_0900_find_firsts": INDEX})
    monkeypatch.syspath_prepend(tmp_path)
    urls = await provide(postgres.url, "beside", "beside", postgres.password_of)
    await migrate(urls.migrator, "beside.migrations", "first")
    writer, other = [await asyncpg.connect(plain_url(make_url(urls.migrator))) for _ in range(2)]
    building = "SELECT pid FROM pg_stat_activity WHERE query ~ '^(CREATE|DROP) INDEX' AND wait_event_type = 'Lock' AND datname = 'beside'"

    async def is_building() -> bool:
        return await other.fetchval(building) is not None

    await writer.execute("BEGIN; INSERT INTO firsts VALUES (1)")
    broken_off = asyncio.create_task(migrate(urls.migrator, "beside.migrations"))
    await until(is_building)
    await other.fetch(f"SELECT pg_terminate_backend(pid) FROM ({building}) AS building")
    with pytest.raises(sa.exc.SQLAlchemyError):
        await broken_off
    assert await other.fetchval(_INDEX) is False
    crowd = [asyncio.create_task(migrate(urls.migrator, "beside.migrations")) for _ in range(3)]
    await until(is_building)
    await other.execute("INSERT INTO firsts VALUES (2)")
    await writer.execute("COMMIT")
    await asyncio.gather(*crowd)
    assert await other.fetchval(_INDEX) is True
    await writer.close()
    await other.close()
    sys.modules.pop("beside", None)


async def test_a_package_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError):
        await migrate("postgresql://nobody@127.0.0.1:1/none", "nothing.migrations")


@pytest.mark.parametrize("at_work", [False, True])
async def test_what_a_rebuild_left_that_was_killed_is_taken_away_and_one_at_work_is_let_be(fresh: FreshDatabase, at_work: bool) -> None:
    owner = await asyncpg.connect(plain_url(fresh.urls.migrator))
    await owner.execute("CREATE SCHEMA rebuild; CREATE TABLE rebuild.servants (id text)")
    if at_work:
        await owner.execute("SELECT pg_advisory_lock($1)", REBUILDING)
    await migrate(fresh.urls.migrator, "chassis.testing.bare.migrations")
    assert await owner.fetchval("SELECT to_regclass('rebuild.servants') IS NOT NULL") is at_work
    assert await owner.fetchval("SELECT pg_try_advisory_lock($1)", REBUILDING), "it is free again"
    await owner.close()
