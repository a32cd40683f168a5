"""Times of the clock on the wall, and the instants that they are at a place on a date."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span of instants in UTC: its first second and the second after its last."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not self.start < self.end:
            raise ValueError("a span of instants ends after it starts")

    @property
    def seconds(self) -> int:
        """Its length."""
        return int((self.end - self.start).total_seconds())

    def within(self, other: "Span") -> bool:
        """Says whether no second of it lies outside `other`."""
        return other.start <= self.start and self.end <= other.end


@dataclass(frozen=True, slots=True)
class ClockSpan:
    """From one wall time to another; it ends on the next date where its end is not after its start."""

    start: time
    end: time

    @property
    def crosses_midnight(self) -> bool:
        """Says whether its end lies on the next date."""
        return self.end <= self.start

    @property
    def seconds(self) -> int:
        """Its length on a day without a change of the clock, at most 24 hours."""
        return (_of_day(self.end) - _of_day(self.start) - 1) % 86400 + 1

    def holds(self, other: "ClockSpan") -> bool:
        """Says whether all of `other` lies in it, counted from its start on."""
        begin = (_of_day(other.start) - _of_day(self.start)) % 86400
        return begin + other.seconds <= self.seconds

    def common_seconds(self, other: "ClockSpan") -> int:
        """Returns how long both last together, of two spans of one day that do not cross midnight."""
        return max(0, _of_day(min(self.end, other.end)) - _of_day(max(self.start, other.start)))

    def on(self, day: date, zone: ZoneInfo) -> Span:
        """Returns the instants of it begun on `day`; a wall time that occurs twice is the first (fold 0)."""
        last = day + timedelta(days=1) if self.crosses_midnight else day
        return Span(instant(day, self.start, zone), instant(last, self.end, zone))


def instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Returns the instant, in UTC, at which the clock of the place shows `clock` on `day`."""
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _of_day(clock: time) -> int:
    return clock.hour * 3600 + clock.minute * 60 + clock.second
