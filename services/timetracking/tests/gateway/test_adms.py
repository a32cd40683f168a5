"""ZKTeco ADMS: what terminals of several firmwares send, and what they never should."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timetracking.devices.domain import Protocol
from timetracking.gateway import adms
from timetracking.gateway.domain import EnrolledDevice, Reading, VerifyMethod
from timetracking.workdays.domain import Direction

Replay = Callable[[str], bytes]
TERMINAL = EnrolledDevice("gate-1", Protocol.ADMS, "hq")


def read(body: bytes) -> Reading:
    return adms.read(TERMINAL, adms.lines(body))


def test_old_firmware_of_five_columns_is_read(replay: Replay) -> None:
    reading = read(replay("adms_five_columns.tsv"))
    assert reading.unreadable == ()
    first, second, third, fourth = reading.passages
    assert (first.device, first.badge_system, first.badge_number) == ("gate-1", "hq", "25")
    assert (first.event_key, first.wall_time) == ("25|2026-11-24T08:55:00|0", datetime(2026, 11, 24, 8, 55))
    assert first.utc_offset_seconds is None
    assert first.previous_event_number is None
    assert (first.direction, first.verify_method, first.live) == (Direction.IN, VerifyMethod.FINGERPRINT, True)
    assert (first.raw, first.raw_digest) == ("25\t2026-11-24 08:55:00\t0\t1\t0", sha256(b"25\t2026-11-24 08:55:00\t0\t1\t0").digest())
    assert (second.badge_number, second.verify_method) == ("0017", VerifyMethod.FACE)
    assert third.direction is Direction.OUT
    assert (fourth.direction, fourth.verify_method) == (Direction.NONE, VerifyMethod.CARD)


def test_seven_columns_with_carriage_returns_and_blank_lines_are_read(replay: Replay) -> None:
    reading = read(replay("adms_seven_columns_crlf.tsv"))
    assert reading.records == 5
    assert [passage.direction for passage in reading.passages] == [Direction.IN, Direction.OUT, Direction.IN, Direction.OUT, Direction.IN]


def test_the_temperature_of_newer_firmware_is_not_kept(replay: Replay) -> None:
    reading = read(replay("adms_ten_columns.tsv"))
    assert [passage.raw for passage in reading.passages] == [
        "25\t2026-11-24 08:55:00\t0\t15\t0\t0\t0",
        "31\t2026-11-24 08:55:07\t255\t15\t0\t0\t0",
    ]


def test_the_temperature_of_a_damaged_line_is_not_kept() -> None:
    (damaged,) = read(b"25\tyesterday\t0\t15\t0\t0\t0\t1\t36.6\t0").unreadable
    assert damaged.raw == "25\tyesterday\t0\t15\t0\t0\t0"


def test_unix_time_is_an_instant(replay: Replay) -> None:
    first, second = read(replay("adms_unix_time.tsv")).passages
    assert (first.wall_time, first.utc_offset_seconds) == (datetime(2026, 11, 24, 3, 55), 0)
    assert (second.event_key, second.utc_offset_seconds) == ("25|2026-11-24T08:02:00|1", 0)


def test_damaged_lines_are_named_and_their_neighbours_go_on(replay: Replay) -> None:
    reading = read(replay("adms_damaged.tsv"))
    assert [passage.badge_number for passage in reading.passages] == ["25", "31"]
    assert [(damaged.index, damaged.error) for damaged in reading.unreadable] == [
        (1, "line: PIN, time, status and verify mode, parted by TAB"),
        (2, "time: a moment that exists"),
        (3, "credential: 1 to 64 printable characters"),
        (4, "status: a number from 0 to 999"),
        (5, "time: a moment that exists"),
        (6, "line: UTF-8 text"),
    ]


def test_the_mark_of_utf_8_belongs_to_no_line() -> None:
    (passage,) = read(b"\xef\xbb\xbf25\t2026-11-24 08:55:00\t0\t1\n").passages
    assert passage.badge_number == "25"


def test_a_table_that_nobody_knows_is_handed_back_without_names_and_biometrics() -> None:
    reading = adms.of_unknown_table(adms.lines("pin=25\tName=Сейтқали Айгүл\ttmp={}\nevent=0".format("QUJD" * 100).encode()))
    assert [(one.index, one.error, one.raw) for one in reading.unreadable] == [
        (0, "table: ATTLOG", "pin=25\tName=\ttmp="),
        (1, "table: ATTLOG", "event=0"),
    ]


def test_a_clock_of_1970_is_read_as_it_was_sent() -> None:
    (passage,) = read(b"25\t1970-01-01 00:00:07\t0\t1").passages
    assert passage.wall_time == datetime(1970, 1, 1, 0, 0, 7)


@pytest.mark.parametrize(("status", "direction"), [(0, 1), (1, 2), (2, 2), (3, 1), (4, 1), (5, 2), (255, 0), (6, 0)])
def test_a_status_is_a_direction(status: int, direction: int) -> None:
    (passage,) = read(f"25\t2026-11-24 08:55:00\t{status}\t1".encode()).passages
    assert passage.direction == direction


@given(st.binary(max_size=400))
def test_no_bytes_are_lost_or_raise(body: bytes) -> None:
    reading = read(body)
    assert reading.records == len(adms.lines(body))


_FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\t\n"), max_size=30) | st.sampled_from(
    ["2026-11-24 08:55:00", "0", "25", "99999999999"]
)


@given(st.lists(_FIELD, max_size=12))
def test_any_columns_are_read_or_named(columns: list[str]) -> None:
    body = "\t".join(columns).encode()
    reading = read(body)
    assert reading.records == len(adms.lines(body))
    for passage in reading.passages:
        assert passage.raw.isascii() or passage.raw.encode()
        assert "\0" not in passage.raw + passage.event_key + passage.badge_number


def test_a_repeated_line_has_the_same_key_and_digest() -> None:
    old, new = read(b"25\t2026-11-24 08:55:00\t0\t1\t0\n25\t2026-11-24 08:55:00\t00\t1\t0\t0\t0\t0\t0\t0").passages
    assert old.event_key == new.event_key


def test_the_handshake_asks_for_passages_only() -> None:
    answer = adms.options("gate-1", timedelta(hours=5))
    assert answer.startswith("GET OPTION FROM: gate-1\nStamp=9999\n")
    assert "TransFlag=1000000000\n" in answer
    assert "TimeZone=5\nRealtime=1\n" in answer
    assert "TimeZone=330\n" in adms.options("gate-1", timedelta(hours=5, minutes=30))


def test_the_answer_counts_the_lines() -> None:
    assert adms.taken(3) == "OK: 3"
