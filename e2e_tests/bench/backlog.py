"""A region comes back after half a day without a line: in full 90,000 servants passed four times each, and all of it comes at once.

Other people, at other gates than the region's, pass as on any afternoon, 300 a second, from some seconds before until the last late
passage is absorbed, and want to see their days. (A gate that comes back sends in order: who passes it then waits for all that it
kept.) Everything goes through the gateway. Where fewer than 400 late passages a second are absorbed, the bench ends
before that, and the live traffic with it. Looks at devices that are still to come are not waited for.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import date
from math import ceil
from random import Random

from timetracking.passages.consumer import LATE

from ..demo.world import Record
from .figures import Figure, at_most, percentile
from .latency import A_SECOND, lived, not_seen
from .nation import A_BODY, Nation
from .platform import Platform, platform
from .stand import Stand

SERVANTS, PASSAGES_EACH = 90_000, 4
# Looking costs those who are looked at: what waits is counted.
WATCHED_EVERY_S = 2.0
# Live traffic alone comes first, of people who come again after three minutes; and so many late passages a second are waited for.
ALONE_S, AGAIN_AFTER_S, SLOWEST, LEAST_S = 5, 180, 400, 30
DAY = date(2026, 11, 24)
AFTERNOON_S = 15 * 3600


async def measure(stand: Stand) -> Sequence[Figure]:
    """Begins with live traffic alone, then lets the region's gates send what they kept."""
    late = stand.size(SERVANTS, least=40)
    longest = max(LEAST_S, ceil(late * PASSAGES_EACH / SLOWEST))
    others = max(4, round(AGAIN_AFTER_S * min(1.0, stand.scale * 3))) * A_SECOND
    first = ceil(late / A_BODY) * A_BODY  # they have other gates than the region
    async with platform(stand, Nation(first + others, DAY)) as on:
        kept = _kept(on.nation, late)
        sent = sum(map(len, kept.values()))
        live = list(range(first, first + others))
        Random("backlog").shuffle(live)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            living = group.create_task(lived(on, live, A_SECOND, AFTERNOON_S, stop))
            await asyncio.sleep(ALONE_S)
            came = time.perf_counter()
            try:
                async with asyncio.timeout(longest):
                    await on.send(kept)
                    stand.say(f"{sent:,} late passages were taken in {time.perf_counter() - came:.0f} s")
                    await _absorbed(on, sent)
            except TimeoutError:
                stand.say(f"{await _left(on, sent):,} late passages are left after {longest} s")
            ended, left, unlooked = time.perf_counter(), await _left(on, sent), await on.unlooked()
            stop.set()
    seen = living.result()
    meanwhile = [each for each in seen if each.happened >= came]
    took = [each.seconds for each in meanwhile]
    return [
        Figure("event to visible day of live traffic meanwhile, p95", percentile(took, 0.95), "s", at_most(5)),
        Figure("p50", percentile(took, 0.5), "s"),
        Figure("p99", percentile(took, 0.99), "s"),
        Figure("p95 before", percentile([each.seconds for each in seen if each.happened < came], 0.95), "s"),
        not_seen(meanwhile),
        Figure("live passages meanwhile", len(took), "passages"),
        Figure("late passages", sent, "passages"),
        Figure("late passages that were absorbed: stored, and their days computed", sent - left, "passages"),
        Figure("until then", ended - came, "s"),
        Figure("late passages a second", (sent - left) / (ended - came), "passages/s"),
        Figure("dates of devices still to be looked at then", unlooked, "dates"),
    ]


def _kept(nation: Nation, servants: int) -> dict[str, list[Record]]:
    """What the gates of the region kept."""
    found: dict[str, list[Record]] = {}
    for passing in nation.passings():
        if passing.servant < servants and passing.place < PASSAGES_EACH:
            records = found.setdefault(nation.gate_of(passing.servant), [])
            records.append(nation.record(passing, len(records) + 1))
    return found


async def _absorbed(on: Platform, late: int) -> None:
    """Waits until none of so many late passages is left."""
    left = late
    while left:
        await asyncio.sleep(WATCHED_EVERY_S)
        left = await _left(on, late)


async def _left(on: Platform, late: int) -> int:
    """How many of so many late passages are not recorded yet, or wait for their days to be computed."""
    recorded = (await on.metrics("consume")).value("tartip_stream_applied_total", topic=LATE)
    waiting = await on.owner.fetchval("SELECT count(*) FROM due_reads WHERE late")
    return min(late, max(0, late - int(recorded)) + int(waiting))
