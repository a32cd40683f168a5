"""Streaming RPCs stand inside the same layers as the others."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from chassis.auth import LEEWAY_S
from chassis.errors import status_of
from chassis.testing.client import channel, refusal_of
from kernel.faults import NotFound
from tartip.registry.v1 import servant_service_pb2 as servants
from tartip.registry.v1 import servant_service_pb2_grpc as servants_grpc
from tartip.timetracking.v1 import passage_service_pb2 as passages
from tartip.timetracking.v1 import passage_service_pb2_grpc as passages_grpc
from tartip.timetracking.v1 import workday_service_pb2 as workdays
from tartip.timetracking.v1 import workday_service_pb2_grpc as workdays_grpc

OFFICER = ["/state-bodies/KGD/hr-officer"]
GATEWAY = ["/systems/hq/device-gateway"]
IMPORT = "/tartip.registry.v1.ServantService/ImportServants"


async def _each(messages: Iterable[Any]) -> AsyncIterator[Any]:
    for message in messages:
        yield message


async def _watch(asked: grpc.aio.Channel, seen: list[str]) -> None:
    stub: Any = workdays_grpc.WorkdayServiceStub(asked)
    async for change in stub.WatchWorkdays(workdays.WatchWorkdaysRequest(), timeout=20):
        seen.append(change.cursor)


async def test_a_client_stream_is_read_to_its_end(stage: Any) -> None:
    async with stage.registry() as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        rows = [servants.ImportServantsRequest(row=row) for row in (1, 2, 3)]
        answer = await servants_grpc.ServantServiceStub(asked).ImportServants(_each(rows))
    assert [row.row for row in answer.rows] == [1, 2, 3]


async def test_a_message_of_a_stream_that_cannot_be_read_is_malformed(stage: Any) -> None:
    async with stage.registry() as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        with pytest.raises(grpc.RpcError) as error:
            await asked.stream_unary(IMPORT, request_serializer=None, response_deserializer=None)(_each([b"\x08\x01", b"\xff"]))
    assert refusal_of(error.value).reason == "MALFORMED"
    assert len(stage.told.seen) == 1


async def test_a_row_is_refused_in_the_words_of_the_call(stage: Any) -> None:
    statuses = []

    async def work(_: Any) -> None:
        statuses.append(status_of(NotFound("positions/X")))

    stage.told.work = work
    async with stage.registry() as address, channel(address, stage.tokens.mint("anna", OFFICER), "ru") as asked:
        await servants_grpc.ServantServiceStub(asked).ImportServants(_each([servants.ImportServantsRequest(row=1)]))
    assert statuses[0].code == grpc.StatusCode.NOT_FOUND.value[0]
    assert "не найдено".encode() in statuses[0].SerializeToString()


async def test_a_stream_both_ways_is_answered_message_by_message(stage: Any) -> None:
    async with stage.timetracking() as address, channel(address, stage.tokens.mint("hq", GATEWAY)) as asked:
        stub: Any = passages_grpc.PassageServiceStub(asked)
        call = stub.RecordPassages()
        for sequence in (1, 5):
            await call.write(passages.RecordPassagesRequest(first_sequence=sequence))
            assert (await call.read()).acknowledged_sequence == sequence
        await call.done_writing()
        assert not hasattr(await call.read(), "acknowledged_sequence")
    assert stage.told.seen[0].reach.systems == {"hq"}


async def test_a_stream_is_closed_to_strangers_before_its_first_message(stage: Any) -> None:
    async with stage.timetracking() as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        stub: Any = passages_grpc.PassageServiceStub(asked)
        call = stub.RecordPassages()
        with pytest.raises(grpc.RpcError) as error:
            await call.read()
    assert refusal_of(error.value).reason == "FORBIDDEN"
    assert stage.told.seen == []


async def test_a_fault_in_the_middle_of_a_stream_ends_it_with_its_reason(stage: Any) -> None:
    async def work(_: Any) -> None:
        raise NotFound("stateBodies/X")

    stage.told.work = work
    seen: list[str] = []
    async with stage.timetracking() as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        with pytest.raises(grpc.RpcError) as error:
            await _watch(asked, seen)
    assert seen == ["1", "2"]
    assert refusal_of(error.value).reason == "NOT_FOUND"


async def test_a_stream_ends_with_its_token(stage: Any) -> None:
    async def work(_: Any) -> None:
        await asyncio.Event().wait()

    stage.told.work = work

    async def short_lived() -> str:
        return str(stage.tokens.mint("anna", OFFICER, claims={"exp": int(time.time()) - LEEWAY_S + 2}))

    async with stage.timetracking() as address, channel(address, short_lived) as asked:
        with pytest.raises(grpc.RpcError) as error:
            await _watch(asked, [])
    assert refusal_of(error.value).reason == "UNAUTHENTICATED"


async def test_a_caller_who_goes_away_ends_the_work(stage: Any) -> None:
    ended = asyncio.Event()
    started = asyncio.Event()

    async def work(_: Any) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    stage.told.work = work
    async with stage.timetracking() as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        call = workdays_grpc.WorkdayServiceStub(asked).WatchWorkdays(workdays.WatchWorkdaysRequest())
        await asyncio.wait_for(started.wait(), 10)
        call.cancel()
        await asyncio.wait_for(ended.wait(), 10)
