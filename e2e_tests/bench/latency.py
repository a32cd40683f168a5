"""From the event to the visible day: 300 passages a second through the gateway, each of a servant who had no day yet.

Each passage has its instant, and the watch runs from there: also while the gate or the bench itself has not come to send it. A
day is visible when a reader finds it: it is looked for in the database, a few times in a tenth of a second. The clock of the
domain goes with real time here. Looks at devices that come after the last day are not waited for.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from ..demo.world import Record
from .figures import Figure, at_most, percentile
from .nation import Nation, Passing, name
from .platform import Platform, platform
from .stand import Stand

A_SECOND, SECONDS, RUN_UP_S = 300, 60, 10
DAY = date(2026, 11, 24)
MORNING_S = 9 * 3600
# Gates tell of what happened five times a second: people do not wait for one another. The watch runs meanwhile.
TICK_S = 0.2
LOOK_EVERY_S = 0.03
GIVE_UP_AFTER_S = 120.0

# Only what was written since the last look: to ask for everybody who waits would cost the more, the more wait.
_NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
_SEEN = "SELECT servant FROM workday_changes WHERE xid >= $1::text::xid8 AND date = $2"


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """A passage: when it happened by the bench's own watch, and after how many seconds its day was seen, or nobody looked any more."""

    happened: float
    seconds: float
    given_up: bool = False


class Stopwatch:
    """When each servant's passage happened, in that order, and when their day was seen."""

    def __init__(self) -> None:
        self.waiting: dict[str, float] = {}
        self.seen: list[Seen] = []

    async def look(self, on: Platform, until: asyncio.Event) -> None:
        """Looks for days until nobody is waited for any more."""
        async with on.ground.owner() as reader:
            since = await reader.fetchval(_NOW)
            while self.waiting or not until.is_set():
                if self.waiting:
                    following = await reader.fetchval(_NOW)
                    rows, now = await reader.fetch(_SEEN, since, on.nation.day), time.perf_counter()
                    for servant in {row["servant"] for row in rows} & self.waiting.keys():
                        happened = self.waiting.pop(servant)
                        self.seen.append(Seen(happened, now - happened))
                    since = following
                    self.give_up(now)
                await asyncio.sleep(LOOK_EVERY_S)

    def give_up(self, now: float) -> None:
        """Waits no longer for those who have been waited for long enough."""
        while self.waiting:
            servant, happened = next(iter(self.waiting.items()))
            if now - happened <= GIVE_UP_AFTER_S:
                return
            del self.waiting[servant]
            self.seen.append(Seen(happened, GIVE_UP_AFTER_S, given_up=True))


async def measure(stand: Stand) -> Sequence[Figure]:
    """Sends for a minute, after a run-up."""
    seconds = stand.size(SECONDS, least=3)
    run_up = min(RUN_UP_S, seconds)
    async with platform(stand, Nation((seconds + run_up) * A_SECOND, DAY)) as on:
        before, began = on.cpu(), time.perf_counter()
        servants = list(range(on.nation.servants))
        Random("latency").shuffle(servants)
        seen = await lived(on, servants, A_SECOND)
        spent = {process: after - before[process] for process, after in on.cpu().items()}
        lasted = time.perf_counter() - began
    counted = seen[run_up * A_SECOND :]
    took = [each.seconds for each in counted]
    return [
        Figure(f"event to visible day, p95, {A_SECOND} passages/s", percentile(took, 0.95), "s", at_most(1)),
        Figure("p50", percentile(took, 0.5), "s"),
        Figure("p99", percentile(took, 0.99), "s"),
        Figure("the longest", max(took), "s"),
        not_seen(counted),
        Figure("cores in use", sum(spent.values()) / lasted, "cores"),
        *(Figure(f"CPU of a passage: {process}", cpu / len(seen) * 1e6, "µs") for process, cpu in spent.items()),
    ]


async def lived(
    on: Platform, servants: Sequence[int], a_second: int, at: int = MORNING_S, stop: asyncio.Event | None = None
) -> Sequence[Seen]:
    """Lets the servants come in one after another, so many a second, from a second of the day on.

    Where there is a `stop`, they go out and come in again by turns until then. Returns what was seen of each one's day, in the
    order in which they came. Each is waited for from the instant at which they were to come: where the bench itself is late,
    that counts too.
    """
    watch, all_sent = Stopwatch(), asyncio.Event()
    began, sent, numbers = time.perf_counter(), 0, dict[str, int]()

    def over() -> bool:
        return stop.is_set() if stop is not None else sent == len(servants)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch.look(on, all_sent))
        async with asyncio.TaskGroup() as sending:
            while not over():
                now = time.perf_counter() - began
                on.step(on.nation.instant(at + int(now)))
                due: dict[str, list[Record]] = {}
                while sent / a_second <= now and not over():
                    servant, place, happened = servants[sent % len(servants)], sent // len(servants), sent / a_second
                    gate = on.nation.gate_of(servant)
                    numbers[gate] = numbers.get(gate, 0) + 1
                    due.setdefault(gate, []).append(on.nation.record(Passing(at + int(happened), servant, place), numbers[gate]))
                    watch.waiting.setdefault(name(servant), began + happened)  # who is waited for still came before
                    sent += 1
                if due:
                    sending.create_task(on.send(due))
                await asyncio.sleep(TICK_S)
        all_sent.set()
    return sorted(watch.seen)


def not_seen(seen: Sequence[Seen]) -> Figure:
    """How many days nobody waited for any longer; in the percentiles each stands with as long as it was waited for."""
    return Figure(f"days not seen within {GIVE_UP_AFTER_S:.0f} s", sum(each.given_up for each in seen), "", at_most(0))
