"""How a passage becomes a read: by the settings that hold for it, never by what it says itself."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from kernel.faults import Malformed
from timetracking.devices.domain import DeviceDirection, Protocol, event_number, in_order_of_beginning, instant_of, own_direction
from timetracking.passages.domain import Reader
from timetracking.workdays.domain import Direction

from ..samples import device, second, settings

IN, OUT, NONE = Direction.IN, Direction.OUT, Direction.NONE


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (DeviceDirection.IN, (IN, IN, IN)),
        (DeviceDirection.OUT, (OUT, OUT, OUT)),
        (DeviceDirection.AS_SENT, (IN, OUT, NONE)),
        (DeviceDirection.ALTERNATING, (NONE, NONE, NONE)),
    ],
)
def test_the_direction_is_the_devices_where_it_is_fixed(says: DeviceDirection, expected: tuple[Direction, ...]) -> None:
    assert tuple(own_direction(settings(direction=says), sent) for sent in (IN, OUT, NONE)) == expected


@pytest.mark.parametrize(
    ("zone", "fixed", "sent", "expected"),
    [
        (None, None, 5 * 3600, "2026-11-24T08:55"),
        (None, None, 6 * 3600, "2026-11-24T07:55"),
        (None, None, 0, "2026-11-24T13:55"),
        (None, None, None, "2026-11-24T04:55"),  # the body's zone, Tokyo
        ("Asia/Almaty", None, 6 * 3600, "2026-11-24T08:55"),
        (None, 6 * 3600, 5 * 3600, "2026-11-24T07:55"),
        (None, 6 * 3600, None, "2026-11-24T07:55"),
    ],
)
def test_the_instant_follows_from_the_time_policy(zone: str | None, fixed: int | None, sent: int | None, expected: str) -> None:
    policy = settings(zone=zone, utc_offset=fixed)
    assert instant_of(policy, datetime(2026, 11, 24, 8, 55), sent, "Asia/Tokyo") == (second(expected), False)


def test_a_wall_time_that_occurs_twice_is_read_as_the_first_and_marked() -> None:
    """At midnight after 29 February 2024 the clocks of Almaty went back to 23:00."""
    policy, almaty = settings(zone="Asia/Almaty"), ZoneInfo("Asia/Almaty")
    first = int(datetime(2024, 2, 29, 23, 30, tzinfo=almaty, fold=0).timestamp())
    assert instant_of(policy, datetime(2024, 2, 29, 23, 30), None, "UTC") == (first, True)
    assert instant_of(policy, datetime(2024, 2, 29, 22, 59, 59), None, "UTC")[1] is False
    assert instant_of(policy, datetime(2024, 3, 1), None, "UTC")[1] is False
    as_sent = settings()
    assert instant_of(as_sent, datetime(2024, 2, 29, 23, 30), 5 * 3600, "UTC") == (first + 3600, False), "an offset says which"


def test_the_last_settings_that_have_begun_hold() -> None:
    given = [settings("first"), settings("wall", since="2026-11-24T12:00:00"), settings("number", since=100)]
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        gate = device("gate", "KGD", *in_order_of_beginning([given[n] for n in order]))
        morning, evening = datetime(2026, 11, 24, 11, 59, 59), datetime(2026, 11, 24, 12)
        assert [
            gate.settings_for(key, at).premises for key, at in (("99", morning), ("99", evening), ("100", morning), ("x", evening))
        ] == [
            "first",
            "wall",
            "number",
            "wall",
        ]


def test_of_settings_that_begin_at_one_point_the_later_made_hold() -> None:
    gate = device().changed(settings("once", since="2026-11-24T12:00:00")).changed(settings("again", since="2026-11-24T12:00:00"))
    assert gate.settings_for("x", datetime(2026, 11, 25)).premises == "again"
    assert (gate.revision, gate.etag) == (3, "3")


def test_settings_that_never_begin_and_numbers_of_a_protocol_without_them_are_refused() -> None:
    with pytest.raises(Malformed) as refused:
        device().changed(settings())
    assert list(refused.value.violations) == ["settings.since"]
    with pytest.raises(Malformed) as refused:
        device(protocol=Protocol.ADMS).changed(settings(since=1))
    assert list(refused.value.violations) == ["settings.since_event_number"]


@pytest.mark.parametrize(
    ("key", "number"), [("17", 17), ("007", 7), ("25|2026-11-24T08:55:00|0", None), ("٣", None), ("", None), ("9" * 19, None), ("-1", None)]
)
def test_an_event_key_of_digits_is_a_number(key: str, number: int | None) -> None:
    assert event_number(key) == number


def test_a_read_keeps_what_was_sent_beside_the_devices_own_direction() -> None:
    gate = device("gate", "KGD", settings(direction=DeviceDirection.ALTERNATING))
    read, twice = Reader(gate, "Asia/Almaty").read("17", datetime(2026, 11, 24, 8, 55), None, OUT)
    assert (read.at, read.direction, read.sent, read.perimeter, twice) == (second("2026-11-24T08:55"), NONE, OUT, True, False)
