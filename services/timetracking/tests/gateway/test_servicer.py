"""RecordPassages over a real server: each answer says up to where Kafka has the passages."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import grpc.aio
import pytest
from chassis.brokers import Brokers
from chassis.publisher import Publisher
from chassis.testing.answers import answered
from chassis.testing.client import channel, refusal_of
from chassis.testing.matrix import People, callers, expected
from chassis.testing.tokens import Tokens
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from tartip.timetracking.v1.passage_service_pb2 import Passage, RecordPassagesRequest, RecordPassagesResponse
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub
from timetracking.devices.domain import Protocol
from timetracking.gateway.domain import EnrolledDevice
from timetracking.gateway.door import Gateway

from .conftest import RECEIVED

Start = Callable[..., AbstractAsyncContextManager[Gateway]]
GRANTS = ["/systems/hq/device-gateway"]
PARKED = "timetracking.passages.v1.parked"


def passage(key: str = "1", **changes: Any) -> Passage:
    given: dict[str, Any] = {
        "device": "stream-3",
        "event_key": key,
        "wall_time": "2026-11-24T08:55:00",
        "badge_system": "hq",
        "badge_number": "25",
        "direction": 1,
    }
    return Passage(**given | changes)


def request(first: int, *passages: Passage) -> RecordPassagesRequest:
    return RecordPassagesRequest(first_sequence=first, passages=passages)


@contextlib.asynccontextmanager
async def stream(gateway: Gateway, token: str | None) -> AsyncIterator[Any]:
    async with channel(f"127.0.0.1:{gateway.grpc_port}", token) as opened:
        yield PassageServiceStub(opened).RecordPassages


async def answers(gateway: Gateway, token: str | None, *requests: RecordPassagesRequest) -> list[RecordPassagesResponse]:
    async with stream(gateway, token) as record:
        return [answer async for answer in record(iter(requests), timeout=20)]


async def nothing_yet() -> AsyncIterator[RecordPassagesRequest]:
    """Sends nothing: a client that still writes when the server ends the call may see INTERNAL instead of why."""
    await asyncio.Event().wait()
    yield request(1)


async def until_refused(call: Any) -> tuple[list[int], str]:
    """The acknowledged sequences, and the code with which the stream ended."""
    said: list[int] = []
    try:
        async for answer in call:
            said.append(answer.acknowledged_sequence)
    except grpc.aio.AioRpcError as ended:
        return said, ended.code().name
    return said, "OK"


def reason(status: status_pb2.Status) -> tuple[str, dict[str, str]]:
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info.reason, dict(info.metadata)


@pytest.fixture
def token(tokens: Tokens) -> str:
    return tokens.mint("hq-system", GRANTS)


async def test_each_answer_acknowledges_what_kafka_has(gateway: Gateway, token: str, tap: Any) -> None:
    said = await answers(gateway, token, request(1, passage("1"), passage("2", badge_number="31")), request(3, passage("3", direction=2)))
    assert [(answer.acknowledged_sequence, len(answer.refused)) for answer in said] == [(2, 0), (3, 0)]
    found = {one.event_key: one for one in await tap.passages()}
    assert set(found) == {"1", "2", "3"}
    assert found["1"].received_at == Timestamp(seconds=1795528800)
    assert found["1"].live
    assert len(found["1"].raw_digest) == 32


async def test_what_is_refused_is_named_and_the_rest_goes_on(gateway: Gateway, token: str, tap: Any) -> None:
    (answer,) = await answers(
        gateway,
        token,
        request(
            10,
            passage("1"),
            passage("2", device="stranger"),
            passage("3", device="other-4"),
            passage("4", device="gate-1"),
            passage("5", wall_time="yesterday"),
            passage("6", wall_time="1970-01-01T00:00:07"),
            passage("7", badge_system="elsewhere"),
            passage("8", badge_number="\n"),
            passage("", badge_number="25"),
            passage("9"),
        ),
    )
    assert answer.acknowledged_sequence == 19
    named = {one.sequence: reason(one.refusal) for one in answer.refused}
    assert {sequence: name for sequence, (name, _) in named.items()} == {
        11: "DEVICE_NOT_ENROLLED",
        12: "DEVICE_NOT_ENROLLED",
        13: "DEVICE_NOT_ENROLLED",
        14: "MALFORMED",
        15: "IMPOSSIBLE_TIME",
        16: "MALFORMED",
        17: "MALFORMED",
        18: "MALFORMED",
    }
    assert named[15][1] == {"device": "stream-3", "wallTime": "1970-01-01T00:00:07", "receivedAt": "2026-11-24T14:00:00+00:00"}
    found = await tap.new()
    assert sorted(one.event_key for message in found if message.topic != PARKED for one in message.batch.passages) == ["1", "9"]
    assert sorted(message.headers["reason"] for message in found if message.topic == PARKED) == ["impossible-time", *["malformed"] * 4]


async def test_what_a_revoked_device_sends_is_refused_by_name_and_its_neighbours_go_on(
    start: Any, devices: Any, token: str, tap: Any
) -> None:
    devices["stream-3"] = replace(devices["stream-3"], revoked=True)
    devices["stream-5"] = EnrolledDevice("stream-5", Protocol.GRPC, "hq")
    noted: list[tuple[Any, ...]] = []
    async with start(note_refused=lambda *each: noted.append(each)) as gateway:
        (answer,) = await answers(gateway, token, request(1, passage("1"), passage("2", device="stream-5")))
    assert [(one.sequence, reason(one.refusal)) for one in answer.refused] == [(1, ("DEVICE_REVOKED", {"device": "stream-3"}))]
    assert [one.event_key for one in await tap.passages()] == ["2"]
    assert noted == [("stream-3", "revoked", RECEIVED)]


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [("wall_time", "24.11.2026", "YYYY-MM-DDThh:mm:ss without an offset"), ("badge_number", "", "1 to 64 printable characters")],
)
async def test_a_refusal_names_the_field(gateway: Gateway, token: str, field: str, value: str, right: str) -> None:
    (answer,) = await answers(gateway, token, request(1, passage("1", **{field: value})))
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in answer.refused[0].refusal.details)
    assert [(row.field, row.description) for row in bad.field_violations] == [(f"passages[0].{field}", right)]


async def test_a_system_speaks_for_its_own_devices_only(gateway: Gateway, tokens: Tokens, tap: Any) -> None:
    (answer,) = await answers(gateway, tokens.mint("other", ["/systems/elsewhere/device-gateway"]), request(1, passage("1")))
    assert reason(answer.refused[0].refusal)[0] == "DEVICE_NOT_ENROLLED"
    assert await tap.new() == []


@pytest.mark.parametrize(
    ("grants", "code"), [(["/state-bodies/KGD/hr-officer"], "PERMISSION_DENIED"), ([], "PERMISSION_DENIED"), (None, "UNAUTHENTICATED")]
)
async def test_others_are_refused(gateway: Gateway, tokens: Tokens, tap: Any, grants: list[str] | None, code: str) -> None:
    token = None if grants is None else tokens.mint("someone", grants)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async with stream(gateway, token) as record:
            await anext(aiter(record(nothing_yet(), timeout=20)))
    assert refused.value.code().name == code
    with pytest.raises(grpc.aio.AioRpcError):
        await answers(gateway, token, request(1, passage("1")))
    assert await tap.new() == []


async def test_too_many_passages_are_refused(gateway: Gateway, token: str, tap: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await answers(gateway, token, request(1, *[passage(str(number)) for number in range(1_001)]))
    assert refusal_of(refused.value).violations == {"passages": "at most 1000"}
    assert await tap.new() == []


@pytest.mark.parametrize(("first", "passages"), [(2**63 - 1, 2), (-(2**63), 0)])
async def test_a_sequence_that_cannot_be_acknowledged_is_refused_before_anything_is_taken(
    gateway: Gateway, token: str, tap: Any, first: int, passages: int
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await answers(gateway, token, request(first, *[passage(str(number)) for number in range(passages)]))
    assert list(refusal_of(refused.value).violations) == ["first_sequence"]
    assert await tap.new() == []


async def test_a_damaged_passage_with_an_impossible_receipt_stops_no_other(gateway: Gateway, token: str, tap: Any) -> None:
    """The receipt is the gateway's own: what a sender puts there is neither read nor kept."""
    (answer,) = await answers(gateway, token, request(1, passage("", received_at=Timestamp(seconds=10**15)), passage("2")))
    assert (answer.acknowledged_sequence, [one.sequence for one in answer.refused]) == (2, [1])
    found = await tap.new()
    assert [one.event_key for message in found if message.topic != PARKED for one in message.batch.passages] == ["2"]
    (parked,) = (message for message in found if message.topic == PARKED)
    assert b"receivedAt" not in parked.value


async def test_single_passages_do_not_wait_for_one_another(start: Start, token: str, tap: Any) -> None:
    async with start(gateway_batch_linger_s=0.2) as gateway:
        async with asyncio.timeout(10):  # one after another they would take 64 × 0.2 s
            said = await answers(gateway, token, *[request(number, passage(str(number))) for number in range(1, 65)])
    assert [answer.acknowledged_sequence for answer in said] == list(range(1, 65))
    assert [one.event_key for one in await tap.passages()] == [str(number) for number in range(1, 65)]


async def test_bytes_that_are_no_message_end_the_stream_after_what_came_before(gateway: Gateway, token: str, tap: Any) -> None:
    async with channel(f"127.0.0.1:{gateway.grpc_port}", token) as opened:
        method = "/tartip.timetracking.v1.PassageService/RecordPassages"
        record: Any = opened.stream_stream(method, lambda sent: sent, RecordPassagesResponse.FromString)
        said, ended = await until_refused(record(iter([request(1, passage("1")).SerializeToString(), b"\xff\xff\xff"]), timeout=20))
    assert (said, ended) == ([1], "INVALID_ARGUMENT")
    assert len(await tap.passages()) == 1


async def test_without_kafka_nothing_is_acknowledged(start: Start, token: str) -> None:
    away = Publisher(Brokers("127.0.0.1:1"), give_up_after_ms=200)
    try:
        async with start(to=away, gateway_answer_within_s=0.2) as gateway, stream(gateway, token) as record:
            said, ended = await until_refused(record(iter([request(1, passage("1"))]), timeout=20))
        assert (said, ended) == ([], "UNAVAILABLE")
    finally:
        await away.close()


async def test_a_sender_that_goes_away_stops_nobody(gateway: Gateway, token: str, tap: Any) -> None:
    async with stream(gateway, token) as record:
        call = record()
        await call.write(request(1, passage("1")))
        assert (await call.read()).acknowledged_sequence == 1
        await call.write(request(2, passage("2")))
        call.cancel()
    (answer,) = await answers(gateway, token, request(2, passage("2")))
    assert answer.acknowledged_sequence == 2
    assert {one.event_key for one in await tap.passages()} == {"1", "2"}


async def test_a_stream_at_rest_ends_with_the_gateway_once_it_is_answered(start: Start, token: str, tap: Any) -> None:
    async with contextlib.AsyncExitStack() as streams:
        async with start() as gateway:
            call = (await streams.enter_async_context(stream(gateway, token)))()
            await call.write(request(1, passage("1")))
            assert (await call.read()).acknowledged_sequence == 1
            await call.write(request(2, passage("2")))
            began = time.monotonic()
        assert time.monotonic() - began < 4  # without it the gateway waits for the stream, five seconds
        said, ended = await until_refused(call)
    assert (said, ended) in (([2], "UNAVAILABLE"), ([], "UNAVAILABLE"))
    assert {one.event_key for one in await tap.passages()} >= {"1", *(["2"] if said else [])}


async def test_names_in_a_raw_event_are_not_kept(gateway: Gateway, token: str, tap: Any) -> None:
    await answers(gateway, token, request(1, passage("1", raw='{"name":"Сейтқали Айгүл","door":1}')))
    (one,) = await tap.passages()
    assert one.raw == '{"name":"","door":1}'


async def recorded(gateway: Gateway, token: str, given: Any) -> list[RecordPassagesResponse]:
    async with stream(gateway, token) as record:
        return [answer async for answer in record(given, timeout=20)]


async def test_every_caller_is_answered_as_the_matrix_says(gateway: Gateway, tokens: Tokens) -> None:
    for someone in callers(People(own="S1", other="S2", head="H1", other_head="H2")):
        token = tokens.mint(str(someone), someone.grants, someone.servant)
        given = iter([request(1, passage("1"))]) if someone.kind == "device-gateway@system" else nothing_yet()
        taken = await answered(recorded(gateway, token, given), lambda said: not said[0].refused)
        assert taken == expected("/tartip.timetracking.v1.PassageService/RecordPassages", someone), str(someone)
