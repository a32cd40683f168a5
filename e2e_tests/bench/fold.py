"""The fold in memory: how many passages a second one core makes into whole days, and what a day costs by its reads.

The facts are as the write path has them once its rows are decoded: plans that colleagues share, reads, corrections. Most
days are ordinary ones of two cities; some people come late, forget to badge, add what was missing, or work at night.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

from lawbook import load
from timetracking.workdays.domain import (
    Added,
    Correction,
    Direction,
    Facts,
    Law,
    Place,
    Plan,
    PlanKind,
    PlannedInterval,
    Read,
    workdays,
)
from timetracking.workdays.domain.parameters import law_of

MONDAY = date(2026, 11, 9)
WORKING_DAYS = [MONDAY + timedelta(days=days) for days in range(12) if days not in (5, 6)]
AROUND = [MONDAY + timedelta(days=days) for days in range(-3, 15)]
SERVANTS = 2_000
READS = (1, 2, 4, 8)
DECODED_AT_ONCE = 100
PASSES = 5
ZONES = ("Asia/Almaty", "Asia/Aqtau")
HOUR = 3600
IN, OUT = Direction.IN, Direction.OUT
# Hours of the day at which somebody goes in and out by turns.
WALKS = {
    1: (8.92,),
    2: (8.92, 18.55),
    4: (8.92, 13.04, 14.42, 18.55),
    8: (8.92, 10.9, 11.02, 13.04, 14.42, 16.3, 16.41, 18.55),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A servant's facts, the dates to compute, and the zone of the place."""

    facts: Facts
    dates: Sequence[date]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Cost:
    """The CPU microseconds of a day of so many reads, in each pass: with colleagues' days beside it, and alone."""

    reads: int
    beside_us: Sequence[float]
    alone_us: Sequence[float]


@cache
def midnight(zone: str, day: date) -> int:
    """The instant at which a date begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())


@cache
def plan_of(zone: str, day: date, kind: PlanKind) -> Plan:
    """The plan of all who work alike."""
    at = midnight(zone, day)

    def span(start: float, end: float) -> tuple[int, int]:
        return at + int(start * HOUR), at + int(end * HOUR)

    if kind is PlanKind.SHIFT:
        return Plan(day, kind, (PlannedInterval(*span(20, 29.5), Place.OFFICE),), breaks=(span(24, 25.5),))
    if day.weekday() >= 5:
        return Plan(day, PlanKind.DAY_OFF)
    core = span(10, 16) if kind is PlanKind.FLEXIBLE else None
    return Plan(day, kind, (PlannedInterval(*span(9, 18.5), Place.OFFICE),), breaks=(span(13, 14.5),), core=core)


def reads_of(random: Random, at: int, hours: Sequence[float], number: int) -> list[Read]:
    """The reads of one day: a few minutes around the hours, now and then a door inside, a double read, or a late hour."""
    late = 1800 if random.random() < 0.05 else 0
    found: list[Read] = []
    for place, hour in enumerate(hours):
        moment = at + int(hour * HOUR) + random.randrange(-150, 150) + (late if place == 0 else 0)
        direction = OUT if place % 2 else IN
        perimeter = True
        if found and random.random() < 0.04:
            moment, direction = found[-1].at + random.randrange(1, 30), found[-1].direction
        elif place > 1 and random.random() < 0.04:
            perimeter = False
        found.append(Read(moment, f"gate-{random.randrange(1, 9)}", str(number + place), direction, perimeter, direction))
    return found


def cases(reads_a_day: int, servants: int = SERVANTS) -> Iterator[Case]:
    """Two weeks of as many people; the same every time."""
    random = Random(f"fold {reads_a_day}")
    for number in range(servants):
        zone = ZONES[number % 2]
        kind = random.choices((PlanKind.OFFICE, PlanKind.FLEXIBLE, PlanKind.SHIFT), (84, 8, 8))[0]
        beginning = 11.0 if kind is PlanKind.SHIFT else 0.0
        reads: list[Read] = []
        corrections: list[Correction] = []
        for place, day in enumerate(WORKING_DAYS):
            at = midnight(zone, day) + int(beginning * HOUR)
            reads += reads_of(random, at, WALKS[reads_a_day], number * 1000 + place * 10)
            if random.random() < 0.01:
                corrections.append(Added(at + int(18.5 * HOUR), OUT))
        random.shuffle(reads)
        plans = {day: plan_of(zone, day, kind) for day in AROUND}
        yield Case(Facts(plans, reads=tuple(reads), corrections=tuple(corrections)), WORKING_DAYS, ZoneInfo(zone))


def day_by_day(case: Case) -> Iterator[Case]:
    """The same days each by itself, with the neighbours that it needs: as a passage that has just come has them computed."""
    facts, zone = case.facts, case.zone
    for day in case.dates:
        start, end = (int(midnight(zone.key, day) + days * 24 * HOUR) for days in (-2, 3))
        reads = tuple(read for read in facts.reads if start <= read.at < end)
        corrections = tuple(each for each in facts.corrections if isinstance(each, Added) and start <= each.at < end)
        plans = {near: facts.plans[near] for near in (day + timedelta(days=days) for days in range(-3, 4)) if near in facts.plans}
        yield Case(Facts(plans, reads=reads, corrections=corrections), (day,), zone)


def seconds_for(given: Sequence[Case], law: Law) -> float:
    """The CPU seconds in which this process computes all of them."""
    now = midnight(ZONES[0], MONDAY) + 100 * 24 * HOUR
    began = time.process_time()
    for case in given:
        zone = case.zone
        workdays(case.facts, case.dates, lambda _, zone=zone: zone, law, now)  # type: ignore[misc]
    return time.process_time() - began


def measure(servants: int = SERVANTS) -> Sequence[Cost]:
    """What a day costs at 1, 2, 4 and 8 reads, in several passes over the same days.

    The facts of some people at a time are in the cache still, as those of a transaction are whose rows were decoded just now.
    """
    law, found = law_of(load()), list[Cost]()
    for reads_a_day in READS:
        took, took_alone, days, days_alone = [0.0] * PASSES, [0.0] * PASSES, 0, 0
        people = cases(reads_a_day, servants)
        while given := list(islice(people, DECODED_AT_ONCE)):
            single = [each for case in given[::2] for each in day_by_day(case)]
            days, days_alone = days + sum(len(case.dates) for case in given), days_alone + len(single)
            for turn in range(PASSES):
                took[turn] += seconds_for(given, law)
                took_alone[turn] += seconds_for(single, law)
        found.append(Cost(reads_a_day, [each / days * 1e6 for each in took], [each / days_alone * 1e6 for each in took_alone]))
    return found


if __name__ == "__main__":
    for cost in measure():
        beside, alone = statistics.median(cost.beside_us), statistics.median(cost.alone_us)
        print(
            f"a day of {cost.reads} reads: {beside:.1f} µs beside others, {alone:.1f} µs by itself, {cost.reads / beside * 1e6:,.0f} passages/s"
        )
