"""What is refused to somebody who is known leaves its record, and a flood of it leaves the database standing."""

import asyncio
from typing import Any

import grpc
import pytest
from chassis.audit import AuditRecord, refusal_record
from chassis.audit_log.refusals import BATCH, DROPPED, MOST_OF_ONE, MOST_WAITING, RefusalLog
from chassis.database import Database
from chassis.interceptors.incoming import resource_of
from chassis.testing.client import channel
from chassis.testing.fixtures import FreshDatabase, MakeDatabase
from chassis.testing.waiting import until
from kernel.faults import Forbidden, NotFound, WrongState
from tartip.registry.v1 import servant_service_pb2 as servants
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.registry.v1 import state_body_service_pb2_grpc as bodies_grpc

from ..interceptors.conftest import Stage, Told

GET = "/tartip.registry.v1.StateBodyService/GetStateBody"
OFFICER = ["/state-bodies/KGD/hr-officer"]
KEPT = "SELECT subject, client, grants, method, action, resource, rule, outcome, request_id, body, region FROM audit_records ORDER BY id"


@pytest.fixture
async def fresh(database: MakeDatabase) -> FreshDatabase:
    return await database("chassis.testing.bare")


@pytest.fixture
def stage(tokens: Any) -> Stage:
    return Stage(Told(), tokens)


def refusal(subject: str = "anna") -> AuditRecord:
    return refusal_record(subject, "portal", (), GET, "stateBodies/KGD", "FORBIDDEN", None, "r1")


async def refused(stage: Stage, log: RefusalLog, token: str | None, name: str = "stateBodies/MF", error: Exception | None = None) -> None:
    """One call that fails."""

    async def work(_: object) -> None:
        if error is not None:
            raise error

    stage.told.work = work
    async with stage.registry(refused=log.note) as address, channel(address, token) as asked:
        stub: Any = bodies_grpc.StateBodyServiceStub(asked)
        with pytest.raises(grpc.RpcError):
            await stub.GetStateBody(bodies.GetStateBodyRequest(name=name), metadata=(("x-request-id", "request-00001"),))


async def test_a_call_that_no_grant_opens_is_written_down_with_all_that_the_token_grants(stage: Stage, fresh: FreshDatabase) -> None:
    log, grants = RefusalLog(fresh.app), ["/regions/75/stranger", "/state-bodies/KGD/stranger"]
    await refused(stage, log, stage.tokens.mint("anna", grants, client="portal"))
    assert await log.write() == 1
    assert [tuple(row) for row in await fresh.rows(KEPT)] == [
        ("anna", "portal", sorted(grants), GET, "call.refuse", "stateBodies/MF", None, "FORBIDDEN", "request-00001", "MF", None)
    ]


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (NotFound("servants/hidden"), ("servants/hidden", "NOT_FOUND", "KGD")),
        (Forbidden(method=GET), ("stateBodies/MF", "FORBIDDEN", "MF")),
        (WrongState("NOT_YET"), None),
        (KeyError("x"), None),
    ],
)
async def test_what_the_handler_refuses_for_want_of_authority_is_written_down_too(
    stage: Stage, fresh: FreshDatabase, error: Exception, kept: tuple[str, str, str] | None
) -> None:
    log = RefusalLog(fresh.app)
    await refused(stage, log, stage.tokens.mint("anna", OFFICER), error=error)
    await log.write()
    assert [(row["resource"], row["outcome"], row["body"]) for row in await fresh.rows(KEPT)] == ([kept] if kept else [])


@pytest.mark.parametrize("token", [None, "not.a.token"])
async def test_of_a_call_by_nobody_there_is_no_record(stage: Stage, fresh: FreshDatabase, token: str | None) -> None:
    log = RefusalLog(fresh.app)
    await refused(stage, log, token)
    assert await log.write() == 0


async def test_what_is_no_name_of_a_resource_is_not_written_down(stage: Stage, fresh: FreshDatabase) -> None:
    log = RefusalLog(fresh.app)
    await refused(stage, log, stage.tokens.mint("anna", []), name="Серікова А., 850101300123")
    await log.write()
    assert [row["resource"] for row in await fresh.rows(KEPT)] == [""]
    assert resource_of(servants.ListServantsRequest(parent="stateBodies/KGD")) == "stateBodies/KGD"
    assert resource_of(servants.ImportServantsRequest()) == ""


async def test_an_answered_call_leaves_no_refusal(stage: Stage, fresh: FreshDatabase) -> None:
    log = RefusalLog(fresh.app)
    async with stage.registry(refused=log.note) as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        stub: Any = bodies_grpc.StateBodyServiceStub(asked)
        await stub.GetStateBody(bodies.GetStateBodyRequest(name="stateBodies/KGD"))
    assert await log.write() == 0


async def test_a_flood_finds_room_for_some_and_is_counted_and_covers_nobody_else(fresh: FreshDatabase) -> None:
    log, before = RefusalLog(fresh.app), DROPPED._value.get()
    for _ in range(50_000):
        log.note(refusal("flood"))
    log.note(refusal("anna"))
    assert DROPPED._value.get() - before == 50_000 - MOST_OF_ONE
    assert [await log.write(), await log.write(), await log.write()] == [BATCH, 1, 0]
    kept = await fresh.rows("SELECT subject, count(*) FROM audit_records GROUP BY subject ORDER BY subject")
    assert [tuple(row) for row in kept] == [("anna", 1), ("flood", MOST_OF_ONE)]
    log.note(refusal("flood"))
    assert await log.write() == 1, "who was written down has room again"


async def test_a_flood_by_many_is_bounded_as_well(fresh: FreshDatabase) -> None:
    log, before = RefusalLog(fresh.app), DROPPED._value.get()
    for number in range(5_000):
        log.note(refusal(f"person {number}"))
    assert DROPPED._value.get() - before == 5_000 - MOST_WAITING


async def test_while_the_database_is_away_they_wait(fresh: FreshDatabase) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    log = RefusalLog(away)
    log.note(refusal())
    async with log.written():
        await asyncio.sleep(0)
    log._database = fresh.app
    assert await log.write() == 1
    await away.close()


async def test_they_are_written_beside_the_work_and_what_is_left_at_its_end(fresh: FreshDatabase) -> None:
    log = RefusalLog(fresh.app)
    async with log.written():
        log.note(refusal())
        await until(lambda: fresh.rows("SELECT FROM audit_records"))
        for _ in range(MOST_OF_ONE):
            log.note(refusal("boris"))
    assert len(await fresh.rows("SELECT FROM audit_records")) == 1 + MOST_OF_ONE
