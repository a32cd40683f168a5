import asyncio
import hashlib

import pytest
import sqlalchemy as sa
from chassis.access import Caller, Grant
from chassis.interceptors.idempotency import Ledger
from chassis.requests import RequestLedger, purge_answers
from chassis.tables import audit_records, outbox, request_results
from chassis.testing.bare import change, states
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from google.protobuf.wrappers_pb2 import StringValue
from kernel.faults import Conflict, Forbidden, WrongState

HR = Grant("hr-officer", "state-body", "KGD")
AIDA = Caller("aida", "portal", grants=(HR,))
METHOD = "/tartip.registry.v1.StateBodyService/CreateStateBody"
ID = "0b0e6a52-93d8-4ef2-a1f0-7f2c1b7f6e3a"


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database("chassis.testing.bare")


async def act(fresh: FreshDatabase, answer: bytes, caller: Caller = AIDA, method: str = METHOD, digest: bytes = b"d") -> bytes:
    """One call through the ledger whose use case opens its own transaction, as use cases do."""
    ledger: Ledger = RequestLedger(fresh.app, "a key")
    async with ledger.entry(caller, method, ID, digest) as entry:
        if entry.answer is not None:
            return entry.answer
        async with fresh.app.transaction(caller) as tx:
            await tx.lock("things", ["a"])
            await change(tx, "a")
            tx.publish("bare.things.v1", "a", StringValue(value="a"))
            tx.record("create", "things/a")
        await entry.keep(answer)
    return answer


async def count(fresh: FreshDatabase, table: sa.Table) -> int:
    async with fresh.worker.transaction() as tx:
        return (await tx.connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()


async def test_the_same_request_is_done_once_and_answered_alike(fresh: FreshDatabase) -> None:
    assert await act(fresh, b"first") == b"first"
    assert await act(fresh, b"second") == b"first"
    for table in (states, outbox, audit_records, request_results):
        assert await count(fresh, table) == 1
    async with fresh.app.transaction() as tx:
        assert (await tx.connection.execute(sa.select(states.c.revision))).scalar_one() == 1


async def test_two_at_once_are_done_once(fresh: FreshDatabase) -> None:
    answers = await asyncio.gather(*(act(fresh, f"{number}".encode()) for number in range(8)))
    assert len(set(answers)) == 1
    assert await count(fresh, outbox) == 1


async def test_work_that_fails_leaves_neither_itself_nor_an_answer(fresh: FreshDatabase) -> None:
    async def fail() -> None:
        async with RequestLedger(fresh.app, "a key").entry(AIDA, METHOD, ID, b"d"), fresh.app.transaction() as tx:
            tx.publish("bare.things.v1", "a", StringValue(value="a"))
            raise WrongState("NOT_YET")

    with pytest.raises(WrongState):
        await fail()
    assert await count(fresh, outbox) == 0
    assert await act(fresh, b"later") == b"later"


async def test_a_failure_that_is_passed_over_undoes_the_whole(fresh: FreshDatabase) -> None:
    async def half() -> None:
        async with RequestLedger(fresh.app, "a key").entry(AIDA, METHOD, ID, b"d") as entry:
            try:
                async with fresh.app.transaction() as tx:
                    await change(tx, "a")
                    raise WrongState("NOT_YET")
            except WrongState:
                await entry.keep(b"as if nothing had happened")

    with pytest.raises(RuntimeError, match="passed over"):
        await half()
    assert await count(fresh, states) == 0
    assert await count(fresh, request_results) == 0


async def test_what_is_written_apart_stays_whatever_becomes_of_the_request(fresh: FreshDatabase) -> None:
    async def refuse() -> None:
        async with RequestLedger(fresh.app, "a key").entry(AIDA, METHOD, ID, b"d"):
            async with fresh.app.transaction(AIDA, apart=True) as tx:
                tx.record("create", "things/a")
            raise WrongState("NOT_YET")

    with pytest.raises(WrongState):
        await refuse()
    async with fresh.worker.transaction() as tx:
        row = (await tx.connection.execute(sa.select(audit_records))).one()
    assert (row.subject, row.grants, row.outcome) == ("aida", ["/state-bodies/KGD/hr-officer"], "done")


async def test_an_id_that_comes_with_another_body_is_refused(fresh: FreshDatabase) -> None:
    await act(fresh, b"first")
    with pytest.raises(Conflict) as refused:
        await act(fresh, b"second", digest=b"other")
    assert refused.value.reason == "REQUEST_ID_REUSED"


async def test_the_digest_of_what_was_asked_cannot_be_told_without_the_key(fresh: FreshDatabase) -> None:
    await act(fresh, b"first", digest=b"a digest that could be guessed")
    async with fresh.worker.transaction() as tx:
        kept = (await tx.connection.execute(sa.select(request_results.c.body_digest))).scalar_one()
    guessed = (b"a digest that could be guessed", hashlib.sha256(b"a digest that could be guessed").digest())
    assert len(kept) == 32
    assert kept not in guessed
    with pytest.raises(Conflict):
        async with RequestLedger(fresh.app, "another key").entry(AIDA, METHOD, ID, b"a digest that could be guessed"):
            pass


async def test_what_a_version_before_was_asked_is_answered_alike(fresh: FreshDatabase) -> None:
    await act(fresh, b"first")
    async with fresh.worker.transaction() as tx:
        await tx.connection.execute(sa.update(request_results).values(body_digest=b"d"))
    assert await act(fresh, b"second") == b"first"


async def test_an_id_belongs_to_one_subject_and_one_method(fresh: FreshDatabase) -> None:
    await act(fresh, b"first")
    assert await act(fresh, b"second", caller=Caller("bolat", "portal", grants=(HR,))) == b"second"
    assert await act(fresh, b"third", method=METHOD.replace("Create", "Update")) == b"third"


async def test_who_lost_the_grant_of_then_is_not_answered(fresh: FreshDatabase) -> None:
    await act(fresh, b"first")
    more = Caller("aida", "portal", grants=(HR, Grant("hr-officer", "state-body", "MF")))
    assert await act(fresh, b"second", caller=more) == b"first"
    with pytest.raises(Forbidden):
        await act(fresh, b"second", caller=Caller("aida", "portal", grants=(Grant("hr-officer", "state-body", "MF"),)))


async def test_an_answer_lives_for_a_day(fresh: FreshDatabase) -> None:
    await act(fresh, b"first")
    await age(fresh, "23:59:00")
    assert await purge_answers(fresh.worker) == 0
    assert await act(fresh, b"second") == b"first"
    await age(fresh, "00:02:00")
    assert await act(fresh, b"third") == b"third"
    await age(fresh, "25:00:00")
    assert await purge_answers(fresh.worker) == 1
    assert await count(fresh, request_results) == 0


async def age(fresh: FreshDatabase, by: str) -> None:
    async with fresh.worker.transaction() as tx:
        await tx.connection.execute(sa.text(f"UPDATE request_results SET stored_at = stored_at - interval '{by}'"))
