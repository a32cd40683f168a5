"""What everybody was to do: the ministry's rules and regimes, and the plan of each date that follows from them.

The plans are stated here from the demo's own rules and calendar, not asked of the platform: that it composes the same ones
is part of what the demo shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .people import BODY, FIRST, LAST
from .world import Assignment, Flexible, Pattern, Remote, Rules, Servant, Shift, ShiftSchedule, Unit

HQ, ANNEX, CAMPUS = "HQ", "ANNEX", "CAMPUS"
PUBLIC_HOLIDAY = date(2026, 12, 16)
"""Independence Day, a Wednesday: nothing is transferred in this week."""

ZONE = ZoneInfo(BODY.zone)
KNOWN_UNTIL = LAST + timedelta(days=4)
"""The last date whose plan is stated: the borders of the week look three dates ahead."""
_SHIFTS_UNTIL = date(2026, 12, 31)
_ONE_DAY = timedelta(days=1)


def _rules(unit: str, start: time, end: time, rest: tuple[time, time], grace_minutes: int, premises: str) -> Rules:
    name = unit or "ministry"
    return Rules(name, unit, FIRST, start, end, *rest, timedelta(minutes=grace_minutes), premises, f"№ 1-{name}")


_NINE, _HALF_PAST_SIX, _LUNCH = time(9), time(18, 30), (time(13), time(14, 30))
RULES = (
    _rules("", _NINE, _HALF_PAST_SIX, _LUNCH, 0, HQ),
    _rules("archive", _NINE, _HALF_PAST_SIX, _LUNCH, 5, ANNEX),
    _rules("reception", _NINE, _HALF_PAST_SIX, _LUNCH, 5, ANNEX),
    _rules("analysis", _NINE, _HALF_PAST_SIX, _LUNCH, 0, CAMPUS),
    _rules("it", time(8), time(17, 30), (time(12, 30), time(14)), 0, CAMPUS),
)

FLEXIBLE = Flexible(time(7), time(20), time(10), time(16), *_LUNCH)
_REMOTE_WEEKDAYS = (2, 5)  # Tuesday and Friday
_PLACE = "Алматы қ., тұрғылықты жері"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """The plan of a date: at most one interval, with its place, its break and, where hours are flexible, its core."""

    date: date
    kind: str
    start: datetime | None = None
    end: datetime | None = None
    place: str = "office"
    rest: tuple[datetime, datetime] | None = None
    core: tuple[datetime, datetime] | None = None
    holiday: bool = False
    grace: int = 0

    def as_fold(self) -> dict[str, Any]:
        """The row as `fold` reads it."""
        interval = [] if self.start is None or self.end is None else [{**_span(self.start, self.end), "place": self.place}]
        return {
            "date": self.date.isoformat(),
            "kind": self.kind,
            "intervals": interval,
            "breaks": [_span(*self.rest)] if self.rest else [],
            "core": _span(*self.core) if self.core else None,
            "excused": [],
            "holiday": self.holiday,
            "grace": self.grace,
        }


def assignments(servants: Iterable[Servant]) -> list[Assignment]:
    """Returns the regimes of the flexible, remote and shift people, for the week and beyond."""
    made = []
    counts: dict[Pattern, int] = {}
    for servant in servants:
        if servant.pattern is Pattern.OFFICE:
            continue
        place = counts.get(servant.pattern, 0)
        counts[servant.pattern] = place + 1
        made.append(assignment(servant.id, FIRST, date(2027, 3, 31), _regime(servant.pattern, place)))
    return made


def assignment(servant: str, since: date, until: date, regime: Remote | Flexible | ShiftSchedule) -> Assignment:
    """Returns a regime of a servant by an act; a schedule of shifts ends with the year."""
    last = min(until, _SHIFTS_UNTIL) if isinstance(regime, ShiftSchedule) else until
    return Assignment(f"{servant}-{since:%m%d}", servant, since, last, f"№ {servant}-{since:%m%d}", regime)


def plan_rows(servants: Sequence[Servant], units: Sequence[Unit], regimes: Sequence[Assignment]) -> dict[str, dict[date, PlanRow]]:
    """Returns the plan of every servant and date from the first of the week on; of two regimes on a date the later holds."""
    parents = {unit.id: unit.parent for unit in units}
    own: dict[str, list[Assignment]] = {}
    for each in regimes:
        own.setdefault(each.servant, []).append(each)
    dates = [FIRST + _ONE_DAY * number for number in range((KNOWN_UNTIL - FIRST).days + 1)]
    return {servant.id: {on: _row(on, _rules_of(servant.unit, parents), own.get(servant.id, [])) for on in dates} for servant in servants}


def premises_of(unit: str, units: Iterable[Unit]) -> str:
    """Returns where the people of a unit work."""
    return _rules_of(unit, {each.id: each.parent for each in units}).premises


def instant(on: date, clock: time) -> datetime:
    """Returns the instant at which the ministry's clocks show `clock` on a date."""
    return datetime.combine(on, clock, ZONE)


def _regime(pattern: Pattern, place: int) -> Remote | Flexible | ShiftSchedule:
    if pattern is Pattern.FLEXIBLE:
        return FLEXIBLE
    if pattern is Pattern.REMOTE:
        return Remote(_PLACE, _REMOTE_WEEKDAYS if place % 2 else ())
    return _shifts(place)


def _shifts(place: int) -> ShiftSchedule:
    """Every fourth date a shift: the first eight people keep the nights, the others duties of 24 hours. On Sundays nobody begins."""
    nights = place < 8
    shifts = []
    for number in range((_SHIFTS_UNTIL - FIRST).days + 1):
        on = FIRST + _ONE_DAY * number
        if number % 4 == place % 4 and on.isoweekday() != 7:
            shifts.append(night(on) if nights else Shift(on, time(9), time(9), time(13), time(14)))
    return ShiftSchedule(tuple(shifts))


def night(on: date) -> Shift:
    """Returns the night shift of a date."""
    return Shift(on, time(20), time(8), time(1), time(2))


def _rules_of(unit: str, parents: Mapping[str, str]) -> Rules:
    rules = {each.unit: each for each in RULES}
    while unit and unit not in rules:
        unit = parents[unit]
    return rules[unit]


def _row(on: date, rules: Rules, regimes: Sequence[Assignment]) -> PlanRow:
    holiday, grace = on == PUBLIC_HOLIDAY, int(rules.grace.total_seconds())
    regime = next((each.regime for each in reversed(regimes) if each.since <= on <= each.until), None)
    if isinstance(regime, ShiftSchedule):
        return _shift_row(on, next((each for each in regime.shifts if each.date == on), None), holiday, grace)
    if holiday or on.isoweekday() > 5:
        return PlanRow(on, "public_holiday" if holiday else "day_off", holiday=holiday, grace=grace)
    if isinstance(regime, Flexible):
        rest, core = _laid(on, regime.break_start, regime.break_end), _laid(on, regime.core_start, regime.core_end)
        return PlanRow(on, "flexible", *_laid(on, regime.start, regime.end), rest=rest, core=core, grace=grace)
    start, end = _laid(on, rules.start, rules.end)
    rest = _laid(on, rules.break_start, rules.break_end)
    if isinstance(regime, Remote):
        kind = "combined" if regime.weekdays else "remote"
        away = not regime.weekdays or on.isoweekday() in regime.weekdays
        return PlanRow(on, kind, start, end, "remote" if away else "office", rest, grace=grace)
    return PlanRow(on, "office", start, end, rest=rest, grace=grace)


def _shift_row(on: date, shift: Shift | None, holiday: bool, grace: int) -> PlanRow:
    """Under a schedule of shifts a public holiday is a date like another, and a date without a shift is a day off."""
    if shift is None:
        return PlanRow(on, "day_off", holiday=holiday, grace=grace)
    start, end = _laid(on, shift.start, shift.end)
    rest_on = on + _ONE_DAY if shift.end <= shift.start and shift.break_start < shift.start else on
    return PlanRow(on, "shift", start, end, rest=_laid(rest_on, shift.break_start, shift.break_end), holiday=holiday, grace=grace)


def _laid(on: date, start: time, end: time) -> tuple[datetime, datetime]:
    return instant(on, start), instant(on if end > start else on + _ONE_DAY, end)


def _span(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": start.isoformat(), "end": end.isoformat()}
