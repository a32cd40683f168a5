from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as some
from lawbook.production_calendar import Transfer, days_of

FIVE = (8, 8, 8, 8, 8, 0, 0)
SIX = (7, 7, 7, 7, 7, 5, 0)
DATES_OF_2026 = some.dates(date(2026, 1, 1), date(2026, 12, 15))


def test_a_weekly_day_off_has_no_hours_and_the_sixth_day_is_short() -> None:
    days = days_of(2026, SIX, [], [], [])
    week = [days[date(2026, 11, 23) + timedelta(days=number)] for number in range(7)]
    assert [(day.working, day.hours) for day in week] == [(True, 7)] * 5 + [(True, 5), (False, 0)]


def test_a_holiday_on_a_working_day_moves_nothing() -> None:
    days = days_of(2026, FIVE, [date(2026, 7, 6)], [], [])
    assert (days[date(2026, 7, 6)].public_holiday, days[date(2026, 7, 6)].working, days[date(2026, 7, 7)].working) == (True, False, True)


def test_a_holiday_on_a_day_off_frees_the_next_working_day() -> None:
    days = days_of(2026, FIVE, [date(2026, 3, 8)], [], [])
    assert [days[date(2026, 3, day)].working for day in (8, 9, 10)] == [False, False, True]
    assert not days[date(2026, 3, 9)].public_holiday


def test_two_holidays_on_days_off_free_two_days_after_the_third() -> None:
    days = days_of(2026, FIVE, [date(2026, 3, 21), date(2026, 3, 22), date(2026, 3, 23)], [], [])
    assert [days[date(2026, 3, day)].working for day in (20, 21, 22, 23, 24, 25, 26)] == [True] + [False] * 5 + [True]


def test_saturday_is_a_working_day_of_the_six_day_week() -> None:
    days = days_of(2026, SIX, [date(2026, 3, 21), date(2026, 3, 22), date(2026, 3, 23)], [], [])
    assert [days[date(2026, 3, day)].working for day in (21, 22, 23, 24, 25)] == [False, False, False, False, True]


def test_a_single_day_off_on_a_day_off_moves_nothing() -> None:
    days = days_of(2028, FIVE, [], [date(2028, 5, 6)], [])
    assert days[date(2028, 5, 8)].working
    assert not days[date(2028, 5, 6)].public_holiday


def test_a_transfer_exchanges_a_day_off_and_a_working_day_with_its_hours() -> None:
    days = days_of(2023, FIVE, [date(2023, 7, 6)], [], [Transfer(worked=date(2023, 7, 1), free=date(2023, 7, 7))])
    assert [(days[date(2023, 7, day)].working, days[date(2023, 7, day)].hours) for day in (1, 6, 7)] == [(True, 8), (False, 0), (False, 0)]


@given(some.sets(DATES_OF_2026, max_size=20), some.sampled_from([FIVE, SIX]))
def test_every_holiday_costs_exactly_one_working_day(holidays: set[date], hours: tuple[int, ...]) -> None:
    plain, days = days_of(2026, hours, [], [], []), days_of(2026, hours, holidays, [], [])
    lost = [day for day in plain if plain[day].working and not days[day].working]
    assert len(lost) == len(holidays)
    assert not any(days[day].working for day in holidays)
    assert {day for day in days if days[day].public_holiday} == holidays
