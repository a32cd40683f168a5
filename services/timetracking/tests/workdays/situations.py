"""Situations of one servant, written as people say them: days of a week, wall times, "in 08:55, out 18:33"."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from kernel.intervals import Span
from timetracking.workdays.domain import (
    Added,
    AddedStay,
    Correction,
    Direction,
    Facts,
    Order,
    OrderKind,
    Parameters,
    Place,
    Plan,
    PlanKind,
    PlannedInterval,
    Read,
    Session,
    Void,
    WorkdayContent,
    short_rests,
    workdays,
)

MONDAY = date(2026, 11, 23)
NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LAW = Parameters(
    day_border=4 * 3600,
    border_margin=7200,
    double_read_window=60,
    longest_stay=16 * 3600,
    stay_beyond_duty=4 * 3600,
    rest_between_days=12 * 3600,
    daily_limit=8 * 3600,
    night=(22 * 3600, 6 * 3600),
)
FOUR = "in 08:55, out 13:02, in 14:25, out 18:33"


def seconds(text: str) -> int:
    """ "8 h 05 min 3 s" in seconds."""
    units = {"h": 3600, "min": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+) (h|min|s)\b", text))


class Situation:
    """A servant's fortnight around the week of 23 November 2026, Almaty: office 09:00–18:30 with a break, weekends off."""

    def __init__(self, zone: str = "Asia/Almaty", monday: date = MONDAY) -> None:
        self.zone, self.monday = ZoneInfo(zone), monday
        self.plans: dict[date, Plan] = {}
        self.orders: list[Order] = []
        self.reads: list[Read] = []
        self.sessions: list[Session] = []
        self.corrections: list[Correction] = []
        self.now = self.at(monday + timedelta(days=40), "00:00")
        self.law = LAW
        self._key = 0
        for offset in range(-7, 14):
            day = monday + timedelta(days=offset)
            self.day_off(day) if day.weekday() > 4 else self.office(day)

    def on(self, name: str | date) -> date:
        return name if isinstance(name, date) else self.monday + timedelta(days=NAMES.index(name))

    def at(self, day: str | date, wall: str) -> int:
        """The instant of a wall time; "+" before it means the next date."""
        on = self.on(day) + timedelta(days=wall.count("+"))
        hour, minute, second = (*map(int, wall.lstrip("+").split(":")), 0)[:3]
        return int(datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=self.zone).timestamp())

    def span(self, day: str | date, text: str) -> Span:
        start, end = text.split("–")
        return self.at(day, start), self.at(day, end)

    def plan(
        self,
        day: str | date,
        kind: str,
        intervals: dict[str, str],
        breaks: tuple[str, ...] = (),
        core: str | None = None,
        excused: tuple[str, ...] = (),
        holiday: bool = False,
        grace: str = "",
    ) -> Self:
        """Intervals by their text with the place of each: {"09:00–18:30": "office"}."""
        self.plans[self.on(day)] = Plan(
            date=self.on(day),
            kind=PlanKind(kind),
            intervals=tuple(PlannedInterval(*self.span(day, text), Place(place)) for text, place in intervals.items()),
            breaks=tuple(self.span(day, text) for text in breaks),
            core=self.span(day, core) if core else None,
            excused=tuple(self.span(day, text) for text in excused),
            holiday=holiday,
            grace=seconds(grace),
        )
        return self

    def office(self, day: str | date, **options: object) -> Self:
        return self.plan(day, "office", {"09:00–18:30": "office"}, ("13:00–14:30",), **options)  # type: ignore[arg-type]

    def day_off(self, day: str | date, *, holiday: bool = False) -> Self:
        return self.plan(day, "public_holiday" if holiday else "day_off", {}, holiday=holiday)

    def order(self, day: str | date, span: str, kind: str = "overtime", breaks: tuple[str, ...] = ()) -> Self:
        self.orders.append(Order(self.on(day), OrderKind(kind), *self.span(day, span), tuple(self.span(day, each) for each in breaks)))
        return self

    def read(self, day: str | date, text: str, device: str = "gate", keys: tuple[str, ...] = (), perimeter: bool = True) -> Self:
        """Reads as "in 08:55, out 13:02:10, none 14:25"."""
        directions = {"in": Direction.IN, "out": Direction.OUT, "none": Direction.NONE}
        for n, part in enumerate(text.split(", ")):
            word, wall = part.split(" ")
            self._key += 1
            self.reads.append(Read(self.at(day, wall), device, keys[n] if keys else str(self._key), directions[word], perimeter=perimeter))
        return self

    def session(self, day: str | date, text: str) -> Self:
        start, end = text.split("–")
        self.sessions.append(Session(self.at(day, start), self.at(day, end) if end else None))
        return self

    def add(self, day: str | date, text: str) -> Self:
        word, wall = text.split(" ")
        self.corrections.append(Added(self.at(day, wall), {"entry": Direction.IN, "exit": Direction.OUT}[word]))
        return self

    def add_stay(self, day: str | date, text: str) -> Self:
        self.corrections.append(AddedStay(*self.span(day, text)))
        return self

    def void(self, read: Read) -> Self:
        self.corrections.append(Void(read.device, read.event_key))
        return self

    def facts(self) -> Facts:
        return Facts(self.plans, tuple(self.orders), tuple(self.reads), tuple(self.sessions), tuple(self.corrections))

    def contents(self, *days: str | date, facts: Facts | None = None) -> list[WorkdayContent]:
        return workdays(facts or self.facts(), [self.on(day) for day in days], lambda _: self.zone, lambda _: self.law, self.now)

    def day(self, day: str | date = "Tue", facts: Facts | None = None) -> WorkdayContent:
        return self.contents(day, facts=facts)[0]

    def week(self) -> list[WorkdayContent]:
        return self.contents(*NAMES)

    def rests(self) -> list[tuple[tuple[str, str], int]]:
        return [
            ((NAMES[rest.dates[0].weekday()], NAMES[rest.dates[1].weekday()]), rest.seconds)
            for rest in short_rests(self.week(), lambda _: self.law)
        ]

    def wall(self, at: int) -> str:
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone).strftime("%d %H:%M:%S")


def figures(day: WorkdayContent, *without: str) -> dict[str, int]:
    """The figures that are not zero, but for those named and `known`."""
    left_out = {"known", *without}
    return {name: value for name, value in day.seconds._asdict().items() if value and name not in left_out}


def found(day: WorkdayContent) -> dict[str, int]:
    """Findings by kind with their seconds."""
    assert len({each.kind for each in day.findings}) == len(day.findings)
    return {each.kind.value: each.seconds for each in day.findings}


def said(day: WorkdayContent) -> tuple[dict[str, int], dict[str, int]]:
    """Everything that a case asks of a day: its figures and its findings, what is not named being zero or not raised."""
    return figures(day), found(day)
