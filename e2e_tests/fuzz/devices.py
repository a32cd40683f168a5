"""What devices and strangers send to the gateway."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from aiohttp.test_utils import make_mocked_request
from chassis.access import Caller, Grant, become
from chassis.errors import Refusals, speak
from chassis.messages import Messages
from chassis.rates import Buckets, Rate
from hypothesis import strategies as st
from kernel.faults import Fault
from lawbook import load
from tartip.timetracking.v1.passage_service_pb2 import Passage, RecordPassagesRequest
from timetracking.devices.domain import Protocol
from timetracking.gateway import addresses, adms, alerts, canonical, isapi, multipart
from timetracking.gateway.admission import presented
from timetracking.gateway.batches import Batcher
from timetracking.gateway.connections import Connections, LineLimits
from timetracking.gateway.domain import EnrolledDevice, Reading, Refused
from timetracking.gateway.intake import Intake, bounds_by
from timetracking.gateway.parking_lot import ParkingLot
from timetracking.gateway.servicer import PassageServicer
from timetracking.gateway.settings import BatchLimits

from .drawn import json_values, messages, octets, texts
from .driven import done
from .target import UNREADABLE, Target

REPLAYS = Path(__file__).parents[2] / "services" / "timetracking" / "tests" / "gateway" / "replays"
TERMINAL, CAMERA = EnrolledDevice("gate-1", Protocol.ADMS, "hq"), EnrolledDevice("north-2", Protocol.ISAPI, "hq")
SYSTEM = EnrolledDevice("stream-3", Protocol.GRPC, "hq")
NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
LAW = load()
MARK = 'multipart/form-data; boundary="MIME_boundary"'
PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
HEAD_OCTETS = 1_000


def replays(kind: str) -> list[bytes]:
    """What devices of a kind once sent."""
    return [path.read_bytes() for path in sorted(REPLAYS.glob(kind))]


def in_parts(event: bytes) -> bytes:
    """An event beside a picture, as terminals send both."""
    head = b'--MIME_boundary\r\nContent-Disposition: form-data; name="event_log"\r\nContent-Type: application/json\r\n\r\n'
    picture = b'\r\n--MIME_boundary\r\nContent-Disposition: form-data; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8'
    return head + event + picture + b"\r\n--MIME_boundary--\r\n"


JSON_EVENTS, XML_EVENTS = replays("isapi_*.json"), replays("isapi_*.xml")
PASSAGE = {
    "device": "stream-3", "eventKey": "7", "wallTime": "2026-11-24T08:55:00", "utcOffsetSeconds": 18_000, "badgeSystem": "hq",
    "badgeNumber": "25", "direction": "DIRECTION_IN", "verifyMethod": "VERIFY_METHOD_FACE", "raw": '{"a": 1}', "previousEventNumber": "6",
}  # fmt: skip


class Kafka:
    """Takes everything, as bytes and headers."""

    async def send(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str], partition: int | None = None) -> None:
        for name, text in headers.items():
            f"{name}{text}".encode()

    async def partitions(self, topic: str) -> int:
        return 24


def intake() -> Intake:
    """The way into Kafka, as the gateway has it."""
    limits = BatchLimits(passages=1, octets=10**6, linger_s=0, late_linger_s=0, waiting=10**6)
    batcher = Batcher(Kafka(), lambda: NOW, limits, answer_within_s=20)
    return Intake(batcher, ParkingLot(Kafka(), 20), lambda: NOW, bounds_by(LAW), "Asia/Almaty")


def take(device: EnrolledDevice, reading: Reading, records: int) -> None:
    """Takes what was read; every record is in exactly one place, and what is kept of it is short."""
    assert reading.records == records
    assert all(len(each.raw) <= 4_096 for each in reading.unreadable)
    done(intake().take(device, reading))


def an_upload(body: bytes) -> None:
    lines = adms.lines(body)
    take(TERMINAL, adms.read(TERMINAL, lines), len(lines))
    take(TERMINAL, adms.of_unknown_table(lines), len(lines))


def a_push(pushed: tuple[str, bytes]) -> None:
    events = isapi.alerts(*pushed)
    assert all(isinstance(each.device_id, str) for each in events)
    take(CAMERA, isapi.read(CAMERA, events), len(events))


def an_event(text: bytes) -> None:
    for read in (alerts.from_json, alerts.from_xml):
        try:
            kept = alerts.kept_text(read(text))
        except Refused:
            continue
        kept.encode()
        json.loads(kept)


def a_body_of_parts(given: tuple[str, bytes]) -> None:
    mark = multipart.boundary(given[0])
    if mark is not None:
        assert len(multipart.parts(given[1], mark)) <= multipart.PARTS_MOST


def an_address(given: tuple[str, list[str]]) -> None:
    addresses.client(*given, PROXIES)


def a_secret(authorization: str) -> None:
    presented(make_mocked_request("GET", "/iclock/cdata", headers={"Authorization": authorization}))


class AllowList:
    """Knows one system's device."""

    async def find(self, serial: str) -> EnrolledDevice | None:
        return SYSTEM if serial == SYSTEM.serial else None

    def knows(self, serial: str) -> bool:
        return serial == SYSTEM.serial


def a_request_of_a_system(raw: bytes) -> None:
    done(_answered(RecordPassagesRequest.FromString(raw)))


async def _answered(request: RecordPassagesRequest) -> None:
    async def requests() -> AsyncIterator[RecordPassagesRequest]:
        yield request

    caller = Caller("hq", "hq", grants=(Grant("device-gateway", "system", "hq"),))
    speak(Refusals("timetracking", Messages.load("timetracking"), LAW), "en")
    plenty = Buckets(Rate(1e9, 1e9))
    servicer = PassageServicer(AllowList(), intake(), asyncio.Event(), plenty, plenty, lambda: NOW)
    become(caller)
    context: Any = None
    answers = [each async for each in servicer.RecordPassages(requests(), context)]
    assert len(answers) == 1


def a_passage_of_a_system(raw: bytes) -> None:
    passage = Passage.FromString(raw)
    canonical.kept_passage(passage).encode()
    canonical.read(SYSTEM, passage)


def a_line(pieces: list[bytes]) -> None:
    done(_heard(pieces))


async def _heard(pieces: list[bytes]) -> None:
    """A head is handed on as it comes, and never more of it than is taken."""
    inner, line = Heard(), Connections(LineLimits(10, 60, HEAD_OCTETS))
    protocol, transport = line.protocol(lambda: inner)(), Transport()
    protocol.connection_made(transport)
    for piece in pieces:
        protocol.data_received(piece)
    protocol.connection_lost(None)
    handed_on = b"".join(inner.pieces)
    assert b"".join(pieces).startswith(handed_on)
    assert len(handed_on) <= HEAD_OCTETS
    assert transport.aborted or handed_on == b"".join(pieces)


class Heard(asyncio.Protocol):
    """What stands behind a line."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)


class Transport(asyncio.Transport):
    """A line that can be cut."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default


_TYPES = st.one_of(
    st.sampled_from(("application/json", "application/xml", MARK, "text/xml; charset=utf-8", "multipart/mixed")), texts(MARK)
)
_EVENTS = octets(*JSON_EVENTS, *XML_EVENTS, *map(in_parts, JSON_EVENTS))
_TREES = st.sampled_from(JSON_EVENTS).map(json.loads).flatmap(json_values).map(json.dumps).map(str.encode)
TARGETS = (
    Target("adms", "timetracking.gateway.adms timetracking.gateway.domain timetracking.gateway.intake", octets(*replays("adms_*.tsv")), an_upload),
    Target("isapi", "timetracking.gateway.isapi timetracking.gateway.alerts", st.tuples(_TYPES, _EVENTS), a_push, (isapi.WrongContentType,)),
    Target("isapi-values", "timetracking.gateway.isapi", st.tuples(st.just("application/json"), _TREES), a_push),
    Target("event", "timetracking.gateway.alerts", octets(*JSON_EVENTS, *XML_EVENTS), an_event),
    Target("multipart", "timetracking.gateway.multipart", st.tuples(texts(MARK), octets(in_parts(b"{}"))), a_body_of_parts, (multipart.Torn,)),
    Target("address", "timetracking.gateway.addresses", st.tuples(texts("10.1.2.3", "fd00::1"), st.lists(texts("10.1.2.3, 1.1.1.1"), max_size=3)), an_address),
    Target("networks", "timetracking.gateway.addresses", texts("10.0.0.0/8, fd00::/8"), addresses.networks, (ValueError,)),
    Target("secret", "timetracking.gateway.admission", texts("Basic YTpi").filter(str.isascii), a_secret),
    Target("passage", "timetracking.gateway.canonical", messages(Passage, PASSAGE), a_passage_of_a_system, (Refused, *UNREADABLE)),
    Target("timetracking.RecordPassages",
        "timetracking.gateway.servicer", messages(RecordPassagesRequest, {"firstSequence": "1", "passages": [PASSAGE, PASSAGE]}),
           a_request_of_a_system, (Fault, *UNREADABLE)),
    Target("line", "timetracking.gateway.connections", st.lists(octets(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), max_size=4), a_line),
)  # fmt: skip
