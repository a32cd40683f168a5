from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some
from kernel.days import DaySpan, Month, dates, months_after
from kernel.faults import WrongState

DAYS = some.dates(date(1900, 1, 1), date(2200, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 15), 6, date(2026, 7, 15)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 1, 31), -2, date(2025, 11, 30)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_months_are_counted_by_the_calendar(day: date, months: int, later: date) -> None:
    assert months_after(day, months) == later


@given(DAYS, some.integers(0, 120))
def test_a_month_later_is_never_in_another_month_than_asked(day: date, months: int) -> None:
    later = months_after(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and later == Month.of(later).last)


def test_dates_hold_both_ends_and_are_none_if_reversed() -> None:
    assert list(dates(date(2024, 2, 28), date(2024, 3, 1))) == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert list(dates(date(2024, 3, 1), date(2024, 2, 28))) == []


def test_a_month_knows_its_days_and_the_one_after_it() -> None:
    february = Month.of(date(2024, 2, 11))
    assert (february.first, february.last, len(list(february.dates())), str(february)) == (
        date(2024, 2, 1),
        date(2024, 2, 29),
        29,
        "2024-02",
    )
    assert (february.next(), Month(2024, 12).next()) == (Month(2024, 3), Month(2025, 1))
    assert Month(2024, 12) < Month(2025, 1)


def test_there_is_no_thirteenth_month() -> None:
    with pytest.raises(ValueError, match="month"):
        Month(2024, 13)


def test_a_span_holds_both_its_ends() -> None:
    span = DaySpan(date(2026, 3, 1), date(2026, 3, 2))
    assert [span.holds(date(2026, 3, 1)), span.holds(date(2026, 3, 2))] == [True, True]
    assert [span.holds(date(2026, 2, 28)), span.holds(date(2026, 3, 3))] == [False, False]
    assert DaySpan(date(2026, 3, 1)).holds(date(2099, 1, 1))


def test_a_reversed_span_is_refused_with_its_ends() -> None:
    with pytest.raises(WrongState) as refused:
        DaySpan(date(2026, 3, 2), date(2026, 3, 1))
    assert (refused.value.reason, dict(refused.value.facts)) == ("SPAN_REVERSED", {"since": date(2026, 3, 2), "until": date(2026, 3, 1)})


@given(DAYS, some.none() | some.integers(0, 40), some.integers(-60, 60), some.none() | some.integers(0, 40))
def test_spans_overlap_when_a_date_is_in_both(since: date, length: int | None, shift: int, other_length: int | None) -> None:
    def span(first: date, days: int | None) -> DaySpan:
        return DaySpan(first, None if days is None else date.fromordinal(first.toordinal() + days))

    one, other = span(since, length), span(date.fromordinal(since.toordinal() + shift), other_length)
    reach = dates(date.fromordinal(since.toordinal() - 61), date.fromordinal(since.toordinal() + 121))
    assert one.overlaps(other) == other.overlaps(one) == any(one.holds(day) and other.holds(day) for day in reach)
