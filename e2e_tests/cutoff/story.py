"""The story: before, cut off, back. The clock goes half an hour at a time and stands still meanwhile.

Some people do not come before Kafka is back: their days show whether what happens now is served before what happened in between. One
badge is given out while Kafka is away. One controller remembers less than it sees.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psutil
from chassis.clock import step
from chassis.testing.client import channel
from google.type.date_pb2 import Date
from tartip.timetracking.v1 import workday_service_pb2 as pb
from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub

from ..bench.figures import Say
from ..chaos.department import NOW, TODAY, Department, Gate, department
from ..chaos.patience import PATIENCE_S, until
from ..chaos.stage import Stage
from ..chaos.traffic import Traffic
from ..chaos.verdict import judged
from ..demo.world import Protocol
from .gates import kept, tried
from .order import Order, order_of

BEAT = timedelta(minutes=30)
# Whoever passes this close to the end of a beat is late at the next one, by ten minutes and more.
QUIET = timedelta(minutes=12)
# A few people come when Kafka is back, and before that a few had come.
LATER, EARLY = 8, 5
# What a gate sees in half an hour: terminals send a hundred lines at once, controllers four events, systems a thousand passages.
SEEN: Mapping[Protocol | None, int] = {Protocol.ADMS: 300, Protocol.ISAPI: 12, None: 600}
# A controller that remembers so little forgets in the first hours.
REMEMBERED, FORGETFUL_SEES = 20, 15
# A gateway that waits eight seconds for Kafka would make an hour of the story a minute; how long it waits changes nothing else.
ANSWER_WITHIN_S = 2.0
LOOK_EVERY_S = 0.1
_WAITING_EVENTS = "SELECT count(*) FROM outbox"
_MISSING = "SELECT count(*) FROM findings WHERE device = $1 AND kind = 'device_missing_numbers' AND state <> 'withdrawn'"
_STORED = "SELECT count(*) FROM passages WHERE device = $1"


@dataclass(frozen=True, slots=True)
class Size:
    """How long and how large: hours by the clock, gates of each protocol, passages that may wait in the gateway, real seconds at least."""

    hours: float = 2.5
    gates: int = 1
    waiting: int = 2_000
    real_s: float = 0.0
    people: int = 120

    @property
    def told(self) -> Mapping[str, str]:
        """What the processes are told for it."""
        return {"TARTIP_GATEWAY_ANSWER_WITHIN_S": str(ANSWER_WITHIN_S), "TARTIP_GATEWAY_WAITING_PASSAGES": str(self.waiting)}

    @property
    def begin(self) -> datetime:
        """When the story begins, so that it ends at noon."""
        return NOW - self.hours * timedelta(hours=1) - BEAT


@dataclass(slots=True)
class Seen:
    """What was seen while Kafka was away, and after."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    readiness: set[tuple[int, int]] = field(default_factory=set)
    others: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    most_waiting: float = 0.0
    resident_before: int = 0
    most_resident: int = 0
    backlog: Mapping[str, int] = field(default_factory=dict)
    events_waiting: int = 0
    forgotten: int = 0
    missing_found: int = 0
    away_s: float = 0.0
    sent_again_s: float = 0.0
    level_s: float = 0.0
    order: Order = field(default_factory=lambda: Order(0, 0))


def people_of(size: Size) -> Department:
    """The department: so many gates of each protocol, and people."""
    return department(size.people, [kind for kind in (Protocol.ADMS, Protocol.ISAPI, None) for _ in range(size.gates)])


async def lived_through(stage: Stage, size: Size, say: Say = lambda _: None) -> Seen:
    """Lives through it and judges: nothing that was taken is lost, nothing is doubled, and what happens now came first."""
    made, forgetful, seen = people_of(size), department(2, [Protocol.ISAPI]), Seen()
    stranger, *others = made.servants
    later, usual = others[:LATER], others[LATER:]
    await stage.announce(made, but=[stranger])
    await stage.announce(forgetful)
    async with AsyncExitStack() as stack:
        traffic = await stack.enter_async_context(stage.connected(made))
        beside = await stack.enter_async_context(stage.connected(forgetful))
        await _before(stage, size, traffic, beside, stranger, usual)
        say(f"{len(made.gates)} gates and a forgetful one: everything flows; now Kafka is away")
        began = time.monotonic()
        stage.kafka.pause()  # a line that is cut says nothing
        await _away(stage, size, traffic, beside, usual, seen)
        say(
            f"{size.hours:g} hours later: {kept(traffic):,} records are kept by their gates; at most {seen.most_waiting:,.0f} waited in the gateway"
        )
        await _served(stage, made, stranger, seen)
        say(f"a badge was given out and its day is answered; {seen.events_waiting} events wait for Kafka")
        await until(lambda: time.monotonic() - began >= size.real_s)
        seen.away_s = time.monotonic() - began
        await _back(stage, traffic, beside, later, seen)
        say(f"Kafka is back after {seen.away_s:.0f} s; all was sent again within {seen.sent_again_s:.0f} s")
    began = time.monotonic()
    await judged(stage, made)
    seen.level_s = time.monotonic() - began
    live, late = ({each: made.badge_of(each) for each in some} for some in (later, usual))
    seen.order = await order_of(stage.inside, live, late, TODAY)
    await _forgotten(stage, forgetful, seen)
    return seen


async def _before(stage: Stage, size: Size, traffic: Traffic, beside: Traffic, stranger: str, usual: Sequence[str]) -> None:
    """Everything flows: people pass each gate, among them one whose badge nobody knows yet."""
    made, at = traffic.department, size.begin
    for gate in made.gates:
        await traffic.send(gate, made.crossings_between(gate, EARLY, usual, at - timedelta(minutes=8), 7 * 60))
    await traffic.send(made.gates[0], [made.passes(made.gates[0], stranger, at - timedelta(seconds=30), inwards=True)])
    [gate] = beside.department.gates
    await beside.send(gate, beside.department.crossings_between(gate, EARLY, beside.department.servants, at - timedelta(minutes=8), 7 * 60))
    await until(stage.applied)


async def _away(stage: Stage, size: Size, traffic: Traffic, beside: Traffic, usual: Sequence[str], seen: Seen) -> None:
    """Half an hour after the other: people pass, and each gate tries. In the last third Kafka's machine ends, and the gateway's with it."""
    made, beats = traffic.department, max(2, round(size.hours * timedelta(hours=1) / BEAT))
    [gate] = beside.department.gates
    beside.vendors[gate].waiting = deque(maxlen=REMEMBERED)
    forgets = beside.vendors[gate].waiting
    seen.resident_before = _resident(stage)
    async with _watched(stage, seen):
        for beat in range(1, beats + 1):
            since = size.begin + (beat - 1) * BEAT
            step(stage.folder / "clock", since + BEAT)
            if beat == beats * 2 // 3 + 1:
                await _restarted(stage)
            within_s = int((BEAT - QUIET).total_seconds())
            passing = {each: made.crossings_between(each, SEEN[each.vendor], usual, since, within_s) for each in made.gates}
            seen_there = beside.department.crossings_between(gate, FORGETFUL_SEES, beside.department.servants, since, within_s)
            answers = await asyncio.gather(*(tried(traffic, each, some) for each, some in passing.items()), tried(beside, gate, seen_there))
            kinds = [_spoken(each) for each in (*passing, gate)]
            seen.answers.update(zip(kinds, answers, strict=True))
            seen.readiness.add(await _says(stage, "gateway"))
    seen.others = {name: await _says(stage, name) for name in ("serve", "consume", "work")}
    step(stage.folder / "clock", NOW)
    seen.backlog = {each.serial: _kept_by(traffic, each) for each in made.gates}
    numbers = {each.number for each in beside.department.recorded} - {int(_number(each.text)) for each in forgets}
    seen.forgotten = len(numbers) - EARLY
    beside.department.recorded[:] = [each for each in beside.department.recorded if each.number <= EARLY or each.number not in numbers]
    assert kept(traffic) == sum(seen.backlog.values()) == len(made.recorded) - EARLY * len(made.gates) - 1, "a gate has forgotten something"


async def _restarted(stage: Stage) -> None:
    """Kafka's machine ends, and the gateway's; another gateway starts, and finds no Kafka."""
    stage.kafka.kill()
    stage.kill("gateway")
    await stage.gone("gateway")
    await stage.begin("gateway")
    await stage.ready("gateway", yes=False)

    async def waits_for_kafka_alone() -> bool:
        async with stage.http.get(f"http://{stage.admin['gateway']}/ready") as answer:
            return list((await answer.json())["waitingFor"]) == ["kafka"]

    await until(waits_for_kafka_alone)


async def _served(stage: Stage, made: Department, stranger: str, seen: Seen) -> None:
    """HR gives a badge out and asks for the day: it is answered, and the events wait in the outbox."""
    [badge] = [each for each in made.badges() if each.parent == f"servants/{stranger}"]
    await stage.assign(badge)
    today = Date(year=TODAY.year, month=TODAY.month, day=TODAY.day)
    async with channel(stage.rpcs, await stage.token()) as opened:
        stub = WorkdayServiceStub(opened)

        async def shown() -> bool:
            answer = await stub.ListWorkdays(pb.ListWorkdaysRequest(parent=f"servants/{stranger}", since=today, until=today))
            return len(answer.workdays) == 1

        await until(shown)
    seen.events_waiting = (await stage.inside.rows(_WAITING_EVENTS))[0][0]


async def _back(stage: Stage, traffic: Traffic, beside: Traffic, later: Sequence[str], seen: Seen) -> None:
    """Kafka is back: gates send what they kept, then people pass. Nothing is recorded until both wait for it side by side."""
    made = traffic.department
    await asyncio.to_thread(stage.kafka.start)
    await stage.ready("gateway")
    async with stage.inside.stopping_at("device_days"):
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(traffic.send(gate, ()) for gate in made.gates), beside.send(beside.department.gates[0], ()))
        seen.sent_again_s = time.monotonic() - began
        for number, servant in enumerate(later):
            gate = made.gates[number % len(made.gates)]
            await traffic.send(gate, [made.passes(gate, servant, NOW - timedelta(seconds=60 + number), inwards=True)])
        assert kept(traffic) == 0
        assert traffic.acknowledged == len(made.recorded)

        async def both_wait() -> bool:
            return await stage.inside.stopped("consume") >= 2

        await until(both_wait)


async def _forgotten(stage: Stage, forgetful: Department, seen: Seen) -> None:
    """What a controller forgot nobody has; that numbers are missing is found."""
    [gate] = forgetful.gates
    assert (await stage.inside.rows(_STORED, gate.serial))[0][0] == len(forgetful.recorded)
    seen.missing_found = (await stage.inside.rows(_MISSING, gate.serial))[0][0]


@asynccontextmanager
async def _watched(stage: Stage, seen: Seen) -> AsyncIterator[None]:
    """Looks again and again how much waits in the gateway and how much memory it has, for the length of the block."""

    async def watch() -> None:
        while True:
            try:
                seen.most_waiting = max(seen.most_waiting, (await stage.metrics("gateway")).value("tartip_gateway_waiting"))
                seen.most_resident = max(seen.most_resident, _resident(stage))
            except (OSError, psutil.Error, KeyError):
                pass  # it is the moment at which one gateway ends and another begins
            await asyncio.sleep(LOOK_EVERY_S)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        done, _ = await asyncio.wait([watching])
        for each in done:
            if not each.cancelled():
                each.result()


def _resident(stage: Stage) -> int:
    return int(psutil.Process(stage.processes["gateway"].pid).memory_info().rss)


async def _says(stage: Stage, name: str) -> tuple[int, int]:
    """What a process answers to /live and to /ready."""
    address = f"http://{stage.admin[name]}"
    async with stage.http.get(f"{address}/live") as live, stage.http.get(f"{address}/ready") as ready:
        return live.status, ready.status


def _spoken(gate: Gate) -> str:
    return "gRPC" if gate.vendor is None else gate.vendor.name


def _kept_by(traffic: Traffic, gate: Gate) -> int:
    return len(traffic.systems[gate].waiting if gate in traffic.systems else traffic.vendors[gate].waiting)


def _number(text: str) -> str:
    return text.partition('"serialNo":')[2].partition(",")[0]
