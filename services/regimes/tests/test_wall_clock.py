"""Wall times and the instants they are, in the zones of Kazakhstan."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regimes.wall_clock import ClockSpan, Span

from .samples import clocks

ALMATY = ZoneInfo("Asia/Almaty")


def utc(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_a_day_is_laid_out_in_the_zone_of_the_place() -> None:
    assert clocks("09:00-18:30").on(date(2026, 11, 24), ALMATY) == Span(utc(24, 4), utc(24, 13, 30))
    assert clocks("09:00-18:30").on(date(2024, 2, 29), ALMATY).start == utc(29, 3, month=2, year=2024)
    assert clocks("09:00-18:30").on(date(2024, 3, 1), ALMATY).start == utc(1, 4, month=3, year=2024)


def test_a_span_that_ends_where_it_begins_lasts_a_day() -> None:
    duty = clocks("09:00-09:00")
    assert duty.seconds == 24 * 3600
    assert duty.on(date(2026, 11, 24), ALMATY) == Span(utc(24, 4), utc(25, 4))


def test_the_night_on_which_the_clock_was_set_back_is_an_hour_longer() -> None:
    assert clocks("20:00-08:00").on(date(2024, 2, 29), ALMATY).seconds == 13 * 3600


def test_a_wall_time_that_occurs_twice_is_the_first() -> None:
    assert clocks("23:30-01:00").on(date(2024, 2, 29), ALMATY).start == utc(29, 17, 30, month=2, year=2024)


@pytest.mark.parametrize(
    ("outer", "inner", "held"),
    [
        ("20:00-08:00", "01:00-02:00", True),
        ("20:00-08:00", "23:30-00:30", True),
        ("20:00-08:00", "07:30-08:00", True),
        ("20:00-08:00", "07:30-08:30", False),
        ("20:00-08:00", "12:00-13:00", False),
        ("09:00-18:30", "13:00-14:30", True),
        ("09:00-18:30", "08:30-09:30", False),
        ("09:00-09:00", "13:00-14:00", True),
        ("09:00-09:00", "08:00-10:00", False),
    ],
)
def test_what_lies_in_a_span_lies_in_it_past_midnight_too(outer: str, inner: str, held: bool) -> None:
    assert clocks(outer).holds(clocks(inner)) is held


@given(st.times(), st.times())
def test_a_span_lasts_at_most_a_day_and_never_nothing(start: object, end: object) -> None:
    span = ClockSpan(start.replace(microsecond=0), end.replace(microsecond=0))  # type: ignore[attr-defined]
    assert 0 < span.seconds <= 24 * 3600
    assert span.on(date(2026, 11, 24), ALMATY).seconds == span.seconds
    assert span.holds(span)


def test_a_span_of_instants_is_never_empty() -> None:
    with pytest.raises(ValueError, match="ends after"):
        Span(utc(24, 4), utc(24, 4))
