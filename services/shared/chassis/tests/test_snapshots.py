"""The word of a snapshot is the same as long as nobody sees another row, and tells nothing where there is no database."""

import pytest
from chassis.database import Database
from chassis.snapshots import Snapshots
from chassis.supervision import closing
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.postgres import Postgres
from chassis.testing.waiting import until
from sqlalchemy import text

# With a number of its own a transaction counts as one that writes.
WRITES = "SELECT pg_current_xact_id()"


async def test_reading_leaves_the_word_and_who_has_written_changes_it_at_the_end(database: MakeDatabase) -> None:
    fresh = await database("chassis.testing.bare")
    seen = Snapshots(fresh.worker)

    async def while_others_read_and_write() -> bool:
        before = await seen()
        async with fresh.worker.transaction() as transaction:
            await transaction.session.execute(text("SELECT count(*) FROM outbox"))
            await transaction.session.execute(text(WRITES))
            return before is not None and await seen() == before

    async with closing(seen):
        await until(while_others_read_and_write)  # the server's own cleaning may come between once
        words = [await seen()]
        async with fresh.worker.transaction() as transaction:
            await transaction.session.execute(text(WRITES))
        words.append(await seen())
        with pytest.raises(ValueError, match="never mind"):
            await written_in_vain(fresh.worker)
        words.append(await seen())
    assert len(set(words)) == 3


async def written_in_vain(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.session.execute(text(WRITES))
        raise ValueError("never mind")


async def test_where_there_is_no_database_no_word_is_known() -> None:
    database = Database("postgresql://nobody:nothing@127.0.0.1:9/nowhere", name="away", role="worker")
    seen = Snapshots(database)
    async with closing(database, seen):
        assert await seen() is None


async def test_a_connection_that_was_cut_is_made_again(database: MakeDatabase, postgres: Postgres) -> None:
    fresh = await database("chassis.testing.bare")
    seen = Snapshots(fresh.worker)
    async with closing(seen):
        assert await seen() is not None
        async with fresh.worker.transaction() as transaction:
            await transaction.session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_current_snapshot%' AND pid <> pg_backend_pid()"
                )
            )
        assert await seen() is None
        assert await seen() is not None
