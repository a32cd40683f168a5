"""The audit is sealed by the database alone, in the order of transactions, whatever is at work meanwhile."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from chassis.audit import AuditRecord
from chassis.audit_log.chain import Checkpoint, Seal, link, record_bytes
from chassis.audit_log.sealing import Sealing, topic_of
from chassis.audit_log.verification import Verdict, VerifyAuditLog
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.waiting import until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.faults import Malformed
from tartip.audit.v1 import events_pb2

SEALS = "SELECT place, record, xid::text AS xid, hash FROM audit_seals ORDER BY place"
RECORDS = "SELECT *, xid::text AS xid FROM audit_records ORDER BY audit_records.xid, id"


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database("chassis.testing.bare")


async def record(fresh: FreshDatabase, *resources: str) -> None:
    async with fresh.app.transaction() as transaction:
        for resource in resources:
            transaction.record("thing.change", resource)


async def test_each_seal_follows_from_all_before_and_its_record(fresh: FreshDatabase) -> None:
    await record(fresh, "things/a", "things/b")
    await record(fresh, "things/c")
    assert await Sealing("bare", fresh.worker, 60).seal() == 3
    before, rows = b"", await fresh.rows(RECORDS)
    for place, (seal, row) in enumerate(zip(await fresh.rows(SEALS), rows, strict=True), start=1):
        before = link(before, _told(row))
        assert (seal["place"], seal["record"], seal["xid"], seal["hash"]) == (place, row["id"], row["xid"], before)
    assert await Sealing("bare", fresh.worker, 60).seal() == 0


async def test_a_transaction_that_began_before_and_ends_later_is_not_passed_over(fresh: FreshDatabase) -> None:
    sealing = Sealing("bare", fresh.worker, 60)
    async with fresh.app.transaction() as older:
        older.record("thing.change", "things/older")
        await older.flush()
        await record(fresh, "things/younger")
        assert await sealing.seal() == 0
    assert await sealing.seal() == 2
    sealed = await fresh.rows("SELECT resource FROM audit_seals s JOIN audit_records r ON r.id = s.record ORDER BY place")
    assert [row["resource"] for row in sealed] == ["things/older", "things/younger"]


async def test_several_who_seal_at_once_beside_writers_make_one_chain(fresh: FreshDatabase) -> None:
    done = asyncio.Event()

    async def write(number: int) -> None:
        for count in range(20):
            await record(fresh, *(f"things/{number}-{count}-{part}" for part in range(3)))

    async def seal(database: Any) -> None:
        while not done.is_set():
            await Sealing("bare", database, 60).seal()

    sealers = [asyncio.create_task(seal(fresh.worker)) for _ in range(3)]
    await asyncio.gather(*(write(number) for number in range(4)))
    done.set()
    await asyncio.gather(*sealers)
    await Sealing("bare", fresh.worker, 60).seal()
    found = await VerifyAuditLog(fresh.app)()
    assert (found.verdict, found.reached.place, found.unsealed) == (Verdict.INTACT, 240, 0)


FORBIDDEN = {
    "INSERT INTO audit_seals VALUES (1, 1, '1', '')": ("app", "worker"),
    "UPDATE audit_seals SET hash = ''": ("app", "worker"),
    "DELETE FROM audit_seals": ("app", "worker"),
    "TRUNCATE audit_seals": ("app", "worker"),
    "SELECT seal_audit_records(1)": ("app",),
    "CREATE OR REPLACE FUNCTION seal_audit_records(most integer) RETURNS integer LANGUAGE sql RETURN 1": ("app", "worker"),
    "DROP FUNCTION audit_record_bytes": ("app", "worker"),
}


@pytest.mark.parametrize(("statement", "role"), [(statement, role) for statement, roles in FORBIDDEN.items() for role in roles])
async def test_nobody_but_the_databases_own_function_writes_seals(fresh: FreshDatabase, statement: str, role: str) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"):
        async with getattr(fresh, role).transaction() as transaction:
            await transaction.connection.execute(sa.text(statement))


async def test_a_checkpoint_is_published_when_the_chain_has_grown_and_its_time_has_come(fresh: FreshDatabase) -> None:
    eager, patient = Sealing("bare", fresh.worker, 0.0), Sealing("bare", fresh.worker, 3600.0)
    await eager.tell()
    for resource in ("things/a", "things/b"):
        await record(fresh, resource)
        await eager.seal()
        for sealing in (eager, eager, patient, patient):
            await sealing.tell()
    rows = await fresh.rows("SELECT topic, key, payload FROM outbox ORDER BY xid, id")
    told = [events_pb2.AuditCheckpointTaken.FromString(row["payload"]) for row in rows]
    assert {(row["topic"], row["key"]) for row in rows} == {(topic_of("bare"), "bare")}
    seals = {row["place"]: row["hash"] for row in await fresh.rows(SEALS)}
    assert [(each.service, each.place, each.hash) for each in told] == [("bare", place, seals[place]) for place in (1, 1, 2)]


async def test_sealing_goes_on_until_it_is_told_to_stop(fresh: FreshDatabase) -> None:
    stop = asyncio.Event()
    await record(fresh, *(f"things/{number}" for number in range(2_500)))
    running = asyncio.create_task(Sealing("bare", fresh.worker, 60, poll_s=0.01).run(stop))

    async def sealed() -> bool:
        return len(await fresh.rows("SELECT FROM audit_seals")) == 2_500

    await until(sealed)
    stop.set()
    await running
    assert len(await fresh.rows("SELECT FROM outbox")) == 1


def _told(row: Any) -> dict[str, Any]:
    return {**row, "xid": str(row["xid"])}


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NONE_OR = st.none() | WORDS
AUDITED = st.builds(
    AuditRecord,
    subject=WORDS, client=WORDS, grants=st.lists(WORDS, max_size=3).map(tuple), method=WORDS, action=WORDS, resource=WORDS,
    rule=NONE_OR, before=st.none() | st.binary(max_size=8), after=st.none() | st.binary(max_size=8), request_id=WORDS, trace_id=WORDS,
    outcome=WORDS, body=NONE_OR, region=NONE_OR, purpose=NONE_OR,
)  # fmt: skip


async def test_the_database_and_the_verifier_make_the_same_bytes_of_any_record(fresh: FreshDatabase) -> None:
    loop = asyncio.get_running_loop()

    async def check(record: AuditRecord) -> None:
        async with fresh.worker.transaction() as transaction:
            transaction.record_refusals([record])
            await transaction.flush()
            driver = await transaction.driver()
            row = await driver.fetchrow("SELECT *, xid::text AS xid FROM audit_records ORDER BY id DESC LIMIT 1")
            assert row["subject"] == record.subject
        (made,) = await fresh.rows(f"SELECT audit_record_bytes(r) FROM audit_records r WHERE id = {row['id']}")
        assert record_bytes(_told(row)) == made[0]

    @settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(AUDITED)
    def property_(record: AuditRecord) -> None:
        asyncio.run_coroutine_threadsafe(check(record), loop).result(60)

    await asyncio.to_thread(property_)


ROW = dict.fromkeys(("before_digest", "after_digest", "rule", "body", "region"))


@given(st.lists(NONE_OR, min_size=9, max_size=9), st.lists(NONE_OR, min_size=9, max_size=9))
@settings(max_examples=200, derandomize=True, database=None)
def test_different_records_have_different_bytes(one: list[str | None], other: list[str | None]) -> None:
    names = ("subject", "client", "method", "action", "resource", "outcome", "request_id", "trace_id", "purpose")
    rest: dict[str, Any] = {**ROW, "id": 1, "xid": "1", "recorded_at": datetime(2026, 11, 27, tzinfo=UTC), "grants": []}
    made = [record_bytes({**rest, **dict(zip(names, fields, strict=True))}) for fields in (one, other)]
    assert (made[0] == made[1]) == (one == other)


@given(st.integers(0, 10**18 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_as_it_was_written(place: int, hash: bytes) -> None:
    checkpoint = Checkpoint("registry", Seal(place, hash))
    assert Checkpoint.read(f" {checkpoint}\n", "start") == checkpoint


@pytest.mark.parametrize(
    "text", ["", "registry", "registry:1", "registry:-1:" + "0" * 64, "registry:1:" + "0" * 63, "registry:1:" + "G" * 64]
)
def test_what_is_no_checkpoint_is_refused_by_field(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        Checkpoint.read(text, "checkpoints[0]")
    assert list(refused.value.violations) == ["checkpoints[0]"]
