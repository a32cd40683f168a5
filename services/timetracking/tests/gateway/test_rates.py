"""How much the gateway takes at once of a device and of a client: who sends too much is told when to go on, and nothing is lost."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import grpc.aio
import pytest
from aiohttp import ClientSession
from chassis.testing.client import channel, refusal_of
from chassis.testing.tokens import Tokens
from tartip.timetracking.v1.passage_service_pb2 import Passage, RecordPassagesRequest
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub
from timetracking.gateway.door import Gateway

Start = Callable[..., AbstractAsyncContextManager[Gateway]]
UPLOAD = "/iclock/cdata?SN=gate-1&table=ATTLOG&Stamp=9999"


def lines(count: int, since: int = 0) -> bytes:
    return b"".join(
        b"25\t2026-11-24 %02d:%02d:%02d\t0\t1\t0\n" % (9 + at // 3600, at // 60 % 60, at % 60) for at in range(since, since + count)
    )


async def test_a_device_that_sends_too_much_is_told_when_to_go_on_and_others_go_on(start: Start, tap: Any) -> None:
    noted: list[tuple[str, str]] = []
    async with (
        start(
            note_refused=lambda *each: noted.append(each[:2]), gateway_device_records_per_second=0.1, gateway_device_records_at_once=3
        ) as gateway,
        ClientSession(f"http://127.0.0.1:{gateway.http_port}") as http,
    ):
        async with http.post(UPLOAD, data=lines(5)) as answer:
            assert await answer.text() == "OK: 5"
        async with http.post(UPLOAD, data=lines(1, 5)) as answer:
            assert (answer.status, await answer.text()) == (503, "ERROR: too much at once, send again later")
            assert 20 < int(answer.headers["Retry-After"]) <= 30
        async with http.post("/isapi/north-2", json={"eventType": "heartBeat", "dateTime": "2026-11-24T13:00:00+05:00"}) as answer:
            assert answer.status == 200
    assert len(await tap.passages()) == 5
    assert noted == [("gate-1", "too-much")]


async def test_a_controller_reads_busy(start: Start) -> None:
    async with (
        start(gateway_device_records_per_second=0.1, gateway_device_records_at_once=1) as gateway,
        ClientSession(f"http://127.0.0.1:{gateway.http_port}") as http,
    ):
        for status, code in ((200, 1), (503, 2)):
            async with http.post("/isapi/north-2", json={"eventType": "heartBeat", "dateTime": "2026-11-24T13:00:00+05:00"}) as answer:
                assert (answer.status, (await answer.json())["statusCode"]) == (status, code)


async def test_what_a_busy_device_keeps_is_taken_in_the_end(start: Start, tap: Any) -> None:
    """A terminal with ten times what is taken at once goes on from what was not taken, and nothing is lost or taken twice."""
    left, refusals = [lines(50, since) for since in range(0, 1_000, 50)], 0
    async with (
        start(gateway_device_records_per_second=5_000, gateway_device_records_at_once=100) as gateway,
        ClientSession(f"http://127.0.0.1:{gateway.http_port}") as http,
        asyncio.timeout(60),
    ):
        while left:
            async with http.post(UPLOAD, data=left[0]) as answer:
                if answer.status == 200:
                    del left[0]
                else:
                    refusals += 1
    assert len({one.event_key for one in await tap.passages()}) == 1_000
    assert refusals < 1_000


async def test_a_regions_backlog_is_taken_without_a_refusal(start: Start, devices: Any, tap: Any) -> None:
    """As after half a day without a line, smaller: each gate sends what five hundred servants left in it, as fast as it is answered."""
    one = devices["gate-1"]
    gates = [f"gate-{number}" for number in range(1, 9)]
    devices.update({serial: replace(one, serial=serial) for serial in gates})
    async with start() as gateway, ClientSession(f"http://127.0.0.1:{gateway.http_port}") as http:

        async def empty(serial: str) -> None:
            for since in range(0, 2_000, 500):
                async with http.post(UPLOAD.replace("gate-1", serial), data=lines(500, since)) as answer:
                    assert (answer.status, await answer.text()) == (200, "OK: 500")

        await asyncio.gather(*map(empty, gates))
    assert len(await tap.passages()) == 16_000


def request(first: int, *devices: str) -> RecordPassagesRequest:
    passages = [
        Passage(device=device, event_key=str(first + at), wall_time="2026-11-24T08:55:00", badge_number="25")
        for at, device in enumerate(devices)
    ]
    return RecordPassagesRequest(first_sequence=first, passages=passages)


@pytest.mark.parametrize("limit", ["device", "client"])
async def test_a_stream_that_sends_too_much_is_told_when_to_go_on(start: Start, tokens: Tokens, tap: Any, limit: str) -> None:
    limits = {f"gateway_{limit}_records_per_second": 0.1, f"gateway_{limit}_records_at_once": 2}
    noted: list[tuple[str, str]] = []
    async with start(note_refused=lambda *each: noted.append(each[:2]), **limits) as gateway:
        async with channel(f"127.0.0.1:{gateway.grpc_port}", tokens.mint("system", ["/systems/hq/device-gateway"])) as opened:
            stub: Any = PassageServiceStub(opened)
            call = stub.RecordPassages(iter([request(1, "stream-3", "stream-3"), request(3, "stream-3")]), timeout=20)
            assert (await call.read()).acknowledged_sequence == 2
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await call.read()
            refusal = refusal_of(error.value)
            assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "TOO_MUCH")
            assert 5 < (refusal.retry_after_s or 0) <= 10
        async with channel(f"127.0.0.1:{gateway.grpc_port}", tokens.mint("another", ["/systems/elsewhere/device-gateway"])) as opened:
            stub = PassageServiceStub(opened)
            assert (await stub.RecordPassages(iter([request(1, "other-4")]), timeout=20).read()).acknowledged_sequence == 1
    assert sorted(one.event_key for one in await tap.passages()) == ["1", "1", "2"]
    assert noted == ([("stream-3", "too-much")] if limit == "device" else [])
