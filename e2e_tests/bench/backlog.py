"""A region comes back after half a day without a line: 90,000 servants passed four times each, and all of it comes at once.

Meanwhile other people pass as on any afternoon, 300 a second, and want to see their days. Everything goes through the gateway.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import date
from random import Random

from timetracking.passages.consumer import LATE

from ..demo.world import Record
from .figures import Figure, at_most, percentile
from .latency import A_SECOND, lived
from .nation import Nation
from .platform import PATIENCE_S, Platform, TooLong, platform
from .stand import LOOK_AGAIN_S, Stand

SERVANTS, PASSAGES_EACH = 90_000, 4
# Others who pass meanwhile: enough for three minutes.
OTHERS_S = 180
DAY = date(2026, 11, 24)
AFTERNOON_S = 15 * 3600


async def measure(stand: Stand) -> Sequence[Figure]:
    """Begins with live traffic alone, then lets the region's gates send what they kept."""
    late = stand.size(SERVANTS, least=40)
    others = max(4, round(OTHERS_S * min(1.0, stand.scale * 3))) * A_SECOND
    async with platform(stand, Nation(late + others, DAY)) as on:
        live = list(range(late, late + others))
        Random("backlog").shuffle(live)
        stop = asyncio.Event()
        living = asyncio.ensure_future(lived(on, live, A_SECOND, AFTERNOON_S, stop))
        kept = _kept(on.nation, late)
        began = time.perf_counter()
        sent = await on.send(kept)
        taken = time.perf_counter() - began
        stand.say(f"{sent:,} late passages were taken in {taken:.0f} s")
        absorbed = await _absorbed(on, sent) - began
        stop.set()
        took = await living
    return [
        Figure("event to visible day of live traffic meanwhile, p95", percentile(took, 0.95), "s", at_most(5)),
        Figure("p50", percentile(took, 0.5), "s"),
        Figure("p99", percentile(took, 0.99), "s"),
        Figure("live passages meanwhile", len(took), "passages"),
        Figure("late passages", sent, "passages"),
        Figure("until all late passages were stored and their days computed", absorbed, "s"),
        Figure("late passages a second", sent / absorbed, "passages/s"),
    ]


def _kept(nation: Nation, servants: int) -> dict[str, list[Record]]:
    """What the gates of the region kept."""
    found: dict[str, list[Record]] = {}
    for passing in nation.passings():
        if passing.servant < servants and passing.place < PASSAGES_EACH:
            records = found.setdefault(nation.gate_of(passing.servant), [])
            records.append(nation.record(passing, len(records) + 1))
    return found


async def _absorbed(on: Platform, late: int) -> float:
    """Waits until so many late passages are recorded and the days they touch computed; the instant at which that was seen."""
    until, recorded, waits = time.monotonic() + PATIENCE_S, 0.0, True
    while time.monotonic() < until:
        recorded = (await on.metrics("consume")).value("tartip_stream_applied_total", topic=LATE)
        waits = await on.owner.fetchval("SELECT EXISTS (SELECT FROM due_reads WHERE late)")
        if recorded >= late and not waits:
            return time.perf_counter()
        await asyncio.sleep(LOOK_AGAIN_S)
    raise TooLong(f"{recorded:,.0f} of {late:,} late passages are recorded after {PATIENCE_S:.0f} s, days wait: {waits}")
