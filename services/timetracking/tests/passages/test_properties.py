"""Days are a function of a set: whatever comes, in whatever order, batches and repetitions, alone or at once.

What is stored in PostgreSQL is compared with `workdays` in memory, over facts that are put together here without the
service's repositories.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pytest
from chassis.testing.tokens import caller
from timetracking.badges.domain import Badge
from timetracking.devices.domain import Device, DeviceDirection, Role
from timetracking.findings.domain import State as FindingState
from timetracking.passages.domain import Passage
from timetracking.plans.domain import MonthPlan, OrderTold, PlannedDay
from timetracking.workdays.domain import Direction, Facts, Read, State, WorkdayContent, short_rests, workdays
from timetracking.workdays.domain.parameters import law_of

from ..platform import LAW, Platform
from ..samples import NOVEMBER, ZONE, at, device, off, office, order, passage, remote, second, servant, settings

STREAMS = 24
HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
NOW = "2026-11-27T12:00"
FIRST = date(2026, 11, 18)
DATES = [FIRST + timedelta(days=n) for n in range(12)]
# The nights on either side have plans too, or none, as it happens.
EDGES = ("04:00:00", "08:00:00", "09:00:00", "09:00:00", "13:00:00", "14:30:00", "18:30:00", "18:30:00", "20:00:00", "21:00:00")
NUDGES = (0, 0, 1, -1, 30, 59, 60, 61, -60, 300, -300, 3600, -3600, 7200)
KINDS = {
    "gate": settings(),
    "in": settings(direction=DeviceDirection.IN),
    "out": settings(direction=DeviceDirection.OUT),
    "alternating": settings(direction=DeviceDirection.ALTERNATING),
    "house": settings(role=Role.INTERNAL),
    "fast": settings(utc_offset=6 * 3600),
    "zoned": settings(zone="Asia/Almaty"),
}
Job = Callable[[Platform], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Stream:
    """All that concerns two servants, who hand one of their badges on to each other."""

    passages: Sequence[Passage]
    devices: Mapping[str, Device]
    badges: Sequence[Badge]
    plans: Sequence[MonthPlan]
    orders: Sequence[OrderTold]

    def jobs(self, rng: random.Random) -> list[Job]:
        """Everything that happens, in some order: batches of passages with repetitions among it."""
        passages = [*self.passages, *rng.choices(self.passages, k=rng.randrange(8))]
        rng.shuffle(passages)
        jobs: list[Job] = []
        while passages:
            batch = [passages.pop() for _ in range(min(rng.choice((1, 2, 5, 20)), len(passages)))]
            jobs.append(lambda to, batch=batch: to.record(batch) if rng.random() < 0.3 else to.store(batch))  # type: ignore[misc]
        jobs += [lambda to: to.compute_reads()] * 4
        jobs += [lambda to, each=each: to.enrol(HR, each) for each in self.devices.values()]  # type: ignore[misc]
        jobs += [lambda to, each=each: to.assign(HR, each) for each in self.badges]  # type: ignore[misc]
        jobs += [lambda to, each=each: to.take_plans([each]) for each in (*self.plans, *rng.choices(self.plans, k=1))]  # type: ignore[misc]
        jobs += [lambda to, each=each: to.take_orders([each]) for each in self.orders]  # type: ignore[misc]
        rng.shuffle(jobs)
        return jobs

    def expected(self, servant: str) -> list[WorkdayContent]:
        """The servant's days by the domain alone."""
        reads = [read for each in self.passages if (read := self._read(each, servant)) is not None]
        newest = max((plan for plan in self.plans if plan.servant == servant), key=lambda plan: plan.revision, default=None)
        orders = tuple(each.content for each in self.orders if each.servant == servant and each.in_force)
        facts = Facts({day.plan.date: day.plan for day in (newest.days if newest else ())}, orders, tuple(reads))
        return workdays(facts, DATES, lambda _: ZONE, law_of(LAW), second(NOW))

    def _read(self, each: Passage, servant: str) -> Read | None:
        if each.device not in self.devices:
            return None
        rules = self.devices[each.device].settings[0]
        hours = 6 if rules.utc_offset else 5 if rules.zone or each.utc_offset is None else each.utc_offset // 3600
        instant = int((each.wall_time - datetime(1970, 1, 1)).total_seconds()) - hours * 3600
        if not any(held.servant == servant and _holds(held, each, instant) for held in self.badges):
            return None
        fixed = {"in": Direction.IN, "out": Direction.OUT, "alternating": Direction.NONE}
        own = fixed.get(rules.direction, each.direction)
        return Read(instant, each.device, each.event_key, own, rules.role is Role.PERIMETER, each.direction)


def saying(days: Iterable[WorkdayContent]) -> dict[date, WorkdayContent]:
    """The days that say something: one that was planned once stays, and one that never was does not begin."""
    return {day.date: day for day in days if day.state is State.COMPUTED or day.reads or day.stays}


def _holds(badge: Badge, each: Passage, instant: int) -> bool:
    until = badge.until.timestamp() if badge.until else float("inf")
    return badge.number == each.badge_number and badge.since.timestamp() <= instant < until


def stream(seed: int) -> Stream:
    rng = random.Random(seed)
    people = [f"{seed}-a", f"{seed}-b"]
    serials = {kind: f"{kind}-{seed}" for kind in (*KINDS, "stranger")}
    # Many reads of few dates: what a day shows follows from how they lie to one another.
    dense = rng.sample(DATES, 4)
    walls = [
        datetime.fromisoformat(f"{rng.choice(dense)}T{rng.choice(EDGES)}") + timedelta(seconds=rng.choice(NUDGES))
        for _ in range(rng.randrange(8, 50))
    ]
    passages = [
        passage(
            wall.isoformat(),
            rng.choice(("in", "out", "in", "out", "none")),
            f"{seed}/{rng.choice('1111223')}",
            serials[rng.choice((*KINDS, *["gate"] * 8, "stranger"))],
            key=rng.choice((None, str(rng.randrange(12)))),
            offset=rng.choice((5 * 3600, 5 * 3600, 6 * 3600, None)),
        )
        for wall in walls
    ]
    handed_on = at(f"{rng.choice(DATES)}T{rng.choice(EDGES)}")
    badges = [
        Badge(f"{seed}/1a", "hq", f"{seed}/1", people[0], at("2026-11-01T00:00"), handed_on),
        Badge(f"{seed}/1b", "hq", f"{seed}/1", people[1], handed_on),
        Badge(f"{seed}/2", "hq", f"{seed}/2", people[0], at("2026-11-20T12:00")),
    ]
    plans = [MonthPlan(each, NOVEMBER, _month(rng), revision, "e") for each in people for revision in (1, 2) if rng.random() < 0.8]
    orders = []
    for n in range(rng.randrange(4)):
        day = rng.choice(dense)
        told = order(f"{day}T18:30", f"{day}T21:00", f"{seed}/{n}", rng.choice(people), in_force=rng.random() < 0.8)
        orders.append(replace(told, content=replace(told.content, end=told.content.end + 600 * rng.randrange(12))))
    return Stream(passages, {serials[kind]: device(serials[kind], "KGD", rule) for kind, rule in KINDS.items()}, badges, plans, orders)


def _month(rng: random.Random) -> tuple[PlannedDay, ...]:
    days = []
    for day in DATES[:-1]:
        kind = rng.random()
        if kind > 0.1:
            days.append((night if kind < 0.3 else off if kind < 0.4 else remote if kind < 0.5 else office)(day))
    return tuple(days)


def night(day: date) -> PlannedDay:
    """A shift 20:00–08:00."""
    like = remote(FIRST)
    interval = replace(office(FIRST).plan.intervals[0], start=second(f"{day}T20:00"), end=second(f"{day}T20:00") + 12 * 3600)
    plan = replace(office(FIRST).plan, date=day, intervals=(interval,), breaks=())
    return replace(like, plan=plan, details=office(FIRST).details)


@pytest.fixture
async def platform(told: Platform) -> Platform:
    told.now = at(NOW)
    return told


@pytest.mark.parametrize("recorders", [1, 3], ids=["one after another", "at once"])
async def test_stored_days_are_those_of_the_set(platform: Platform, recorders: int) -> None:
    streams = {seed: stream(seed) for seed in range(STREAMS // 2 * (recorders > 1), STREAMS // 2 * (1 + (recorders > 1)))}
    await platform.take_servants([servant(f"{seed}-{who}") for seed in streams for who in "ab"])
    for seed, drawn in streams.items():
        jobs = iter(drawn.jobs(random.Random(seed)))

        async def work(jobs: Iterator[Job] = jobs) -> None:
            for job in jobs:
                await job(platform)

        await asyncio.gather(*(work() for _ in range(recorders)))
    await platform.do_what_is_due()
    while await platform.close():
        pass
    for seed, drawn in streams.items():
        for id in (f"{seed}-a", f"{seed}-b"):
            stored = [kept.content for day, kept in (await platform.days(id)).items() if day in DATES]
            days = drawn.expected(id)
            assert saying(stored) == saying(days), f"stream {seed}, {id}"
            assert await raised(platform, id) == found(days), f"stream {seed}, {id}"


async def raised(platform: Platform, id: str) -> set[tuple[date, str, int, int]]:
    """The findings that stand."""
    claims = [each.claim for each in await platform.findings(id) if each.state is not FindingState.WITHDRAWN]
    return {(each.date, each.kind, each.first, each.seconds) for each in claims}


def found(days: Sequence[WorkdayContent]) -> set[tuple[date, str, int, int]]:
    """What the days show, and the pairs of them."""
    of_days = {(day.date, each.kind.value, each.first, each.seconds) for day in days for each in day.findings}
    return of_days | {(each.dates[0], "rest_too_short", each.end_of_work, each.seconds) for each in short_rests(days, law_of(LAW))}
