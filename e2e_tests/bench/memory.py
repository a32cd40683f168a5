"""Whether a consumer's memory stays flat over many passages: in full five million, the day of 90,000 servants again and again.

The day is recorded from prepared messages; then its devices send the same day anew, as they do after outages, until there were
as many. So one in eight is new. What is compared is the most resident memory of the consumer's process in the second half of the days
with the most in the first half: from day to day it swings by a tenth, as memory is given back and taken again; what grows shows there.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import date

import psutil

from .batches import batches, passage, publish
from .figures import Figure, at_least, at_most
from .nation import Nation
from .platform import platform
from .stand import Stand

SERVANTS, PASSAGES, A_MESSAGE, PARTITIONS = 90_000, 5_000_000, 500, 24
TOPIC = "timetracking.passages.v1"
DAY = date(2026, 11, 24)
# Five million take ten minutes on two cores; on a machine four times as slow the day that then runs is the last.
LONGEST_S = 2400.0


async def measure(stand: Stand) -> Sequence[Figure]:
    """Publishes a day, waits until it is done, and does so again."""
    async with platform(stand, Nation(stand.size(SERVANTS, least=20), DAY)) as on:
        process, resident = psutil.Process(on.processes["consume"].pid), list[float]()
        resident.append(_megabytes(process))
        every = [passage(on.nation, each) for each in on.nation.passings()]
        messages = list(batches(every, A_MESSAGE, PARTITIONS))
        on.step(on.nation.instant(24 * 3600 - 1))
        wanted, sent = stand.size(PASSAGES, least=2 * len(every)), 0
        until = time.monotonic() + LONGEST_S
        while sent < wanted and time.monotonic() < until:
            await asyncio.to_thread(publish, on.kafka.bootstrap, TOPIC, messages)
            sent += len(every)
            await on.all_done(sent)
            resident.append(_megabytes(process))
            stand.say(f"{sent:,} of {wanted:,} passages: {resident[-1]:.0f} MB")
    days = resident[1:]
    first, second = days[: (len(days) + 1) // 2], days[len(days) // 2 :]
    return [
        Figure("the most resident memory, second half against first", max(second) / max(first), "×", at_most(1.1)),
        Figure("at the end, against after the first day", days[-1] / days[0], "×"),
        Figure("resident memory when it was ready", resident[0], "MB"),
        Figure("resident memory after the first day", resident[1], "MB"),
        Figure("resident memory at the end", resident[-1], "MB"),
        Figure("the most that was seen after a day", max(resident), "MB"),
        Figure("passages", sent, "passages", at_least(wanted, PASSAGES)),
    ]


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6
