"""The fold in memory, from decoded rows to whole days: how many passages a second one core computes, in CPU time."""

import asyncio
from collections.abc import Sequence
from typing import Any

from . import fold
from .figures import Figure, at_least
from .stand import Stand

TARGET = 150_000
RATE = "passages a second a core, 8 reads a day"


async def measure(stand: Stand) -> Sequence[Figure]:
    """Computes the days of two weeks, several times over."""
    found: dict[str, Any] = await asyncio.to_thread(fold.measure, stand.size(fold.SERVANTS, least=20))
    together, alone, spread = (found[each] for each in ("microseconds_per_day", "microseconds_per_day_alone", "slowest_to_best"))
    figures = [Figure(RATE, found["passages_per_second_per_core"], "passages/s", at_least(TARGET), spread[8] - 1)]
    for reads, microseconds in together.items():
        figures.append(Figure(f"a day of {reads} reads, beside others", microseconds, "µs", spread=spread[reads] - 1))
        figures.append(Figure(f"a day of {reads} reads, by itself", alone[reads], "µs"))
    return figures
