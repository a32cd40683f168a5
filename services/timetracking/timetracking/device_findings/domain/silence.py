"""Silence: a device of a perimeter that nobody passes, though by the plans of its premises people should.

No device says that it is silent. What can be known is that nothing was read between two reads, or since the last one, over
more working time than a parameter allows (devices/silent-after), while many people were to come or go. A gate that is
little used has hours without a read every day; that alone says nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from kernel.intervals import Span, less, total, union, within

from timetracking.device_findings.domain.reads import RULE, SILENT, DeviceRead, in_order, key_of
from timetracking.devices.domain import Device, DeviceDirection, Role
from timetracking.findings.domain import Claim
from timetracking.plans.domain import PlanDetails
from timetracking.workdays.domain import Direction, Place, Plan

Day = date

# The dates whose busiest moment says how many people make working time, either way: a week, so that days off are among busy ones.
AROUND = 7


@dataclass(frozen=True, slots=True)
class Crowd:
    """People with one plan on a date at some premises: how many, when they are to be in, when they come and when they go."""

    date: Day
    people: int
    present: tuple[Span, ...]
    comes: int
    goes: int


@dataclass(frozen=True, slots=True)
class SilenceLaw:
    """`after` is the working time that a device may be without a read; `margin` how far around a duty its reads lie. Seconds."""

    after: int
    margin: int


@dataclass(frozen=True, slots=True)
class Pause:
    """The time from a read of a device to the next one, or to the end of what is looked at: then it is `open`."""

    read: DeviceRead
    end: int
    open: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """A device with the people of its premises; `direction` is the way in which it is passed, none where it is both."""

    device: str
    zone: ZoneInfo
    direction: Direction
    crowds: Sequence[Crowd]


def pauses(reads: Iterable[DeviceRead], since: int | None, until: int, *, goes_on: bool) -> list[Pause]:
    """The pauses between the reads in a row from `since` on (None: from the first one), and up to `until`.

    With `goes_on` nothing was read after the last of them, and `until` is as far as anybody can look.
    """
    seen = in_order(read for read in reads if since is None or read.at >= since)
    found = [Pause(read, min(after.at, until)) for read, after in pairwise(seen)]
    if goes_on and seen:
        found.append(Pause(seen[-1], until, open=True))
    return [each for each in found if each.read.at < each.end]


def watched(device: Device, pause: Pause, zone: ZoneInfo) -> tuple[str, Direction] | None:
    """The premises and the way of passing that hold over a pause; None for a device that stands inside.

    Those of the read before it; in an open one those that have begun since by wall time: a device that was taken from the
    perimeter is not waited for.
    """
    settings = device.settings_for(pause.read.event_key, pause.read.wall_time)
    if pause.open:
        wall_time = datetime.fromtimestamp(pause.end, zone).replace(tzinfo=None)
        begun = [each for each in device.settings if each.since_wall_time is not None and each.since_wall_time <= wall_time]
        settings = max([settings, *begun], key=device.settings.index)
    if settings.role is not Role.PERIMETER:
        return None
    ways = {DeviceDirection.IN: Direction.IN, DeviceDirection.OUT: Direction.OUT}
    return settings.premises, ways.get(settings.direction, Direction.NONE)


def crowd_of(plan: Plan, details: PlanDetails, premises: str, people: int) -> Crowd | None:
    """What a plan that so many people have says of the premises; None where nobody is to be there."""
    office = union(
        (each.start, each.end)
        for each, where in zip(plan.intervals, details.premises, strict=True)
        if each.place is Place.OFFICE and where == premises
    )
    due = less(office, union(plan.excused))
    present = tuple(less(due, union(plan.breaks)))
    if not present:
        return None
    return Crowd(plan.date, people, present, due[0][0], due[-1][1])


def working_time(crowds: Iterable[Crowd]) -> list[Span]:
    """The seconds in which at least half as many people are to be in as in the busiest moment of a week either way.

    So the night watch of an office makes no working time, and neither does the shift that comes on a day off.
    """
    of_day = _of_day(crowds)
    peaks = _peaks(of_day)
    return union(*([(start, end) for start, end, people in _counted(each) if 2 * people >= peaks[day]] for day, each in of_day.items()))


def silences(watch: Watch, waits: Iterable[Pause], law: Callable[[Day], SilenceLaw]) -> list[Claim]:
    """The silences among the pauses of a device.

    A silence holds more working time than the law allows; and on some date at least half of the busiest moment's people were
    to come or go, in the direction in which the device is passed, further than the margin from both ends of the pause.
    `first` is its first working second, `last` the end of its last one, `seconds` the working time in it.
    """
    working = working_time(watch.crowds)
    of_day = _of_day(watch.crowds)
    peaks = _peaks(of_day)
    claims = []
    for wait in waits:
        inside = within(working, wait.read.at, wait.end)
        if not inside:
            continue
        first, last = inside[0][0], inside[-1][1]
        day = datetime.fromtimestamp(first, watch.zone).date()
        allowed = law(day)
        if total(inside) > allowed.after and _unseen(watch, of_day, peaks, (wait.read.at + allowed.margin, wait.end - allowed.margin)):
            proof = (key_of(watch.device, wait.read),)
            claims.append(Claim(watch.device, SILENT, day, first, total(inside), RULE, last=last, reads=proof))
    return claims


def silent_from(watch: Watch, pause: Pause, law: Callable[[Day], SilenceLaw]) -> int | None:
    """The first instant at which a pause that goes on could be a silence, by the plans that are known; None where they do not reach."""
    spent = 0
    for start, end in working_time(watch.crowds):
        start = max(start, pause.read.at)
        if start < end:
            after = law(datetime.fromtimestamp(start, watch.zone).date()).after
            if spent + end - start > after:
                return start + after - spent
            spent += end - start
    return None


def _unseen(watch: Watch, of_day: Mapping[Day, Sequence[Crowd]], peaks: Mapping[Day, int], span: Span) -> bool:
    """Whether many people of one date were to pass in the device's direction within the span."""

    def passing(crowd: Crowd) -> int:
        ways = ((Direction.IN, crowd.comes), (Direction.OUT, crowd.goes))
        return sum(span[0] < at < span[1] and watch.direction in (Direction.NONE, way) for way, at in ways) * crowd.people

    return any(2 * sum(map(passing, each)) >= peaks[day] for day, each in of_day.items())


def _of_day(crowds: Iterable[Crowd]) -> dict[Day, list[Crowd]]:
    of_day: dict[Day, list[Crowd]] = {}
    for crowd in crowds:
        of_day.setdefault(crowd.date, []).append(crowd)
    return of_day


def _counted(crowds: Iterable[Crowd]) -> list[tuple[int, int, int]]:
    """(start, end, how many are to be in) of a date, where anybody is."""
    changes: dict[int, int] = {}
    for crowd in crowds:
        for start, end in crowd.present:
            changes[start] = changes.get(start, 0) + crowd.people
            changes[end] = changes.get(end, 0) - crowd.people
    counted, people = [], 0
    for start, end in pairwise(sorted(changes)):
        people += changes[start]
        if people:
            counted.append((start, end, people))
    return counted


def _peaks(of_day: Mapping[Day, Sequence[Crowd]]) -> dict[Day, int]:
    """How many people are to be in at once in the busiest moment around each date."""
    busiest = {day: max((people for *_, people in _counted(each)), default=0) for day, each in of_day.items()}
    return {day: max(most for near, most in busiest.items() if abs(near - day) <= timedelta(days=AROUND)) for day in of_day}
