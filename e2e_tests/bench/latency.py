"""From the event to the visible day: 300 passages a second through the gateway, each of a servant who had no day yet.

A day is visible when a reader finds it: it is looked for in the database, a few times in a tenth of a second. The clock of
the domain goes with real time here.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import date
from random import Random

from ..demo.world import Record
from .figures import Figure, at_most, percentile
from .nation import Nation, Passing, name
from .platform import Platform, TooLong, platform
from .stand import Stand

A_SECOND, SECONDS, RUN_UP_S = 300, 60, 10
DAY = date(2026, 11, 24)
MORNING_S = 9 * 3600
# Gates tell of what happened five times a second: people do not wait for one another.
TICK_S = 0.2
LOOK_EVERY_S = 0.03
GIVE_UP_AFTER_S = 120.0

# Only what was written since the last look: to ask for everybody who waits would cost the more, the more wait.
_NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
_SEEN = "SELECT servant FROM workday_changes WHERE xid >= $1::text::xid8 AND date = $2"


class Stopwatch:
    """When each servant's passage happened, and when their day was seen."""

    def __init__(self) -> None:
        self.waiting: dict[str, float] = {}
        self.took: list[float] = []

    async def look(self, on: Platform, until: asyncio.Event) -> None:
        """Looks for days until nobody is waited for any more."""
        async with on.ground.owner() as reader:
            since = await reader.fetchval(_NOW)
            while self.waiting or not until.is_set():
                if self.waiting:
                    following = await reader.fetchval(_NOW)
                    rows, now = await reader.fetch(_SEEN, since, on.nation.day), time.perf_counter()
                    self.took += [now - self.waiting.pop(row["servant"]) for row in rows if row["servant"] in self.waiting]
                    since = following
                    if self.waiting and now - min(self.waiting.values()) > GIVE_UP_AFTER_S:
                        raise TooLong(f"{len(self.waiting)} days are not seen after {GIVE_UP_AFTER_S:.0f} s")
                await asyncio.sleep(LOOK_EVERY_S)


async def measure(stand: Stand) -> Sequence[Figure]:
    """Sends for a minute, after a run-up."""
    seconds = stand.size(SECONDS, least=3)
    run_up = min(RUN_UP_S, seconds)
    async with platform(stand, Nation((seconds + run_up) * A_SECOND, DAY)) as on:
        before, began = on.cpu(), time.perf_counter()
        servants = list(range(on.nation.servants))
        Random("latency").shuffle(servants)
        took = await lived(on, servants, A_SECOND)
        spent = {process: after - before[process] for process, after in on.cpu().items()}
        lasted = time.perf_counter() - began
    counted = took[run_up * A_SECOND :]
    return [
        Figure(f"event to visible day, p95, {A_SECOND} passages/s", percentile(counted, 0.95), "s", at_most(1)),
        Figure("p50", percentile(counted, 0.5), "s"),
        Figure("p99", percentile(counted, 0.99), "s"),
        Figure("the longest", max(counted), "s"),
        Figure("cores in use", sum(spent.values()) / lasted, "cores"),
        *(Figure(f"CPU of a passage: {process}", cpu / len(took) * 1e6, "µs") for process, cpu in spent.items()),
    ]


async def lived(
    on: Platform, servants: Sequence[int], a_second: int, at: int = MORNING_S, stop: asyncio.Event | None = None
) -> Sequence[float]:
    """Lets the servants come in one after another, so many a second, from a second of the day on, until all came or `stop`.

    How long each one's day took to be seen, in the order in which they were.
    """
    watch, all_sent = Stopwatch(), asyncio.Event()
    looking = asyncio.ensure_future(watch.look(on, all_sent))
    began, sending, sent, numbers = time.perf_counter(), set[asyncio.Task[int]](), 0, dict[str, int]()
    while sent < len(servants) and not looking.done() and not (stop is not None and stop.is_set()):
        now = time.perf_counter() - began
        on.step(on.nation.instant(at + int(now)))
        due: dict[str, list[Record]] = {}
        for servant in servants[sent : int(now * a_second)]:
            gate = on.nation.gate_of(servant)
            numbers[gate] = numbers.get(gate, 0) + 1
            due.setdefault(gate, []).append(on.nation.record(Passing(at + int(now), servant, 0), numbers[gate]))
            watch.waiting[name(servant)] = time.perf_counter()
        sent += sum(map(len, due.values()))
        if due:
            sending.add(asyncio.ensure_future(on.send(due)))
        await asyncio.sleep(TICK_S)
    await asyncio.gather(*sending)
    all_sent.set()
    await looking
    return watch.took
