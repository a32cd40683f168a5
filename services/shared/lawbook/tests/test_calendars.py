from collections import defaultdict
from datetime import date
from itertools import pairwise

import lawbook
import pytest
from lawbook import NotInForce, ProductionCalendar, Week
from lawbook.book import HERE
from lawbook.reader import read

BOOK = lawbook.load()
AFTER_5_DAY = [152, 160, 144, 176, 136, 176, 176, 168, 176, 168, 168, 176]


def months(calendar: ProductionCalendar) -> list[int]:
    hours: defaultdict[int, int] = defaultdict(int)
    for day in calendar.days.values():
        hours[day.date.month] += day.hours
    return [hours[month] for month in range(1, 13)]


@pytest.mark.parametrize(
    ("week", "days", "hours", "by_month"),
    [
        ("5-day", 248, 1984, [168, 168, 136, 176, 160, 152, 176, 168, 168, 176, 168, 168]),
        ("6-day", 300, 2000, [167, 167, 146, 174, 160, 158, 176, 172, 167, 174, 172, 167]),
    ],
)
def test_the_published_balance_of_2024_comes_out_month_by_month(week: Week, days: int, hours: int, by_month: list[int]) -> None:
    calendar = BOOK.calendar(2024, week)
    assert (calendar.working_days, calendar.hours, months(calendar)) == (days, hours, by_month)
    assert calendar.confidence == "high"


def test_the_quarters_of_2024_are_the_published_ones() -> None:
    by_month = months(BOOK.calendar(2024, "5-day"))
    assert [sum(by_month[first : first + 3]) for first in (0, 3, 6, 9)] == [472, 488, 512, 512]


@pytest.mark.parametrize(
    ("week", "known", "days", "hours"),
    [
        ("5-day", date(2026, 3, 17), 246, 1968),
        ("6-day", date(2026, 3, 17), 298, 1986),
        ("5-day", date(2026, 3, 18), 247, 1976),
        ("6-day", None, 299, 1993),
    ],
)
def test_2026_has_a_version_with_30_august_and_one_without(week: Week, known: date | None, days: int, hours: int) -> None:
    calendar = BOOK.calendar(2026, week, known)
    assert (calendar.working_days, calendar.hours, calendar.confidence) == (days, hours, "low")


def test_2026_without_30_august_comes_out_month_by_month() -> None:
    assert months(BOOK.calendar(2026, "5-day")) == AFTER_5_DAY


@pytest.mark.parametrize(
    ("week", "moved"),
    [
        ("5-day", {"03-09", "03-24", "03-25", "05-11", "08-31", "10-26"}),
        ("6-day", {"03-09", "03-24", "08-31", "10-26"}),
    ],
)
def test_the_days_off_published_for_2026_follow_from_coincidence(week: Week, moved: set[str]) -> None:
    hours = BOOK.require(f"working-time/{'five' if week == '5-day' else 'six'}-day-hours", date(2026, 1, 1)).value
    calendar = BOOK.calendar(2026, week, date(2026, 1, 1))
    off = [day.date for day in calendar.days.values() if hours[day.date.weekday()] and not day.working and not day.public_holiday]
    assert {f"{day:%m-%d}" for day in off} - {"01-07", "05-27"} == moved


@pytest.mark.parametrize(
    ("on", "public_holiday", "working"),
    [
        (date(2025, 8, 30), True, False),
        (date(2026, 8, 30), False, False),
        (date(2026, 8, 31), False, True),
        (date(2026, 3, 16), False, True),
        (date(2027, 3, 15), True, False),
        (date(2027, 8, 30), False, True),
        (date(2026, 1, 7), False, False),
        (date(2026, 5, 27), False, False),
        (date(2027, 5, 17), False, True),
        (date(2023, 7, 1), False, True),
        (date(2023, 7, 7), False, False),
        (date(2025, 1, 3), False, False),
        (date(2025, 1, 5), False, True),
        (date(2026, 12, 16), True, False),
    ],
)
def test_each_day_is_what_the_law_of_its_year_makes_it(on: date, public_holiday: bool, working: bool) -> None:
    day = BOOK.calendar(on.year, "5-day").day(on)
    assert (day.public_holiday, day.working) == (public_holiday, working)


def test_a_transfer_for_the_five_day_week_leaves_the_six_day_week_alone() -> None:
    days = BOOK.calendar(2023, "6-day").days
    assert (days[date(2023, 7, 1)].hours, days[date(2023, 7, 7)].hours) == (5, 7)


def test_there_are_13_public_holidays_while_30_august_is_one_or_15_march() -> None:
    counts = {year: sum(day.public_holiday for day in BOOK.calendar(year, "5-day").days.values()) for year in BOOK.years()}
    assert counts == {2023: 13, 2024: 13, 2025: 13, 2026: 12, 2027: 13, 2028: 13}


def test_only_the_compared_year_is_certain() -> None:
    assert {year for year in BOOK.years() if BOOK.calendar(year, "5-day").confidence != "low"} == {2024}


@pytest.mark.parametrize(("year", "known"), [(2022, None), (2029, None), (2026, date(2025, 12, 4))])
def test_a_year_without_a_calendar_is_refused(year: int, known: date | None) -> None:
    with pytest.raises(NotInForce) as refused:
        BOOK.calendar(year, "5-day", known)
    assert refused.value.facts["parameter"] == f"calendars/{year}"


def test_a_version_says_from_when_it_was_known() -> None:
    assert BOOK.calendar(2026, "5-day").version == date(2026, 3, 18)
    assert BOOK.calendar(2026, "5-day", date(2026, 3, 17)).version == date(2025, 12, 5)


def test_two_versions_of_a_year_differ_and_a_change_of_knowledge_is_never_missed() -> None:
    versions: defaultdict[int, list[date]] = defaultdict(list)
    for entry in read(HERE / "calendars" / "years.yaml")["calendars"]:
        versions[entry["year"]].append(entry["version"])
    for year, known in versions.items():
        for one, other in pairwise(sorted(known)):
            assert BOOK.calendar(year, "5-day", one).days != BOOK.calendar(year, "5-day", other).days
    learnt = {
        entry[field]
        for name in ("holidays", "days-off")
        for holiday in read(HERE / "calendars" / f"{name}.yaml").values()
        for entry in holiday["falls"]
        for field in ("known_since",)
        if field in entry
    }
    assert learnt <= {version for known in versions.values() for version in known}


def test_every_date_of_a_year_is_in_its_calendar_once_and_in_order() -> None:
    for year in BOOK.years():
        days = list(BOOK.calendar(year, "6-day").days.values())
        assert [day.date for day in days] == sorted({day.date for day in days})
        assert (days[0].date, days[-1].date, len(days)) == (date(year, 1, 1), date(year, 12, 31), 366 if year in (2024, 2028) else 365)
