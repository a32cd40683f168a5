"""Production calendars: which dates of a year are worked, and for how many hours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from kernel.days import dates

from lawbook.source import Confidence

Week = Literal["5-day", "6-day"]


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A date: whether work is done on it, whether it is a public holiday, and the hours due at the normal week."""

    date: date
    working: bool
    public_holiday: bool
    hours: int


@dataclass(frozen=True, slots=True)
class ProductionCalendar:
    """A year's calendar for a kind of week, in the version that was known from the date `version` on."""

    year: int
    week: Week
    version: date
    confidence: Confidence
    days: Mapping[date, CalendarDay]

    def day(self, on: date) -> CalendarDay:
        """Returns the day of a date of the year (KeyError for another year's)."""
        return self.days[on]

    @property
    def working_days(self) -> int:
        """How many dates of the year are worked."""
        return sum(day.working for day in self.days.values())

    @property
    def hours(self) -> int:
        """The hours of the year at the normal week."""
        return sum(day.hours for day in self.days.values())


@dataclass(frozen=True, slots=True)
class Transfer:
    """A day off that the labour authority moved: `worked` becomes a working day and `free` a day off."""

    worked: date
    free: date


def days_of(
    year: int,
    hours: Sequence[int],
    holidays: Iterable[date],
    single_days_off: Iterable[date],
    transfers: Iterable[Transfer],
) -> dict[date, CalendarDay]:
    """Returns every date of the year for a week with these hours from Monday to Sunday (0 is a weekly day off).

    A holiday on a weekly day off makes the next working day after it a day off (Law on Holidays, art. 5); a single day
    off (7 January, the first day of Kurban-ait) does not (Labour Code, art. 84). Transfers of the labour authority
    come last (art. 85); a date that they make working is worked as long as the one given for it would have been.
    """
    public = frozenset(holidays)
    off = public | frozenset(single_days_off)
    replaced: set[date] = set()
    for holiday in sorted(public):
        if not hours[holiday.weekday()]:
            replaced.add(_next_working(holiday, hours, off | replaced))
    due = {day: 0 if day in off or day in replaced else hours[day.weekday()] for day in dates(date(year, 1, 1), date(year, 12, 31))}
    for transfer in transfers:
        due[transfer.worked], due[transfer.free] = due[transfer.free], due[transfer.worked]
    return {day: CalendarDay(day, length > 0, day in public, length) for day, length in due.items()}


def _next_working(after: date, hours: Sequence[int], off: set[date] | frozenset[date]) -> date:
    day = after + timedelta(days=1)
    while not hours[day.weekday()] or day in off:
        day += timedelta(days=1)
    return day
