"""Plain values to and from messages."""

from datetime import UTC, date, datetime

import pytest
from chassis.wire import day, day_message, instant, instant_message, zero_byte_in
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2
from kernel.faults import Malformed
from tartip.registry.v1 import servant_service_pb2 as servants


@pytest.mark.parametrize("on", [date(1900, 1, 1), date(2024, 2, 29), date(2199, 12, 31)])
def test_a_day_comes_back_as_it_was(on: date) -> None:
    message = day_message(on)
    assert message is not None
    assert day(message, "since") == on


@pytest.mark.parametrize(
    ("year", "month", "on"),
    [(0, 0, 0), (2026, 0, 0), (2026, 2, 29), (2026, 13, 1), (1899, 12, 31), (2200, 1, 1), (9999, 12, 31), (-1, 1, 1)],
)
def test_what_is_no_legal_day_is_malformed(year: int, month: int, on: int) -> None:
    with pytest.raises(Malformed) as refused:
        day(date_pb2.Date(year=year, month=month, day=on), "since")
    assert set(refused.value.violations) == {"since"}


def test_no_day_leaves_the_field_unset() -> None:
    assert day_message(None) is None


def test_an_instant_comes_back_as_it_was() -> None:
    at = datetime(2026, 11, 24, 3, 55, tzinfo=UTC)
    assert instant(instant_message(at), "at") == at


@pytest.mark.parametrize("message", [Timestamp(seconds=1, nanos=1), Timestamp(seconds=10**15), Timestamp(seconds=-(10**15))])
def test_what_is_no_whole_second_of_the_calendar_is_malformed(message: Timestamp) -> None:
    with pytest.raises(Malformed) as refused:
        instant(message, "at")
    assert set(refused.value.violations) == {"at"}


def test_a_zero_byte_is_found_by_the_path_of_its_text_however_deep_it_lies() -> None:
    appointments = [servants.Appointment(act="№ 1"), servants.Appointment(act="№\0")]
    request = servants.CreateServantRequest(servant_id="s-1", servant=servants.Servant(display_name="A", appointments=appointments))
    assert zero_byte_in(request) == "servant.appointments[1].act"
    del request.servant.appointments[1]
    assert zero_byte_in(request) is None
