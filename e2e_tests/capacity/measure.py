"""Measures on the real stack what a servant costs: `make measure-capacity`.

Two regions of different size live the same days, each on an empty database: what both have in common is there anyway, what the larger
one has more is its servants'. The larger one also rests, has passages come at two paces, gets a day at once as after an outage, and
answers calls. CPU seconds are of the processes themselves, so that others on the machine make it slower and not dearer.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import psutil
from chassis.testing.client import channel
from chassis.urls import plain_url
from google.type.date_pb2 import Date
from sqlalchemy import make_url
from tartip.timetracking.v1 import workday_service_pb2 as pb
from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub

from ..bench.figures import Say
from ..bench.machine import described
from ..bench.nation import Nation, Passing, name
from ..bench.platform import Platform, platform
from ..bench.stand import Stand, stand
from ..chaos.patience import until
from ..demo.world import Record
from .costs import Costs, Curve, Line
from .disks import Disks, looked_at
from .founded import founded
from .resting import resting

DAY = date(2026, 11, 24)
# The first two dates are lived; on the last one servants pass at paces, and then all of it comes at once.
LIVED, LAST, PLANNED = (0, 1), 2, 3
MORNING_S, EVENING_S = 9 * 3600, 20 * 3600
# By then the days before are over.
NEXT_MORNING = timedelta(days=1, hours=4, minutes=30)
# A slice of a day is shorter than the way from one walk of a servant to the next: each passage makes a version of its day.
SLICE_S = 240
TICK_S = 0.25
SAMPLED_EVERY_S = 0.5
OURS = ("gateway", "consume", "work", "serve")
_OPEN = "SELECT count(*) FROM plan_days WHERE NOT settled AND window_end <= $1"
_SYNCS = "SELECT coalesce(sum(fsyncs), 0)::float8 FROM pg_stat_io WHERE object = 'wal'"
_PLAN_DAYS = "SELECT count(DISTINCT date) FROM plan_days"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a measurement is: servants of the two regions, seconds of rest and of each pace, passages a second, calls of each RPC."""

    servants: tuple[int, int] = (250, 1_000)
    rest_s: float = 30.0
    paced_s: float = 40.0
    paces: tuple[int, ...] = (4, 32)
    calls: int = 300


@dataclass(slots=True)
class Region:
    """A region that is measured: how many passages its gates have sent, and the numbers that they gave."""

    on: Platform
    server: Any
    say: Say
    sent: int = 0
    octets: int = 0
    numbers: dict[str, int] = field(default_factory=dict)

    def cpu(self) -> dict[str, float]:
        """CPU seconds by process; what the measurement looks at itself is the worker's work."""
        spent = self.on.cpu()
        spent.pop("devices")
        spent["work"] += spent.pop("looks")
        return spent

    async def send(self, records: Mapping[str, list[Record]]) -> None:
        """Lets the gates send; returns when all is taken."""
        count = await self.on.send(records)
        self.sent += count  # added when it is known: others send meanwhile
        self.octets += sum(len(record.text.encode()) for some in records.values() for record in some)

    def on_date(self, place: int) -> Nation:
        """The nation on one of its dates."""
        return replace(self.on.nation, day=DAY + timedelta(days=place))


async def measured(say: Say, sizes: Sizes) -> Costs:
    """Measures everything; takes some ten minutes in full size."""
    async with stand(1.0, say) as on:
        machine = dict(await described(on))
        async with region(on, sizes.servants[0], say) as small:
            few = await lived(small)
        async with region(on, sizes.servants[1], say) as large:
            many, memory = await lived(large), _Memory(large.on)
            async with memory.watched():
                cores, syncs, at_rest = await paces(large, sizes)
                late = await backlog(large)
                calls, audited = await called(large, sizes.calls, at_rest)
    people = sizes.servants

    def line(of: Callable[[_Days], float]) -> Line:
        return Line([(people[0], of(few)), (people[1], of(many))])

    return Costs(
        machine=machine,
        counts={what: count / people[1] for what, count in many.counts.items()},
        cores=cores,
        syncs=syncs,
        late=late,
        calls=calls,
        memory=memory.seen,
        database={table: line(lambda days, table=table: days.tables.get(table, 0.0)) for table in many.tables},  # type: ignore[misc]
        plans=line(lambda days: days.plans),
        standing=line(lambda days: days.standing),
        wal=line(lambda days: days.wal),
        kafka={topic: line(lambda days, topic=topic: days.topics.get(topic, 0.0)) for topic in many.topics},  # type: ignore[misc]
        audited=audited,
        request=large.octets / large.sent,
        resting=await resting(sizes.rest_s, say),
        founded=await founded(sizes.servants[1], say),
    )


@asynccontextmanager
async def region(stand: Stand, servants: int, say: Say) -> AsyncIterator[Region]:
    """A region whose servants have badges and plans, and whose processes are ready."""
    async with platform(stand, Nation(servants, DAY, PLANNED), serve=True) as on:
        database = make_url(on.ground.urls.worker).database
        server = await asyncpg.connect(plain_url(make_url(on.ground.postgres.url).set(database=database)))
        try:
            yield Region(on, server, say)
        finally:
            await server.close()


@dataclass(frozen=True, slots=True)
class _Days:
    """What the second of the lived days left, in octets and in rows, and what was there before any day."""

    tables: Mapping[str, float]
    topics: Mapping[str, float]
    wal: float
    counts: Mapping[str, int]
    plans: float
    standing: float


async def lived(region: Region) -> _Days:
    """Lives two days; the second one counts, for the first makes files, months and whatever is made once."""
    before = await looked_at(region.on, region.server)
    planned = await region.on.owner.fetchval(_PLAN_DAYS)
    seen = list[Disks]()
    for place in LIVED:
        await _a_day(region, region.on_date(place))
        seen.append(await looked_at(region.on, region.server))
        region.say(f"{region.on.nation.servants} servants lived {DAY + timedelta(days=place)}: {region.sent} passages in all")
    first, second = seen
    return _Days(
        tables={table: max(0.0, octets - first.tables[table]) for table, octets in second.tables.items()},
        topics={topic: octets - first.topics.get(topic, 0.0) for topic, octets in second.topics.items() if octets},
        wal=second.wal - first.wal,
        counts={what: rows - first.rows[what] for what, rows in second.rows.items()},
        plans=before.tables["plan_days"] / planned,
        standing=sum(octets for table, octets in before.tables.items() if table != "plan_days"),
    )


async def _a_day(region: Region, nation: Nation) -> None:
    """Lives a day slice by slice, each to its end, and the night in which its days are closed."""
    for end, records in nation.slices(nation.passings(), SLICE_S, region.numbers):
        region.on.step(end)
        await region.send(records)
        await region.on.computed(region.sent)
        await region.server.execute("CHECKPOINT")  # as often as a server makes one by itself while people pass
    await _closed(region, nation.instant(0) + NEXT_MORNING)


async def _closed(region: Region, at: datetime) -> None:
    region.on.step(at)

    async def none_is_open() -> bool:
        return not await region.on.owner.fetchval(_OPEN, at)

    await until(none_is_open)
    await region.on.all_done(region.sent)


async def paces(region: Region, sizes: Sizes) -> tuple[Mapping[str, Curve], Curve, Mapping[str, float]]:
    """Cores and syncs of the log by passages a second, from rest on; and the cores at rest."""
    region.on.step(region.on_date(LAST).instant(MORNING_S))
    points, syncs, at_rest = list[tuple[float, Mapping[str, float]]](), list[tuple[float, float]](), dict[str, float]()
    for pace in (0, *sizes.paces):
        before, began, sent, synced = region.cpu(), time.perf_counter(), region.sent, await region.server.fetchval(_SYNCS)
        if pace:
            await _paced(region, pace, sizes.paced_s)
        else:
            await asyncio.sleep(sizes.rest_s)
        lasted = time.perf_counter() - began
        cores = {process: (spent - before[process]) / lasted for process, spent in region.cpu().items()}
        points.append(((region.sent - sent) / lasted, cores))
        syncs.append(((region.sent - sent) / lasted, (await region.server.fetchval(_SYNCS) - synced) / lasted))
        region.say(f"{points[-1][0]:.1f} passages/s: " + ", ".join(f"{process} {share:.3f}" for process, share in cores.items()) + " cores")
        at_rest = at_rest or cores
    return {process: Curve([(pace, cores[process]) for pace, cores in points]) for process in at_rest}, Curve(syncs), at_rest


async def _paced(region: Region, pace: int, seconds: float) -> None:
    """Servants pass one after another, so many a second, as it happens; returns when their days are computed."""
    nation, began, count = region.on_date(LAST), time.perf_counter(), 0
    at = MORNING_S + pace * 60  # each pace at minutes of its own
    async with asyncio.TaskGroup() as sending:
        while (now := time.perf_counter() - began) < seconds:
            region.on.step(nation.instant(at + int(now)))
            due: dict[str, list[Record]] = {}
            while count / pace <= now:
                servant = count % nation.servants
                gate = nation.gate_of(servant)
                region.numbers[gate] = region.numbers.get(gate, 0) + 1
                passing = Passing(at + int(count / pace), servant, count // nation.servants)
                due.setdefault(gate, []).append(nation.record(passing, region.numbers[gate]))
                count += 1
            if due:
                sending.create_task(region.send(due))
            await asyncio.sleep(TICK_S)
    await region.on.computed(region.sent)


async def backlog(region: Region) -> Mapping[str, float]:
    """A day comes at once in its evening: CPU seconds of a passage by process. Who has so much to do does not rest beside it."""
    nation = region.on_date(LAST)
    region.on.step(nation.instant(EVENING_S))
    kept: dict[str, list[Record]] = {}
    for _, records in nation.slices(nation.passings(), SLICE_S, region.numbers):
        for gate, some in records.items():
            kept.setdefault(gate, []).extend(some)
    before, began, sent = region.cpu(), time.perf_counter(), region.sent
    await region.send(kept)
    await region.on.all_done(region.sent)
    lasted, count = time.perf_counter() - began, region.sent - sent
    region.say(f"{count} late passages in {lasted:.0f} s")
    return {process: (cpu - before[process]) / count for process, cpu in region.cpu().items()}


async def called(region: Region, count: int, at_rest: Mapping[str, float]) -> tuple[Mapping[str, Mapping[str, float]], float]:
    """CPU seconds of a call by process, for each RPC; and the octets of the audit that an explanation leaves."""
    days, found = [DAY + timedelta(days=place) for place in LIVED], dict[str, Mapping[str, float]]()
    token = region.on.tokens.mint("somebody", ("/nation/hr-officer",))
    audit = Disks({}, 0.0, {}, {})
    async with channel(region.on.rpcs, token) as opened:
        stub: Any = WorkdayServiceStub(opened)

        def named(number: int) -> str:
            return f"servants/{name(number % region.on.nation.servants)}/workdays/{days[0]}"

        def listing(number: int) -> pb.ListWorkdaysRequest:
            since, until = (Date(year=day.year, month=day.month, day=day.day) for day in days)
            return pb.ListWorkdaysRequest(parent=f"servants/{name(number % region.on.nation.servants)}", since=since, until=until)

        asked: Mapping[str, Callable[[int], Awaitable[object]]] = {
            "ListWorkdays": lambda number: stub.ListWorkdays(listing(number)),
            "GetWorkday": lambda number: stub.GetWorkday(pb.GetWorkdayRequest(name=named(number))),
            "ExplainWorkday": lambda number: stub.ExplainWorkday(pb.ExplainWorkdayRequest(name=named(number))),
        }
        for rpc, ask in asked.items():
            await ask(0)
            audit = await looked_at(region.on, region.server)
            before, began = region.cpu(), time.perf_counter()
            for number in range(count):
                await ask(number)
            lasted, after = time.perf_counter() - began, region.cpu()
            found[rpc] = {each: max(0.0, after[each] - before[each] - lasted * at_rest[each]) / count for each in ("serve", "postgres")}
    grown = await looked_at(region.on, region.server)
    tables = [table for table in grown.tables if table.startswith("audit_")]
    return found, sum(grown.tables[table] - audit.tables[table] for table in tables) / count


class _Memory:
    """The most resident memory that was seen of our processes."""

    def __init__(self, on: Platform) -> None:
        self._processes = {each: psutil.Process(on.processes[each].pid) for each in OURS}
        self.seen = dict(self._now())

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Looks now and then for the length of the block."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        while True:
            self.seen = {each: max(self.seen[each], now) for each, now in self._now().items()}
            await asyncio.sleep(SAMPLED_EVERY_S)

    def _now(self) -> Mapping[str, float]:
        return {each: float(process.memory_info().rss) for each, process in self._processes.items()}
