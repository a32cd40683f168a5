"""The fold in memory, from decoded rows to whole days: how many passages a second one core computes, in CPU time."""

import asyncio
from collections.abc import Sequence

from . import fold
from .figures import Figure, at_least, median
from .stand import Stand

TARGET = 150_000
RATE = "passages a second a core, 8 reads a day"


async def measure(stand: Stand) -> Sequence[Figure]:
    """Computes the days of two weeks, several times over."""
    costs = await asyncio.to_thread(fold.measure, stand.size(fold.SERVANTS, least=20))
    most = costs[-1]
    figures = [median(RATE, [most.reads / each * 1e6 for each in most.beside_us], "passages/s", at_least(TARGET))]
    for cost in costs:
        figures.append(median(f"a day of {cost.reads} reads, beside others", cost.beside_us, "µs"))
        figures.append(median(f"a day of {cost.reads} reads, by itself", cost.alone_us, "µs"))
    return figures
