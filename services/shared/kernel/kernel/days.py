"""Legal days: months counted as the law counts them, months and spans of dates."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from kernel.faults import WrongState


def months_after(day: date, months: int) -> date:
    """Returns the same day `months` calendar months later (earlier if negative), or that month's last day if it has none."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def dates(since: date, until: date) -> Iterator[date]:
    """Yields every date from `since` to `until`, both included; none if they are reversed."""
    for ordinal in range(since.toordinal(), until.toordinal() + 1):
        yield date.fromordinal(ordinal)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month; its text is "2026-11"."""

    year: int
    month: int

    def __post_init__(self) -> None:
        date(self.year, self.month, 1)  # refuses a thirteenth month with ValueError

    @classmethod
    def of(cls, day: date) -> "Month":
        """Returns the month that `day` is in."""
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        """Its first date."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """Its last date."""
        return date(self.year, self.month, calendar.monthrange(self.year, self.month)[1])

    def dates(self) -> Iterator[date]:
        """Yields each of its dates."""
        return dates(self.first, self.last)

    def next(self) -> "Month":
        """Returns the month after it."""
        return Month.of(self.last + timedelta(days=1))

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True)
class DaySpan:
    """A span of dates, both ends included; without `until` it goes on. A reversed one is refused with SPAN_REVERSED."""

    since: date
    until: date | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.until < self.since:
            raise WrongState("SPAN_REVERSED", since=self.since, until=self.until)

    def holds(self, on: date) -> bool:
        """Says whether `on` is within it."""
        return self.since <= on and (self.until is None or on <= self.until)

    def overlaps(self, other: "DaySpan") -> bool:
        """Says whether the two have a date in common."""
        return (other.until is None or self.since <= other.until) and (self.until is None or other.since <= self.until)
