"""Devices over HTTP, end to end to Kafka: each input gets a clear answer in its own protocol, and nothing else is lost or stopped."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import ClientSession
from chassis.brokers import Brokers
from chassis.publisher import Publisher, partition_of
from prometheus_client import REGISTRY
from timetracking.gateway.door import Gateway

Replay = Callable[[str], bytes]
Multipart = Callable[..., tuple[str, bytes]]
Start = Callable[..., AbstractAsyncContextManager[Gateway]]
UPLOAD = "/iclock/cdata?SN=gate-1&table=ATTLOG&Stamp=9999"
LINE = b"25\t2026-11-24 08:55:00\t0\t1\t0\n"
PARKED = "timetracking.passages.v1.parked"


def count(name: str, device: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"tartip_gateway_{name}_total", {"device": device, **labels}) or 0.0


def sums(device: str) -> tuple[float, float]:
    """What was received from a device, and what became of it."""
    became = 0.0
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            name = sample.name.removeprefix("tartip_gateway_").removesuffix("_total")
            if name in ("published", "parked", "refused", "ignored", "unanswered") and sample.labels.get("device") == device:
                became += sample.value
    return count("received", device), became


def answers(outcome: str) -> float:
    """How many requests were answered so, as the time that it took counts them."""
    return REGISTRY.get_sample_value("tartip_gateway_acknowledge_seconds_count", {"outcome": outcome}) or 0.0


async def test_an_upload_is_in_kafka_before_the_terminal_reads_ok(http: ClientSession, tap: Any, replay: Replay) -> None:
    taken = answers("taken")
    async with http.post(UPLOAD, data=replay("adms_five_columns.tsv"), headers={"Content-Type": "text/plain"}) as answer:
        assert (answer.status, await answer.text()) == (200, "OK: 4")
    assert answers("taken") == taken + 1
    found = await tap.new()
    passages = [passage for one in found for passage in one.batch.passages]
    assert sorted(passage.event_key for passage in passages) == [
        "0017|2026-11-24T08:55:02|0",
        "0017|2026-11-24T13:05:41|255",
        "25|2026-11-24T08:55:00|0",
        "25|2026-11-24T13:02:00|1",
    ]
    for one in found:
        assert one.key is None
        assert one.headers["content-type"] == "application/x-protobuf"
        assert one.headers["schema"] == "tartip.timetracking.v1.PassageBatch"
        assert one.headers["event_id"] == one.batch.event_id
        assert one.headers["traceparent"].startswith("00-")
        for passage in one.batch.passages:
            assert one.partition == partition_of(f"hq:{passage.badge_number}".encode(), 4)
            assert passage.received_at.ToJsonString() == "2026-11-24T14:00:00Z"
            assert not passage.HasField("utc_offset_seconds")


async def test_a_trace_goes_on_from_the_device_into_kafka(http: ClientSession, tap: Any) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with http.post(UPLOAD, data=LINE, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}) as answer:
        assert answer.status == 200
    (one,) = await tap.new()
    assert one.headers["traceparent"].split("-")[1] == trace


async def test_an_event_of_a_camera_is_in_kafka_before_it_reads_ok(
    http: ClientSession, tap: Any, replay: Replay, multipart: Multipart
) -> None:
    content_type, body = multipart(replay("isapi_face.json"), b"\xff\xd8\xff\xe0 a picture")
    async with http.post("/isapi/north-2", data=body, headers={"Content-Type": content_type}) as answer:
        assert answer.status == 200
        assert await answer.json() == {"requestURL": "/isapi/north-2", "statusCode": 1, "statusString": "OK", "subStatusCode": "ok"}
    (passage,) = await tap.passages()
    assert (passage.event_key, passage.utc_offset_seconds, passage.previous_event_number) == ("1187", 18_000, 1186)


@pytest.mark.parametrize("address", ["/isapi/north-2", "/isapi?serial=north-2", "/isapi"])
async def test_a_camera_is_known_by_address_query_or_event(http: ClientSession, tap: Any, replay: Replay, address: str) -> None:
    async with http.post(address, data=replay("isapi_face.json"), headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 200
    (passage,) = await tap.passages()
    assert passage.device == "north-2"


async def test_the_number_of_an_ignored_event_is_not_missing(http: ClientSession, tap: Any, replay: Replay) -> None:
    headers = {"Content-Type": "application/json"}
    async with http.post("/isapi/north-2", data=replay("isapi_face_failed.json"), headers=headers) as answer:
        assert answer.status == 200
    async with http.post("/isapi/north-2", data=replay("isapi_face.json"), headers=headers) as answer:
        assert answer.status == 200
    (passage,) = await tap.passages()
    assert passage.previous_event_number == 1185


async def test_a_terminal_is_told_its_options(http: ClientSession) -> None:
    async with http.get("/iclock/cdata?SN=gate-1&options=all&pushver=2.4.1&language=69") as answer:
        text = await answer.text()
    assert text.startswith("GET OPTION FROM: gate-1\n")
    assert "TimeZone=5\n" in text


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/iclock/getrequest?SN=gate-1"),
        ("POST", "/iclock/devicecmd?SN=gate-1"),
        ("GET", "/iclock/ping?SN=gate-1"),
        ("GET", "/iclock/getrequest.aspx?SN=gate-1"),
    ],
)
async def test_a_terminal_has_nothing_to_do(http: ClientSession, method: str, address: str) -> None:
    async with http.request(method, address) as answer:
        assert (answer.status, await answer.text()) == (200, "OK")


@pytest.mark.parametrize("table", ["OPERLOG", "USERINFO", "ATTPHOTO", "FINGERTMP", "BIODATA", "options"])
async def test_other_tables_are_acknowledged_and_not_kept(http: ClientSession, tap: Any, table: str) -> None:
    before = count("ignored", "gate-1")
    body = "USER PIN=25\tName=Сейтқали Айгүл\tPri=0\n".encode()
    async with http.post(f"/iclock/cdata?SN=gate-1&table={table}&Stamp=1", data=body) as answer:
        assert (answer.status, (await answer.text())[:2]) == (200, "OK")
    assert await tap.new() == []
    assert count("ignored", "gate-1") == before + 1


@pytest.mark.parametrize("serial", ["stranger", "", "north-2", "a/b", "x" * 100, "\u0448"])
async def test_a_strange_terminal_is_refused_and_counted(http: ClientSession, tap: Any, serial: str) -> None:
    before = count("refused", "(not enrolled)", reason="not-enrolled")
    for method, path in (("GET", "cdata"), ("POST", "cdata"), ("GET", "getrequest"), ("POST", "devicecmd")):
        async with http.request(
            method, f"/iclock/{path}", params={"SN": serial, "table": "ATTLOG"}, data=LINE if method == "POST" else None
        ) as answer:
            assert (answer.status, await answer.text()) == (403, "ERROR: the device is not enrolled")
    assert count("refused", "(not enrolled)", reason="not-enrolled") == before + 4
    assert await tap.new() == []


@pytest.mark.parametrize("address", ["/isapi/stranger", "/isapi/gate-1", "/isapi?serial=stranger"])
async def test_a_strange_camera_is_refused_and_counted(http: ClientSession, tap: Any, replay: Replay, address: str) -> None:
    before = count("refused", "(not enrolled)", reason="not-enrolled")
    async with http.post(address, data=replay("isapi_face.json"), headers={"Content-Type": "application/json"}) as answer:
        said = await answer.json()
    assert (answer.status, said["statusCode"], said["errorMsg"]) == (403, 4, "the device is not enrolled")
    assert count("refused", "(not enrolled)", reason="not-enrolled") == before + 1
    assert await tap.new() == []


async def test_damaged_lines_are_parked_and_their_neighbours_go_on(http: ClientSession, tap: Any, replay: Replay) -> None:
    async with http.post(UPLOAD, data=replay("adms_damaged.tsv")) as answer:
        assert (answer.status, await answer.text()) == (200, "OK: 8")
    found = await tap.new()
    parked = sorted((one for one in found if one.topic == PARKED), key=lambda one: str(one.headers["origin"]))
    assert [(one.headers["origin"], one.headers["reason"]) for one in parked] == [
        (f"gateway:gate-1/-1/-1/{index}", "malformed") for index in range(1, 7)
    ]
    first = parked[0]
    assert (first.key, first.value) == (None, b"not a record")
    assert first.headers["error"] == "line: PIN, time, status and verify mode, parted by TAB"
    assert (first.headers["first_failed_at"], first.headers["attempts"]) == ("2026-11-24T14:00:00+00:00", "1")
    assert first.headers["traceparent"].startswith("00-")
    assert sorted(passage.badge_number for one in found if one.topic != PARKED for passage in one.batch.passages) == ["25", "31"]


async def test_a_damaged_event_is_parked_and_the_camera_goes_on(http: ClientSession, tap: Any) -> None:
    async with http.post("/isapi/north-2", data=b'{"dateTime":"2026-11-24T08:5', headers={"Content-Type": "application/json"}) as answer:
        assert (answer.status, (await answer.json())["statusCode"]) == (200, 1)
    (one,) = await tap.new()
    assert (one.topic, one.headers["reason"], one.value) == (PARKED, "malformed", b'{"dateTime":"2026-11-24T08:5')


@pytest.mark.parametrize("moment", ["1970-01-01 00:00:07", "2025-01-01 08:00:00", "2026-12-24 08:00:00", "0001-01-01 00:00:00"])
async def test_an_impossible_time_is_parked_as_a_passage(http: ClientSession, tap: Any, moment: str) -> None:
    async with http.post(UPLOAD, data=f"25\t{moment}\t0\t1\t0\n".encode() + LINE) as answer:
        assert await answer.text() == "OK: 2"
    found = await tap.new()
    (parked,) = (one for one in found if one.topic == PARKED)
    assert parked.headers["reason"] == "impossible-time"
    assert parked.headers["event_id"] == parked.batch.event_id
    (passage,) = parked.batch.passages
    assert passage.wall_time == moment.replace(" ", "T")
    assert [one.batch.passages[0].wall_time for one in found if one.topic != PARKED] == ["2026-11-24T08:55:00"]


@pytest.mark.parametrize("content_type", ["image/jpeg", "multipart/form-data; boundary=x", "application/json"])
async def test_a_wrong_content_type_is_refused_to_a_terminal(http: ClientSession, tap: Any, content_type: str) -> None:
    async with http.post(UPLOAD, data=LINE, headers={"Content-Type": content_type}) as answer:
        assert (answer.status, await answer.text()) == (415, "ERROR: the body is to be text")
    assert await tap.new() == []


async def test_a_wrong_content_type_is_refused_to_a_camera(http: ClientSession, tap: Any, replay: Replay) -> None:
    for address in ("/isapi/north-2", "/isapi"):
        async with http.post(address, data=replay("isapi_face.json"), headers={"Content-Type": "text/html"}) as answer:
            assert (answer.status, (await answer.json())["statusCode"]) == (415, 5)
    assert await tap.new() == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_ten_megabytes_is_refused_and_others_go_on(http: ClientSession, tap: Any, chunked: bool) -> None:
    body = LINE * (10 * 1024 * 1024 // len(LINE) + 1)

    async def pieces() -> Any:
        for begin in range(0, len(body), 1 << 16):
            yield body[begin : begin + (1 << 16)]

    for address, content_type in ((UPLOAD, "text/plain"), ("/isapi/north-2", "application/json")):
        async with http.post(address, data=pieces() if chunked else body, headers={"Content-Type": content_type}) as answer:
            assert answer.status == 413
            text = await answer.text()
        assert text == "ERROR: the body is larger than 10485760 bytes" or json.loads(text)["statusCode"] == 6
        async with http.post(UPLOAD, data=LINE) as answer:
            assert await answer.text() == "OK: 1"
    assert len(await tap.passages()) == 2


async def test_more_lines_than_can_be_taken_are_refused(http: ClientSession, tap: Any) -> None:
    async with http.post(UPLOAD, data=b"x\n" * 20_001) as answer:
        assert (answer.status, await answer.text()) == (413, "ERROR: more than 20000 lines")
    assert await tap.new() == []


def whole(address: str, body: bytes, content_type: str = "text/plain") -> tuple[bytes, bytes]:
    head = f"POST {address} HTTP/1.1\r\nHost: gateway\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode(), body


@pytest.mark.parametrize("half_closed", [True, False])
@pytest.mark.parametrize("kind", ["adms", "isapi"])
async def test_a_body_cut_in_the_middle_is_not_taken(
    gateway: Gateway, http: ClientSession, tap: Any, replay: Replay, half_closed: bool, kind: str
) -> None:
    if kind == "adms":
        head, body = whole(UPLOAD, LINE * 100)
    else:
        head, body = whole("/isapi/north-2", replay("isapi_face.json"), "application/json")
    device = "gate-1" if kind == "adms" else "north-2"
    before = count("refused", device, reason="incomplete")
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http_port)
    writer.write(head + body[: len(body) // 2])
    await writer.drain()
    if half_closed:
        writer.write_eof()
        said = await asyncio.wait_for(reader.read(), 10)
        assert b"200 OK" not in said
    writer.close()
    async with asyncio.timeout(10):
        while count("refused", device, reason="incomplete") == before:
            async with http.get("/iclock/ping?SN=gate-1") as answer:  # the others are served meanwhile
                assert answer.status == 200
    async with http.post(UPLOAD, data=LINE) as answer:
        assert await answer.text() == "OK: 1"
    assert len(await tap.passages()) == 1


async def test_a_body_that_does_not_arrive_is_refused(start: Start) -> None:
    async with start(gateway_body_within_s=0.05) as gateway:
        head, _ = whole(UPLOAD, LINE)
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http_port)
        writer.write(head)
        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert said.startswith(b"HTTP/1.1 408 ")
    assert said.endswith(b"ERROR: the body did not arrive within 0.05 s")


async def test_what_is_no_http_is_refused_and_others_go_on(gateway: Gateway, http: ClientSession) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http_port)
    writer.write(b"\x00\xff\x16\x03\x01 nonsense\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 10)).split()[1] == b"400"
    writer.close()
    async with http.get("/iclock/getrequest?SN=gate-1") as answer:
        assert answer.status == 200


async def test_without_kafka_no_device_is_told_ok(start: Start, devices: Any, replay: Replay) -> None:
    away = Publisher(Brokers("127.0.0.1:1"), give_up_after_ms=200)
    try:
        async with start(to=away, gateway_answer_within_s=0.2) as gateway, ClientSession(f"http://127.0.0.1:{gateway.http_port}") as http:
            before, not_taken = count("unanswered", "gate-1"), answers("not-taken")
            async with asyncio.timeout(5):
                async with http.post(UPLOAD, data=LINE) as answer:
                    assert (answer.status, await answer.text()) == (503, "ERROR: not taken, send again")
                async with http.post(
                    "/isapi/north-2", data=replay("isapi_face.json"), headers={"Content-Type": "application/json"}
                ) as answer:
                    assert (answer.status, (await answer.json())["statusString"]) == (503, "Device Busy")
                async with http.post(UPLOAD, data=b"not a record\n") as answer:
                    assert answer.status == 503
            assert count("unanswered", "gate-1") == before + 2
            assert answers("not-taken") == not_taken + 3
    finally:
        await away.close()


async def test_a_database_that_is_away_is_no_refusal(http: ClientSession, devices: Any) -> None:
    devices.away = ConnectionRefusedError("the database is away")
    async with http.post(UPLOAD, data=LINE) as answer:
        assert answer.status == 503
    devices.away = ValueError("a bug")
    async with http.post(UPLOAD, data=LINE) as answer:
        assert (answer.status, await answer.text()) == (500, "ERROR: not taken, send again")
    devices.away = None
    async with http.post(UPLOAD, data=LINE) as answer:
        assert answer.status == 200


async def test_every_record_of_a_device_is_accounted_for(http: ClientSession, replay: Replay) -> None:
    received, became = sums("gate-1")
    for name in ("adms_damaged.tsv", "adms_ten_columns.tsv", "adms_seven_columns_crlf.tsv"):
        async with http.post(UPLOAD, data=replay(name)) as answer:
            assert answer.status == 200
    async with http.post(UPLOAD, data=b"25\t1970-01-01 00:00:07\t0\t1\t0\n") as answer:
        assert answer.status == 200
    received_after, became_after = sums("gate-1")
    assert received_after - received == 8 + 2 + 5 + 1
    assert became_after - became == received_after - received
