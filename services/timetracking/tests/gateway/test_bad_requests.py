"""What devices and strangers send that is no upload: refused by name, counted, and written down without what it held."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client import REGISTRY
from timetracking.gateway.door import Gateway

Replay = Callable[[str], bytes]
UPLOAD = "/iclock/cdata?SN=gate-1&table=ATTLOG&Stamp=9999"
LINE = b"25\t2026-11-24 08:55:00\t0\t1\t0\n"
PARKED = "timetracking.passages.v1.parked"
STRANGER = "(not enrolled)"


def count(name: str, device: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"tartip_gateway_{name}_total", {"device": device, **labels}) or 0.0


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(LINE * 100, mtime=0)),
        ("gzip", gzip.compress(LINE * 100, mtime=0)[:-9]),
        ("gzip", LINE),
        ("deflate", zlib.compress(LINE)),
        ("br", LINE),
        ("nonsense", LINE),
    ],
)
async def test_a_compressed_body_is_refused_by_name_in_both_protocols(http: ClientSession, tap: Any, encoding: str, body: bytes) -> None:
    for address, content_type in ((UPLOAD, "text/plain"), ("/isapi/north-2", "application/json")):
        headers = {"Content-Type": content_type, "Content-Encoding": encoding}
        async with http.post(address, data=body, headers=headers) as answer:
            assert answer.status == 415
            assert "the body is to come as it is, not compressed" in await answer.text()
    async with http.post(UPLOAD, data=LINE, headers={"Content-Encoding": "identity"}) as answer:
        assert await answer.text() == "OK: 1"
    assert len(await tap.passages()) == 1


async def test_a_request_that_is_refused_whole_counts_as_received(http: ClientSession) -> None:
    before = [count("received", device) for device in ("gate-1", STRANGER)]
    async with http.post(UPLOAD, data=LINE, headers={"Content-Type": "image/jpeg"}) as answer:
        assert answer.status == 415
    async with http.get("/iclock/cdata?SN=stranger") as answer:
        assert answer.status == 403
    assert [count("received", device) for device in ("gate-1", STRANGER)] == [one + 1 for one in before]


@pytest.mark.parametrize("query", ["sn=gate-1&table=attlog", "Sn=gate-1&TABLE=ATTLOG"])
async def test_the_case_of_a_parameter_does_not_matter(http: ClientSession, tap: Any, query: str) -> None:
    async with http.post(f"/iclock/cdata?{query}", data=LINE) as answer:
        assert await answer.text() == "OK: 1"
    assert len(await tap.passages()) == 1


@pytest.mark.parametrize("query", ["SN=gate-1", "SN=gate-1&table=", "SN=gate-1&table=rtlog", "SN=gate-1&table=ATTLOG2"])
async def test_a_table_that_may_hold_passages_is_parked_and_not_passed_over(http: ClientSession, tap: Any, query: str) -> None:
    async with http.post(f"/iclock/cdata?{query}", data=LINE * 2) as answer:
        assert await answer.text() == "OK: 2"
    found = await tap.new()
    assert [(one.topic, one.headers["error"], one.value) for one in found] == [(PARKED, "table: ATTLOG", LINE.strip())] * 2


@pytest.mark.parametrize("body", [b"\n" * 10_000_000, b"25\n" * 20_001, b"\r\n" * 50_000])
async def test_more_lines_than_anybody_sends_are_refused_unread(http: ClientSession, body: bytes) -> None:
    async with http.post(UPLOAD, data=body) as answer:
        assert (answer.status, await answer.text()) == (413, "ERROR: more than 20000 lines")


@pytest.mark.parametrize("device_id", [b"\\ud800", b"\\u001b[2J", "Сейтқали Айгүл".encode()])
async def test_what_a_stranger_calls_itself_is_not_written_down(
    http: ClientSession, capsys: pytest.CaptureFixture[str], device_id: bytes
) -> None:
    body = b'{"deviceID":"' + device_id + b'"}'
    async with http.post("/isapi", data=body, headers={"Content-Type": "application/json"}) as answer:
        assert (answer.status, (await answer.json())["statusCode"]) == (403, 4)
    said = "".join(capsys.readouterr())
    assert "characters that are no serial" in said
    assert not any(each in said for each in ("ud800", "\ud800", "[2J", "Айгүл"))


async def test_what_is_no_http_is_written_down_without_what_it_held(
    gateway: Gateway, http: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.http_port)
    writer.write(b"POST /iclock/cdata HTTP/1.1\r\nHost: gateway\r\nContent-Length: 25\t2026-11-24 08:55:00\r\n\r\n")
    async with asyncio.timeout(10):
        while not caplog.records:
            async with http.get("/iclock/ping?SN=gate-1") as answer:
                assert answer.status == 200
    writer.close()
    assert "2026-11-24" not in caplog.text
    assert "Error handling request from 127.0.0.1 (BadHttpMessage)" in caplog.text
