"""Hikvision ISAPI: what terminals of several firmwares push, and what they never should."""

import json
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timetracking.devices.domain import Protocol
from timetracking.gateway import isapi
from timetracking.gateway.domain import EnrolledDevice, Reading, ReceivedPassage, VerifyMethod
from timetracking.workdays.domain import Direction

Replay = Callable[[str], bytes]
Multipart = Callable[..., tuple[str, bytes]]
CAMERA = EnrolledDevice("north-2", Protocol.ISAPI, "hq")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 8 + b"\r\n\r\n--not-a-mark\r\n\xff\xd9"


def read(content_type: str, body: bytes) -> Reading:
    return isapi.read(CAMERA, isapi.alerts(content_type, body))


def event(**changes: object) -> bytes:
    access = {
        "majorEventType": 5,
        "subEventType": 75,
        "employeeNoString": "25",
        "serialNo": 1187,
        "frontSerialNo": 1186,
        "currentEvent": True,
    }
    return json.dumps(
        {"dateTime": "2026-11-24T08:55:00+05:00", "eventType": "AccessControllerEvent", "AccessControllerEvent": access | changes}
    ).encode()


def only(content_type: str, body: bytes) -> ReceivedPassage:
    reading = read(content_type, body)
    assert reading.unreadable == ()
    (passage,) = reading.passages
    return passage


@pytest.mark.parametrize("subtype", ["form-data", "mixed"])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("closed", [True, False])
def test_an_event_beside_its_picture_is_read(replay: Replay, multipart: Multipart, subtype: str, line_end: bytes, closed: bool) -> None:
    passage = only(*multipart(replay("isapi_face.json"), JPEG, subtype=subtype, line_end=line_end, closed=closed))
    assert (passage.device, passage.event_key, passage.previous_event_number) == ("north-2", "1187", 1186)
    assert (passage.wall_time, passage.utc_offset_seconds) == (datetime(2026, 11, 24, 8, 55), 18_000)
    assert (passage.badge_system, passage.badge_number) == ("hq", "25")
    assert (passage.direction, passage.verify_method, passage.live) == (Direction.IN, VerifyMethod.FACE, True)
    assert passage.raw_digest == sha256(passage.raw.encode()).digest()


def test_names_health_and_pictures_are_not_kept(replay: Replay, multipart: Multipart) -> None:
    passage = only(*multipart(replay("isapi_face.json"), JPEG))
    kept = json.loads(passage.raw)
    access = kept["AccessControllerEvent"]
    assert (access["name"], access["currTemperature"], access["mask"]) == ("", "", "")
    assert "Айгүл" not in passage.raw
    assert "JFIF" not in passage.raw
    assert access["deviceName"] == "Солтүстік кіреберіс"
    embedded = only("application/json", event(picData="/9j/4AAQ" * 200))
    assert json.loads(embedded.raw)["AccessControllerEvent"]["picData"] == ""


def test_a_replayed_card_event_is_not_live(replay: Replay) -> None:
    passage = only("application/json; charset=utf-8", replay("isapi_card_replayed.json"))
    assert (passage.live, passage.badge_number, passage.utc_offset_seconds) == (False, "0009123456", 21_600)
    assert (passage.direction, passage.verify_method) == (Direction.OUT, VerifyMethod.CARD)


def test_xml_firmware_is_read(replay: Replay) -> None:
    passage = only("application/xml", replay("isapi_fingerprint.xml"))
    assert (passage.event_key, passage.previous_event_number, passage.badge_number) == ("401", 400, "25")
    assert (passage.direction, passage.verify_method) == (Direction.IN, VerifyMethod.FINGERPRINT)
    assert "Айгүл" not in passage.raw


@pytest.mark.parametrize("name", ["isapi_heartbeat.json", "isapi_heartbeat.xml", "isapi_face_failed.json"])
def test_what_is_no_passage_is_counted_as_ignored(replay: Replay, name: str) -> None:
    reading = read("application/" + name.rpartition(".")[2], replay(name))
    assert (reading.passages, reading.unreadable, reading.ignored) == ((), (), 1)


def test_an_ignored_event_tells_its_number(replay: Replay) -> None:
    assert read("application/json", replay("isapi_face_failed.json")).skipped_numbers == ((1186, 1185),)


@pytest.mark.parametrize("code", [0x4C, 0x15, 0x02, 0x16])
def test_other_codes_are_no_passages(code: int) -> None:
    assert read("application/json", event(subEventType=code)).ignored == 1
    assert read("application/json", event(majorEventType=2)).ignored == 1


@pytest.mark.parametrize(
    ("said", "direction"),
    [
        ("checkIn", 1),
        ("breakIn", 1),
        ("overtimeIn", 1),
        ("checkOut", 2),
        ("breakOut", 2),
        ("overtimeOut", 2),
        ("undefined", 0),
        ("", 0),
        (None, 0),
        (7, 0),
    ],
)
def test_an_attendance_status_is_a_direction(said: object, direction: int) -> None:
    assert only("application/json", event(attendanceStatus=said)).direction == direction


@pytest.mark.parametrize(
    ("sent", "offset"), [("+05:00", 18_000), ("-03:30", -12_600), ("Z", 0), ("+0500", 18_000), ("", None), (".250+05:00", 18_000)]
)
def test_the_offset_counts_as_sent(sent: str, offset: int | None) -> None:
    passage = only("application/json", event().replace(b"+05:00", sent.encode()))
    assert (passage.wall_time, passage.utc_offset_seconds) == (datetime(2026, 11, 24, 8, 55), offset)


def test_an_event_without_a_number_has_the_key_of_its_content() -> None:
    assert only("application/json", event(serialNo=None)).event_key == "25|2026-11-24T08:55:00|75"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "event: JSON text in UTF-8"),
        (b'{"dateTime":"2026-11-24T08:5', "event: JSON text in UTF-8"),
        (b"[]", "event: an object"),
        (b"{}", "event: an AccessControllerEvent, or another eventType"),
        (b'{"a": NaN}', "event: JSON without NaN and Infinity"),
        (b'{"a": 1e999}', "event: JSON with numbers within measure"),
        (b"[" * 100_000, "event: JSON text in UTF-8"),
        (b"<a><b></a>", "event: well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "event: XML without a document type"),
        (b"<a>" * 100, "event: at most 16 levels"),
        (event(majorEventType="five"), "majorEventType, subEventType: numbers"),
        (event(employeeNoString="", cardNo=""), "credential: 1 to 64 printable characters"),
        (event(employeeNoString="2\u0000"), "credential: 1 to 64 printable characters"),
        (event().replace(b"2026-11-24T", b"2026-02-30T"), "dateTime: a moment that exists"),
        (event().replace(b"2026-11-24T", b"24.11.2026 "), "dateTime: YYYY-MM-DDThh:mm:ss±hh:mm"),
        (event().replace(b"+05:00", b"+25:00"), "dateTime: an offset that exists"),
    ],
)
def test_a_damaged_event_is_named(body: bytes, error: str) -> None:
    (damaged,) = read("application/json", body).unreadable
    assert damaged.error == error


def test_no_name_is_kept_of_a_damaged_event() -> None:
    whole = '{"AccessControllerEvent":{"name":"Сейтқали Айгүл","employeeNoString":"25",'
    (damaged,) = read("application/json", whole.encode()).unreadable
    assert damaged.raw == '{"AccessControllerEvent":{"name":"","employeeNoString":"25",'
    (cut,) = read("application/json", '{"name":"Сейтқали Ай'.encode()).unreadable
    assert cut.raw == '{"name":"'


def test_a_picture_announced_as_an_event_is_not_kept() -> None:
    (damaged,) = read("application/json", JPEG).unreadable
    assert damaged.raw == f"{len(JPEG)} bytes that are not text, SHA-256 {sha256(JPEG).hexdigest()}"


def test_a_body_without_an_event_part_is_named(multipart: Multipart) -> None:
    content_type, body = multipart(b"{}")
    assert read(content_type, b"nothing here").unreadable[0].error == "body: parts between the marks that the header names"
    assert read("multipart/form-data", body).unreadable[0].error == "content type: a multipart boundary"
    only_picture = body.replace(b"application/json", b"image/jpeg")
    assert read(content_type, only_picture).unreadable[0].error == "body: a part with the event"


@pytest.mark.parametrize("announced", [b"application/octet-stream", b"text/html", b'application/json"; filename="event.json'])
def test_an_event_part_is_known_by_its_first_letter_whatever_it_is_announced_as(multipart: Multipart, announced: bytes) -> None:
    content_type, body = multipart(event(), JPEG)
    assert only(content_type, body.replace(b"application/json", announced)).event_key == "1187"


@pytest.mark.parametrize(("begin", "end"), [(b'{"x":"', b'"}'), (b"<x>", b"</x>")])
def test_a_text_longer_than_any_event_is_not_read(begin: bytes, end: bytes) -> None:
    body = begin + b"y" * (1024 * 1024) + end
    (damaged,) = read("application/json", body).unreadable
    assert damaged.error == "event: at most 1048576 bytes"
    assert damaged.raw.endswith(f"({len(body)} bytes, SHA-256 {sha256(body).hexdigest()})")


def test_what_may_be_kept_of_an_event_is_not_sought_in_all_that_it_holds() -> None:
    (damaged,) = read("application/json", event(more=[1] * 100_000)).unreadable
    assert damaged.error == "event: at most 16384 characters without pictures"
    assert damaged.raw == "(event: at most 16384 characters without pictures)"


@pytest.mark.parametrize("content_type", ["", "image/jpeg", "text/html", "application/octet-stream"])
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(isapi.WrongContentType):
        isapi.alerts(content_type, event())


def test_the_device_may_be_named_by_the_event(replay: Replay) -> None:
    (alert,) = isapi.alerts("application/json", replay("isapi_face.json"))
    assert alert.device_id == "north-2"


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["eventType", "name", "dateTime", "a"]) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
_ACCESS = st.fixed_dictionaries(
    {
        "majorEventType": st.just(5) | _TREES,
        "subEventType": st.sampled_from([1, 38, 75, 156, 76]) | _TREES,
        "employeeNoString": st.just("25") | _TREES,
    },
    optional=dict.fromkeys(("serialNo", "frontSerialNo", "currentEvent", "attendanceStatus", "name", "cardNo", "x"), _TREES),
)


@given(
    st.fixed_dictionaries(
        {"dateTime": st.just("2026-11-24T08:55:00+05:00") | _TREES, "AccessControllerEvent": _ACCESS | _TREES},
        optional={"eventType": _TREES},
    )
)
def test_any_tree_is_a_passage_or_ignored_or_named(tree: dict[str, object]) -> None:
    reading = read("application/json", json.dumps(tree, allow_nan=True).encode())
    assert reading.records == 1
    for passage in reading.passages:
        (passage.raw + passage.event_key + passage.badge_number).encode()  # no half of a surrogate pair
        assert "\0" not in passage.raw


@given(
    st.sampled_from(["application/json", "text/xml", "multipart/mixed; boundary=x", 'multipart/form-data; boundary="--"', "multipart/x"]),
    st.binary(max_size=300),
)
def test_any_bytes_are_read_or_named(content_type: str, body: bytes) -> None:
    reading = read(content_type, body)
    assert reading.records >= 1


@given(
    st.lists(
        st.sampled_from(
            [b"--x", b"--x--", b"\r\n", b"\n", b"Content-Type: application/json", b"Content-Type: image/jpeg", event(), JPEG, b"\r\n\r\n"]
        ),
        max_size=12,
    )
)
def test_any_arrangement_of_parts_is_read_or_named(pieces: list[bytes]) -> None:
    assert read("multipart/mixed; boundary=x", b"".join(pieces)).records >= 1
