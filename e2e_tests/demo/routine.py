"""An ordinary day: when people of each pattern come, go to lunch and leave, so that nothing is to be found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random

from .equipment import HOUSE, WAYS_IN, WAYS_OUT
from .plans import CAMPUS, PlanRow, instant
from .world import Device, Direction

IN, OUT = "in", "out"


@dataclass(frozen=True, slots=True, order=True)
class Crossing:
    """Somebody passes a device: the true instant, the holder of the badge, the device, and the way."""

    at: datetime
    holder: str
    device: str
    way: str


@dataclass(frozen=True, slots=True)
class Walk:
    """The crossings of a day, by what they are; None is a crossing that was not read, or not made."""

    came: Crossing | None
    out: Crossing | None = None
    back: Crossing | None = None
    left: Crossing | None = None
    others: tuple[Crossing, ...] = ()

    def through(self, device: str) -> "Walk":
        """The same walk, all of it through one device."""

        def moved(crossing: Crossing | None) -> Crossing | None:
            return replace(crossing, device=device) if crossing is not None else None

        return Walk(moved(self.came), moved(self.out), moved(self.back), moved(self.left))

    def crossings(self) -> list[Crossing]:
        """Returns all of them in order of time."""
        return sorted(each for each in (self.came, self.out, self.back, self.left, *self.others) if each is not None)


@dataclass(frozen=True, slots=True)
class Gates:
    """Through which devices somebody goes: never those that are `closed`; `directed` keeps to those that tell the direction."""

    random: Random
    premises: str
    directed: bool = False
    closed: frozenset[str] = frozenset()

    def way_in(self) -> Device:
        """Returns a device to come in by."""
        return self._one(WAYS_IN[self.premises])

    def way_out(self) -> Device:
        """Returns a device to leave by."""
        return self._one(WAYS_OUT[self.premises])

    def _one(self, devices: Sequence[Device]) -> Device:
        open_ones = [each for each in devices if each.serial not in self.closed]
        return self.random.choice([each for each in open_ones if not self.directed or each.direction is not Direction.ALTERNATING])


def seconds(random: Random, least: int, most: int) -> timedelta:
    """Returns a time between two numbers of seconds."""
    return timedelta(seconds=random.randint(least, most))


def entry(gates: Gates, holder: str, at: datetime) -> Crossing:
    """Returns somebody coming in."""
    return Crossing(at, holder, gates.way_in().serial, IN)


def leaving(gates: Gates, holder: str, at: datetime) -> Crossing:
    """Returns somebody going out."""
    return Crossing(at, holder, gates.way_out().serial, OUT)


def day_at_office(gates: Gates, holder: str, row: PlanRow, lunch_outside: bool | None = None) -> Walk:
    """Returns a day with which nothing is wrong, of an office plan or a flexible one."""
    random = gates.random
    start, end = _hours(row, random)
    assert row.rest is not None
    walk = Walk(
        came=entry(gates, holder, start - seconds(random, 60, 900)),
        left=leaving(gates, holder, end + seconds(random, 5, 590)),
    )
    if lunch_outside if lunch_outside is not None else random.random() < 0.75:
        walk = replace(
            walk,
            out=leaving(gates, holder, row.rest[0] + seconds(random, 10, 470)),
            back=entry(gates, holder, row.rest[1] - seconds(random, 130, 830)),
        )
    return walk


def day_on_shift(gates: Gates, holder: str, row: PlanRow) -> Walk:
    """Returns a shift with which nothing is wrong: nobody leaves the building in its break."""
    assert row.start is not None
    assert row.end is not None
    came = entry(gates, holder, row.start - seconds(gates.random, 250, 710))
    return Walk(came, left=leaving(gates, holder, row.end + seconds(gates.random, 10, 230)))


def into_the_house(random: Random, walk: Walk) -> Walk:
    """Returns the walk with the reads at the door of the house behind the campus gate, which are evidence only."""
    came = [each for each in (walk.came, walk.back) if each is not None and random.random() < 0.5]
    doors = tuple(Crossing(each.at + seconds(random, 70, 200), each.holder, HOUSE.serial, IN) for each in came)
    return replace(walk, others=(*walk.others, *doors))


def is_campus(premises: str) -> bool:
    """Whether the people of the premises have a door behind the gate."""
    return premises == CAMPUS


def _hours(row: PlanRow, random: Random) -> tuple[datetime, datetime]:
    """Returns when the day is begun and ended: by the plan, or of a flexible one as the person likes."""
    assert row.start is not None
    assert row.end is not None
    if row.core is None:
        return row.start, row.end
    early = random.random() < 0.5
    return instant(row.date, time(8) if early else time(9)), instant(row.date, time(17, 30) if early else time(18, 30))
