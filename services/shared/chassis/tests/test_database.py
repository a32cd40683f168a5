import asyncio
import json
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from chassis.access import Caller, Grant
from chassis.database import IN_USE, MOST_LOCKS, WAITED, Database, LockAfterWrite
from chassis.entering import Locked, WrongRole
from chassis.migrations import migrate
from chassis.roles import provide
from chassis.supervision import closing
from chassis.tables import audit_records, outbox
from chassis.testing.bare import change, states
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.postgres import Postgres
from chassis.testing.waiting import until
from chassis.transient import is_out_of_time
from chassis.urls import plain_url
from google.protobuf.wrappers_pb2 import StringValue
from kernel.faults import Unavailable
from sqlalchemy import make_url

BARE = "chassis.testing.bare"


@dataclass(frozen=True)
class Thing:
    name: str


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database(BARE)


async def count(database: Database, table: sa.Table) -> int:
    async with database.transaction() as tx:
        return (await tx.connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()


async def test_events_stand_in_the_outbox_in_the_order_they_were_published(fresh: FreshDatabase) -> None:
    async with fresh.app.transaction() as tx:
        for number in range(300):
            tx.publish("bare.things.v1", f"key-{number % 7}", StringValue(value=str(number)))
    async with fresh.app.transaction() as tx:
        rows = (await tx.connection.execute(sa.select(outbox).order_by(outbox.c.xid, outbox.c.id))).all()
    assert [StringValue.FromString(row.payload).value for row in rows] == [str(number) for number in range(300)]
    assert rows[8].key == "key-1"
    assert rows[0].headers["schema"] == "google.protobuf.StringValue"
    assert len({row.headers["event_id"] for row in rows}) == 300
    assert len({row.xid for row in rows}) == 1


async def test_connections_at_work_are_counted_and_who_waits_for_one_is_seen(fresh: FreshDatabase) -> None:
    before, waited = IN_USE._value.get(), WAITED._sum.get()
    async with fresh.app.transaction() as tx, fresh.app.apart():
        assert IN_USE._value.get() == before + 2
        await (await tx.driver()).execute("SELECT 1")
    with pytest.raises(KeyError):
        async with fresh.app.transaction():
            raise KeyError("a")
    assert IN_USE._value.get() == before
    assert WAITED._sum.get() > waited


async def test_a_transaction_that_fails_leaves_nothing(fresh: FreshDatabase) -> None:
    async def fail() -> None:
        async with fresh.app.transaction() as tx:
            tx.publish("bare.things.v1", "a", StringValue(value="a"))
            tx.record("create", "things/a")
            await tx.flush()
            raise KeyError("a")

    with pytest.raises(KeyError):
        await fail()
    assert await count(fresh.app, outbox) == 0
    assert await count(fresh.worker, audit_records) == 0


async def test_the_driver_works_inside_the_transaction(fresh: FreshDatabase) -> None:
    async def fail() -> None:
        async with fresh.app.transaction() as tx:
            driver = await tx.driver()
            await driver.execute("INSERT INTO states VALUES ('k', 1)")
            raise KeyError("k")

    with pytest.raises(KeyError):
        await fail()
    assert await count(fresh.app, states) == 0


async def test_a_transaction_whose_failed_statement_was_passed_over_is_not_taken_for_done(fresh: FreshDatabase) -> None:
    async def pass_over() -> None:
        async with fresh.app.transaction() as tx:
            await change(tx, "a")
            with pytest.raises(asyncpg.PostgresError):
                await (await tx.driver()).execute("SELECT 1 / 0")

    with pytest.raises(RuntimeError, match="passed over"):
        await pass_over()
    assert await count(fresh.app, states) == 0


@pytest.mark.parametrize("body", ["KGD", "it's", "\\'; DROP TABLE outbox; --", "$$ \0 \n É", "", '"'])
async def test_the_database_is_told_what_the_caller_reaches_for_this_transaction_alone(fresh: FreshDatabase, body: str) -> None:
    anna = Caller("anna", "portal", None, (Grant("hr-officer", "state-body", body), Grant("servant", "own", "S1")))
    one = Database(fresh.urls.app, pool_size=1)
    reach = "SELECT current_setting('tartip.reach', true)"
    async with one.transaction(anna) as tx:
        said = json.loads(await (await tx.driver()).fetchval(reach))
        everything = {"nation": False, "regions": [], "systems": [], "units": [], "people": []}
        assert said == {"subject": "anna", "bodies": [body], "servant": "S1", **everything}
    async with one.transaction() as tx:
        assert not await (await tx.driver()).fetchval(reach)
    await one.close()


async def test_a_transaction_that_is_given_up_leaves_its_connection_clean_for_the_next(fresh: FreshDatabase) -> None:
    one = Database(fresh.urls.app, pool_size=1)
    begun = asyncio.Event()

    async def wait_long() -> None:
        async with one.transaction() as tx:
            await change(tx, "a")
            begun.set()
            await (await tx.driver()).execute("SELECT pg_sleep(60)")

    for _ in range(3):
        begun.clear()
        task = asyncio.create_task(wait_long())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await count(one, states) == 0
    await one.close()


async def test_a_lock_after_the_first_write_is_refused(fresh: FreshDatabase) -> None:
    async def write_then_lock() -> None:
        async with fresh.app.transaction() as tx:
            await tx.lock("things", ["a", "b"])
            await change(tx, "a")
            await tx.lock("things", ["c"])

    with pytest.raises(LockAfterWrite):
        await write_then_lock()


async def wait_in_vain(database: Database) -> None:
    """Asks for a lock that another transaction holds and will not let go of."""

    async def wait() -> None:
        async with database.transaction() as tx:
            await (await tx.driver()).execute("SET LOCAL lock_timeout = '50ms'")
            await tx.lock("things", ["a"])

    with pytest.raises(Unavailable) as waited:
        await wait()
    assert "lock timeout" in str(waited.value.__cause__)


async def test_a_lock_holds_a_second_writer_until_the_first_has_committed(fresh: FreshDatabase) -> None:
    async with fresh.app.transaction() as first:
        await first.lock("things", ["a"])
        await wait_in_vain(fresh.worker)
    async with fresh.worker.transaction() as third:
        await third.lock("things", ["a"])


async def test_a_shared_lock_lets_others_share_and_makes_a_single_holder_wait(fresh: FreshDatabase) -> None:
    async with fresh.app.transaction() as first, fresh.worker.transaction() as second:
        await first.lock("things", ["a"], shared=True)
        await second.lock("things", ["a"], shared=True)
        await wait_in_vain(fresh.worker)


@pytest.mark.parametrize("shared", [False, True])
async def test_a_transaction_holds_so_many_locks_at_most_shared_ones_too(fresh: FreshDatabase, shared: bool) -> None:
    async with fresh.app.transaction() as transaction:
        await transaction.lock("things", map(str, range(MOST_LOCKS)), shared=shared)
        with pytest.raises(ValueError, match="at most"):
            await transaction.lock("things", ["one more"], shared=shared)


async def test_the_application_cannot_change_the_schema(fresh: FreshDatabase) -> None:
    for database in (fresh.app, fresh.worker):
        for statement in ("CREATE TABLE things (id int)", "ALTER TABLE outbox ADD COLUMN more int", "DROP TABLE outbox"):
            with pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"):
                async with database.transaction() as tx:
                    await tx.connection.execute(sa.text(statement))


async def test_audit_records_can_be_written_and_read_but_never_changed(fresh: FreshDatabase) -> None:
    for database in (fresh.app, fresh.worker):
        async with database.transaction() as tx:
            tx.record("create", "things/a", rule="o120-p18", before=None, after=Thing("a"))
        for statement in (
            *("UPDATE audit_records SET subject = 'x'", "DELETE FROM audit_records", "TRUNCATE audit_records"),
            # When and in which transaction it was written the database says, not the writer.
            *(f"INSERT INTO audit_records ({column}) VALUES (NULL)" for column in ("xid", "recorded_at")),
        ):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                async with database.transaction() as tx:
                    await tx.connection.execute(sa.text(statement))
    assert await count(fresh.app, audit_records) == 0, "of nobody's records the application sees none"
    async with fresh.worker.transaction() as tx:
        row = (await tx.connection.execute(sa.select(audit_records))).first()
    assert row is not None
    assert (row.subject, row.action, row.resource, row.rule, row.outcome) == ("system", "create", "things/a", "o120-p18", "done")
    assert row.before_digest is None
    assert len(row.after_digest) == 32


async def test_another_services_role_may_not_enter(fresh: FreshDatabase, postgres: Postgres) -> None:
    other = await provide(postgres.url, "stranger", "stranger", postgres.password_of)
    stranger = Database(make_url(other.app).set(database=fresh.name).render_as_string(hide_password=False))
    # A database that was restored is locked by the same word, and whoever waits for it comes in later.
    with pytest.raises(Locked) as caught:
        async with stranger.transaction():
            pass
    assert "locks this role out" in caught.value.where
    assert "permission denied for database" in str(caught.value.__cause__)
    await stranger.close()


@pytest.mark.parametrize(("enters_as", "expected"), [("app", "worker"), ("worker", "app"), ("migrator", "app")])
async def test_a_process_that_enters_in_the_wrong_role_is_told_so(fresh: FreshDatabase, enters_as: str, expected: Any) -> None:
    """One that is held would miss rows without a word; one that is not would be held by nothing."""
    wrong = Database(getattr(fresh.urls, enters_as), role=expected)
    with pytest.raises(WrongRole, match=f"bare_{enters_as} .* enter as the service's {expected}"):
        async with wrong.transaction():
            pass
    await wrong.close()


async def test_a_transaction_that_lasts_too_long_is_ended(fresh: FreshDatabase) -> None:
    hasty = Database(fresh.urls.app, longest_s=0.05)
    with pytest.raises(Unavailable):
        async with hasty.transaction() as tx:
            await tx.connection.execute(sa.text("SELECT pg_sleep(5)"))
    await hasty.close()


async def test_a_transaction_that_ran_out_of_time_says_so_also_where_its_end_was_seen_between_two_statements(fresh: FreshDatabase) -> None:
    hasty = Database(fresh.urls.app, longest_s=0.05)

    async def cut_while_something_else_was_done() -> None:
        async with hasty.transaction() as tx:
            driver = await tx.driver()
            await until(lambda: driver.is_closed())
            await tx.connection.execute(sa.text("SELECT 1"))

    with pytest.raises(Unavailable) as unavailable:
        await cut_while_something_else_was_done()
    assert is_out_of_time(unavailable.value)
    await hasty.close()


async def test_a_database_that_is_away_is_an_unavailable_dependency(fresh: FreshDatabase) -> None:
    lost = Database("postgresql://nobody:nothing@127.0.0.1:1/none")
    assert await fresh.app.reachable()
    assert not await lost.reachable()
    with pytest.raises(Unavailable):
        async with lost.transaction():
            pass


async def test_migrating_a_second_time_changes_nothing(fresh: FreshDatabase) -> None:
    async with fresh.app.transaction() as tx:
        tx.publish("bare.things.v1", "a", StringValue(value="a"))
    await migrate(fresh.urls.migrator, f"{BARE}.migrations")
    assert await count(fresh.app, outbox) == 1


async def test_connections_that_were_cut_are_replaced(fresh: FreshDatabase, postgres: Postgres) -> None:
    assert await count(fresh.app, outbox) == 0
    await cut_all_sessions(fresh, postgres)
    assert await count(fresh.app, outbox) == 0


async def test_a_transaction_cut_in_the_middle_is_an_unavailable_dependency(fresh: FreshDatabase, postgres: Postgres) -> None:
    async def cut_in_the_middle() -> None:
        async with fresh.app.transaction() as tx:
            await change(tx, "a")
            await cut_all_sessions(fresh, postgres)
            tx.publish("bare.things.v1", "a", StringValue(value="a"))

    with pytest.raises(Unavailable):
        await cut_in_the_middle()
    assert await count(fresh.app, states) == 0
    assert await count(fresh.app, outbox) == 0


async def test_a_database_that_hangs_is_noticed_and_the_work_goes_on_when_it_wakes(killable_postgres: Postgres) -> None:
    """Its connections stay open, and nothing comes over them any more."""
    database = Database(killable_postgres.url, longest_s=0.5)

    async def asked_in_the_middle() -> None:
        async with database.transaction() as tx:
            killable_postgres.pause()
            await tx.connection.execute(sa.text("SELECT 1"))

    async with asyncio.timeout(30):
        with pytest.raises(Unavailable) as unavailable:
            await asked_in_the_middle()
        assert not is_out_of_time(unavailable.value), "less work at once would not help"
        killable_postgres.resume()
        async with database.transaction(), database.transaction():
            pass
        killable_postgres.pause()
        assert not await database.reachable()
        killable_postgres.resume()
        assert await database.reachable()
    await database.close()


async def test_the_database_misses_a_client_whose_machine_went_dark(fresh: FreshDatabase) -> None:
    async with fresh.worker.apart() as driver:
        idle, interval, count = [int(await driver.fetchval(f"SHOW tcp_keepalives_{each}")) for each in ("idle", "interval", "count")]
    assert 0 < idle + interval * count <= 30


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    ],
)
async def test_what_the_driver_says_of_a_server_that_leaves_is_an_unavailable_dependency(fresh: FreshDatabase, error: Exception) -> None:
    with pytest.raises(Unavailable):
        async with fresh.worker.apart():
            raise error


async def cut_all_sessions(fresh: FreshDatabase, postgres: Postgres) -> None:
    admin = await asyncpg.connect(postgres.url)
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", fresh.name)
    await admin.close()


@pytest.mark.parametrize("way", ["the driver", "SQLAlchemy"])
async def test_a_statement_that_was_prepared_before_a_migration_succeeds_the_next_time(fresh: FreshDatabase, way: str) -> None:
    """While a migration comes in the version before is at work, and its connections have prepared what they ask."""
    database, query = Database(fresh.urls.worker, pool_size=1), "SELECT o.* FROM (SELECT 1) AS one LEFT JOIN outbox o ON false"

    async def columns() -> int:
        async with database.transaction() as tx:
            if way == "the driver":
                return len(await (await tx.driver()).fetchrow(query))
            return len((await tx.connection.exec_driver_sql(query)).one())

    async with closing(database):
        before = await columns()
        migrator = await asyncpg.connect(plain_url(fresh.urls.migrator))
        await migrator.execute("ALTER TABLE outbox ADD later text")
        await migrator.close()
        with pytest.raises(Unavailable):
            await columns()
        assert await columns() == before + 1
