"""Which day an instant belongs to: the border between one date and the next.

Windows are half-open and meet: each instant belongs to exactly one date. A window ends at 04:00 of the next date, but
keeps its distance from the duties on both sides; where they leave no room it ends in the middle between them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from kernel.intervals import Span

from timetracking.workdays.domain.words import Order, Parameters, Plan

ONE_DAY = timedelta(days=1)

Zones = Callable[[date], ZoneInfo]
"""The zone of the body's place on a date; tzdata, never a constant: Almaty was at +06:00 before 1 March 2024."""

Law = Callable[[date], Parameters]


@lru_cache(maxsize=65_536)
def civil_instant(zone: ZoneInfo, day: date, seconds: int) -> int:
    """The instant at which the wall clock shows so many seconds after midnight; of two such instants the first."""
    wall = datetime.combine(day, time.min) + timedelta(seconds=seconds)
    return int(wall.replace(tzinfo=zone).timestamp())


def duty(plan: Plan | None, orders: Sequence[Order]) -> Span | None:
    """A date's span and its orders together, from the first start to the last end; None where there is nothing to do."""
    starts = [order.start for order in orders]
    ends = [order.end for order in orders]
    if plan is not None and plan.intervals:
        starts.append(plan.intervals[0].start)
        ends.append(plan.intervals[-1].end)
    return (min(starts), max(ends)) if starts else None


def border_after(day: date, duties: Mapping[date, Span], zone: ZoneInfo, law: Parameters) -> int:
    """The instant at which `day` ends and the next date begins.

    It looks at the duties of the day before, the day, and the two next: the latest end of the first two plus the margin
    is the earliest border, the earliest start of the last two less the margin the latest one.
    """
    border = civil_instant(zone, day + ONE_DAY, law.day_border)
    ends = [duties[near][1] for near in (day - ONE_DAY, day) if near in duties]
    starts = [duties[near][0] for near in (day + ONE_DAY, day + 2 * ONE_DAY) if near in duties]
    earliest = max(ends) + law.border_margin if ends else None
    latest = min(starts) - law.border_margin if starts else None
    if earliest is not None and latest is not None and earliest > latest:
        return (earliest + latest) // 2
    if earliest is not None and border < earliest:
        return earliest
    if latest is not None and border > latest:
        return latest
    return border


class Windows:
    """The windows of one servant's dates, each computed once."""

    def __init__(self, plans: Mapping[date, Plan], orders: Sequence[Order], zones: Zones, law: Law) -> None:
        self._zones, self._law = zones, law
        self.orders: dict[date, list[Order]] = {}
        for order in orders:
            self.orders.setdefault(order.date, []).append(order)
        self.duties = {day: span for day in {*plans, *self.orders} if (span := duty(plans.get(day), self.orders.get(day, ()))) is not None}
        self._borders: dict[date, int] = {}

    def of(self, day: date) -> Span:
        """The half-open window of a date."""
        return self._after(day - ONE_DAY), self._after(day)

    def holds(self, day: date, at: int) -> bool:
        """Whether an instant belongs to a date."""
        return self._after(day - ONE_DAY) <= at < self._after(day)

    def _after(self, day: date) -> int:
        if day not in self._borders:
            self._borders[day] = border_after(day, self.duties, self._zones(day), self._law(day))
        return self._borders[day]
