"""Labour-order rules: when and where the people of a body or a unit work (Order 121, point 4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from enum import Enum

from kernel.faults import Malformed, RuleBroken
from lawbook import Lawbook

from regimes.wall_clock import ClockSpan

_A_DAY = 86_400


class WeekType(Enum):
    """The working week; the value is the name of its production calendar in the lawbook."""

    FIVE_DAY = "5-day"
    SIX_DAY = "6-day"


@dataclass(frozen=True, slots=True)
class LabourOrderRules:
    """The rules of a body (`unit` empty) or of a unit; they hold until the next rules of the same unit begin.

    Times are wall times of the body's place; `grace` is in seconds; `sixth_day_end` belongs to a six-day week.
    """

    rules: str
    body: str
    unit: str
    since: date
    week: WeekType
    start: time
    end: time
    pause: ClockSpan | None
    sixth_day_end: time | None
    grace: int
    premises: str
    act: str

    def __post_init__(self) -> None:
        violations: dict[str, str] = {}
        if not self.start < self.end:
            violations["end"] = "must be after start on the same day; work across midnight is a shift schedule"
        if self.pause is not None and not self.start <= self.pause.start < self.pause.end <= self.end:
            violations["break_end"] = "the break must lie inside the day, its end after its start"
        if (self.week is WeekType.SIX_DAY) != (self.sixth_day_end is not None):
            violations["sixth_day_end"] = "belongs to a six-day week, and only to it"
        elif self.sixth_day_end is not None and not self.start < self.sixth_day_end <= self.end:
            violations["sixth_day_end"] = "must be after start and not after end"
        if not 0 <= self.grace <= _A_DAY:
            violations["grace"] = "must not be negative, nor longer than a day"
        if not self.premises.strip():
            violations["premises"] = "must name the premises where the unit works"
        if not self.act.strip():
            violations["act"] = "must name the act that approves the rules"
        if violations:
            raise Malformed({f"labour_order_rules.{field}": text for field, text in violations.items()})

    def hours(self, short: bool) -> tuple[ClockSpan, ClockSpan | None]:
        """Returns the hours and the break of a working day; `short` is the sixth day of a six-day week."""
        end = self.sixth_day_end if short and self.sixth_day_end is not None else self.end
        pause = self.pause if self.pause is not None and self.pause.end <= end else None
        return ClockSpan(self.start, end), pause

    def check(self, law: Lawbook) -> None:
        """Refuses a day or week longer than the law allows, or a break shorter (Labour Code, art. 68, 71, 81)."""
        shortest = int(law.require("working-time/shortest-break", self.since).value)
        longest = int(law.require("working-time/daily-limit", self.since).value)
        normal = int(law.require("working-time/normal-week", self.since).value) * 3600
        days = [self._seconds(short=False, shortest=shortest)] * 5
        if self.week is WeekType.SIX_DAY:
            days.append(self._seconds(short=True, shortest=shortest))
        if max(days) > longest:
            raise RuleBroken("DAILY_LIMIT", "lc-71", self.since, seconds=max(days), limitSeconds=longest)
        if sum(days) > normal:
            raise RuleBroken("WEEKLY_LIMIT", "lc-68", self.since, seconds=sum(days), limitSeconds=normal)

    def _seconds(self, short: bool, shortest: int) -> int:
        day, pause = self.hours(short)
        rest = pause.seconds if pause is not None else 0
        if rest < shortest:
            raise RuleBroken("BREAK_TOO_SHORT", "lc-81", self.since, seconds=rest, limitSeconds=shortest)
        return day.seconds - rest


def in_force(rules: Iterable[LabourOrderRules], body: str, chain: Iterable[str], on: date) -> LabourOrderRules | None:
    """Returns the rules of the nearest unit up the chain that has some on that date; of one unit the latest begun."""
    begun = [each for each in rules if each.body == body and each.since <= on]
    for unit in chain:
        own = [each for each in begun if each.unit == unit]
        if own:
            return max(own, key=lambda each: each.since)
    return None
