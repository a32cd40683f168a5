"""Which day an instant belongs to: the border between one date and the next.

Windows are half-open and meet: each instant belongs to exactly one date. A window ends at 04:00 of the next date, but
keeps its distance from the duties on both sides; where they leave no room it ends in the middle between them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from kernel.intervals import Span

from timetracking.workdays.domain.plan import Plan
from timetracking.workdays.domain.words import Order, Parameters

ONE_DAY = timedelta(days=1)
DAY_SECONDS = 86_400
EPOCH = date(1970, 1, 1).toordinal()
# Begins after everything and ends before everything, so that it holds no border.
NO_DUTY: Span = (1 << 62, -(1 << 62))

Zones = Callable[[date], ZoneInfo]
"""The zone of the body's place on a date; tzdata, never a constant: Almaty was at +06:00 before 1 March 2024."""

Law = Callable[[date], Parameters]


@lru_cache(maxsize=65_536)
def civil_instant(zone: ZoneInfo, day: date, seconds: int) -> int:
    """The instant at which the wall clock shows so many seconds after midnight; of two such instants the first."""
    wall = datetime.combine(day, time.min) + timedelta(seconds=seconds)
    return int(wall.replace(tzinfo=zone).timestamp())


@lru_cache(maxsize=65_536)
def nights(zone: ZoneInfo, night: Span, first: int, last: int) -> tuple[Span, ...]:
    """The nights of a zone that touch the dates of UTC from `first` to `last`, which are numbered from 1970 on.

    A night goes from wall time to wall time; `night` gives them in seconds after midnight.
    """
    since, until = night
    found = []
    # One more date on each side holds the civil dates of any zone; a night may have begun on the date before.
    for number in range(first - 2, last + 2):
        day = date.fromordinal(EPOCH + number)
        start, end = civil_instant(zone, day, since), civil_instant(zone, day if since < until else day + ONE_DAY, until)
        if start < (last + 1) * DAY_SECONDS and first * DAY_SECONDS < end:
            found.append((start, end))
    return tuple(found)


def duty(plan: Plan | None, orders: Sequence[Order]) -> Span | None:
    """A date's span and its orders together, from the first start to the last end; None where there is nothing to do."""
    spans = [(order.start, order.end) for order in orders]
    if plan is not None and plan.span is not None:
        spans.append(plan.span)
    return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None


def border_after(day: date, duties: Mapping[date, Span], zone: ZoneInfo, law: Parameters) -> int:
    """The instant at which `day` ends and the next date begins.

    It looks at the duties of the day before, the day, and the two next: the latest end of the first two plus the margin
    is the earliest border, the earliest start of the last two less the margin the latest one.
    """
    following = day + ONE_DAY
    ends = duties.get(day - ONE_DAY, NO_DUTY)[1], duties.get(day, NO_DUTY)[1]
    starts = duties.get(following, NO_DUTY)[0], duties.get(following + ONE_DAY, NO_DUTY)[0]
    earliest, latest = max(ends) + law.border_margin, min(starts) - law.border_margin
    if earliest > latest:
        return (earliest + latest) // 2
    return min(max(civil_instant(zone, following, law.day_border), earliest), latest)


class Windows:
    """The windows of one servant's dates, each computed once."""

    def __init__(self, plans: Mapping[date, Plan], orders: Sequence[Order], zones: Zones, law: Law) -> None:
        self._zones, self._law = zones, law
        self.orders: dict[date, list[Order]] = {}
        for order in orders:
            self.orders.setdefault(order.date, []).append(order)
        self.duties = {day: span for day, plan in plans.items() if (span := plan.span) is not None}
        for day, own in self.orders.items():
            if (span := duty(plans.get(day), own)) is not None:
                self.duties[day] = span
        self._borders: dict[date, int] = {}

    def of(self, day: date) -> Span:
        """The half-open window of a date."""
        return self._after(day - ONE_DAY), self._after(day)

    def holds(self, day: date, at: int) -> bool:
        """Whether an instant belongs to a date."""
        return self._after(day - ONE_DAY) <= at < self._after(day)

    def _after(self, day: date) -> int:
        border = self._borders.get(day)
        if border is None:
            border = self._borders[day] = border_after(day, self.duties, self._zones(day), self._law(day))
        return border
