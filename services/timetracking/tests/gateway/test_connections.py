"""Lines that say too little, too slowly or too much: they are cut, and devices go on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import ClientSession
from chassis.testing.waiting import until
from prometheus_client import REGISTRY
from timetracking.gateway.door import Gateway

Start = Callable[..., AbstractAsyncContextManager[Gateway]]
WITHIN_S = 20.0
LINE = b"25\t2026-11-24 08:55:00\t0\t1\t0\n"
UPLOAD = "/iclock/cdata?SN=gate-1&table=ATTLOG&Stamp=9999"
HEAD = f"POST {UPLOAD} HTTP/1.1\r\nHost: gateway\r\nContent-Type: text/plain\r\n".encode()


def refused(why: str) -> float:
    return REGISTRY.get_sample_value("tartip_gateway_lines_refused_total", {"why": why}) or 0.0


@asynccontextmanager
async def line(gateway: Gateway) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http_port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def cut(reader: asyncio.StreamReader) -> bytes:
    """What was said before the line was cut."""
    async with asyncio.timeout(WITHIN_S):
        with suppress(ConnectionError):
            return await reader.read()
    return b""


async def a_device_goes_on(gateway: Gateway) -> None:
    async with ClientSession(f"http://127.0.0.1:{gateway.http_port}") as http, http.post(UPLOAD, data=LINE) as answer:
        assert await answer.text() == "OK: 1"


@pytest.mark.parametrize("said", [b"", b"P", HEAD, HEAD + b"X: 1\r\nX-Half"], ids=["nothing", "a byte", "no end", "half a header"])
async def test_a_head_that_does_not_end_is_cut(start: Start, said: bytes) -> None:
    before = refused("too-slow")
    async with start(gateway_head_within_s=0.05) as gateway, line(gateway) as (reader, writer):
        writer.write(said)
        assert await cut(reader) == b""
        await a_device_goes_on(gateway)
    assert refused("too-slow") == before + 1


async def test_a_head_that_dribbles_is_cut_all_the_same(start: Start) -> None:
    """Each byte comes in time, and the head never ends: the time counts from the first."""
    before = refused("too-slow")
    async with start(gateway_head_within_s=0.2) as gateway, line(gateway) as (reader, writer):
        writer.write(HEAD)

        async def dribble() -> bool:
            with suppress(ConnectionError):
                writer.write(b"X: 1\r\n")
                await writer.drain()
            return refused("too-slow") > before

        await until(dribble, WITHIN_S)
        assert await cut(reader) == b""


async def test_the_next_head_of_a_line_is_bounded_as_the_first(start: Start) -> None:
    before = refused("too-slow")
    async with start(gateway_head_within_s=0.2) as gateway, line(gateway) as (reader, writer):
        writer.write(b"GET /iclock/ping?SN=gate-1 HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\nOK"), WITHIN_S)).startswith(b"HTTP/1.1 200 ")
        writer.write(HEAD)
        assert await cut(reader) == b""
    assert refused("too-slow") == before + 1


async def test_a_line_at_rest_is_closed_and_not_counted_as_refused(start: Start) -> None:
    before = refused("too-slow")
    async with start(gateway_rest_s=0.05, gateway_head_within_s=5) as gateway, line(gateway) as (reader, writer):
        writer.write(b"GET /iclock/ping?SN=gate-1 HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert (await cut(reader)).endswith(b"\r\n\r\nOK")
    assert refused("too-slow") == before


async def test_a_body_that_takes_longer_than_a_head_may_is_taken(start: Start, tap: Any) -> None:
    """The bound of heads ends with the head: a slow line has thirty seconds for its body."""
    async with start(gateway_head_within_s=0.05) as gateway, line(gateway) as (reader, writer):
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(LINE) + LINE[:10])
        async with line(gateway) as (other, _):
            assert await cut(other) == b"", "another line that is as old is cut meanwhile"
        writer.write(LINE[10:])
        assert (await asyncio.wait_for(reader.readuntil(b"OK: 1"), WITHIN_S)).startswith(b"HTTP/1.1 200 ")
    assert len(await tap.passages()) == 1


@pytest.mark.parametrize(
    "head",
    [HEAD + b"".join(b"X-%d: 1\r\n" % number for number in range(5_000)), HEAD + b"X: " + b"x" * 200_000, b"GET /" + b"x" * 200_000],
    ids=["many headers", "a long header", "a long address"],
)
async def test_a_head_without_end_is_refused(start: Start, head: bytes) -> None:
    async with start(gateway_head_octets=64 * 1024) as gateway, line(gateway) as (reader, writer):
        with suppress(ConnectionError):
            writer.write(head)
            await writer.drain()
        said = await cut(reader)
        assert said == b"" or said.split()[1] == b"400"
        await a_device_goes_on(gateway)


async def test_octets_are_counted_until_a_request_is_at_work(start: Start) -> None:
    before = refused("too-large")
    async with start(gateway_head_octets=1_000) as gateway, line(gateway) as (reader, writer):
        writer.write(HEAD + b"X: 1\r\n" * 100)
        writer.write(b"X: 1\r\n" * 100)
        await cut(reader)
        await a_device_goes_on(gateway)
    assert refused("too-large") == before + 1


async def test_an_address_has_so_many_lines_and_gets_the_next_when_one_ends(start: Start) -> None:
    before = refused("too-many")
    async with start(gateway_lines_an_address=2) as gateway:
        async with line(gateway), line(gateway), line(gateway) as (reader, _):
            assert await cut(reader) == b""
        assert refused("too-many") == before + 1

        async def heard() -> bool:
            with suppress(Exception):
                await a_device_goes_on(gateway)
                return True
            return False

        await until(heard, WITHIN_S)


async def test_lines_of_a_listed_proxy_are_not_counted(start: Start) -> None:
    async with (
        start(gateway_lines_an_address=1, trusted_proxies="127.0.0.1/32") as gateway,
        line(gateway),
        line(gateway) as (reader, writer),
    ):
        writer.write(b"GET /iclock/ping?SN=stranger HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert (await asyncio.wait_for(reader.readline(), WITHIN_S)).split()[1] == b"403"


async def test_a_body_of_nobodys_is_bounded_more_narrowly(start: Start, tap: Any) -> None:
    body = b'{"deviceID": "north-2", "x": "' + b"x" * 3 * 1024 * 1024 + b'"}'
    async with start() as gateway, ClientSession(f"http://127.0.0.1:{gateway.http_port}") as http:
        async with http.post("/isapi", data=body, headers={"Content-Type": "application/json"}) as answer:
            assert (answer.status, (await answer.json())["errorMsg"]) == (413, "the body is larger than 2097152 bytes")
        async with http.post("/isapi/north-2", data=body, headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 200, "the device's own is read, and parked"
    assert len(await tap.new()) == 1
