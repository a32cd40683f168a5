"""What an event costs with one month of history and with five years: 2,000 servants, 20 million passages.

Both platforms record the same passages of new days, in turn, in prepared messages. What is compared is the CPU time of
consumer, worker and PostgreSQL for a passage, from Kafka to the stored day and the published event.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import date, timedelta
from functools import partial

from .durable import prepared_and_done
from .figures import Figure, at_most, median
from .nation import Nation
from .past import lived_through
from .platform import Platform, platform
from .stand import Stand

SERVANTS, ROUNDS, A_MESSAGE = 2_000, 3, 100
DAY = date(2026, 11, 24)  # a Tuesday: as many working days follow as there are rounds
YESTERDAY = DAY - timedelta(days=4)  # the plans from here on are the nation's own
MONTH, YEARS = timedelta(days=30), timedelta(days=5 * 365)
EVENING_S = 20 * 3600
WHO_WORKS = ("consume", "work", "postgres")


async def measure(stand: Stand) -> Sequence[Figure]:
    """Makes both pasts, then lets both platforms live day after day."""
    nation = Nation(stand.size(SERVANTS, least=20), DAY)
    spans = {"one month": MONTH, "five years": max(2 * MONTH, YEARS * min(1.0, stand.scale))}
    async with AsyncExitStack() as stack:
        on: dict[str, Platform] = {}
        passages: dict[str, int] = {}
        for name, span in spans.items():
            past = partial(lived_through, nation=nation, since=YESTERDAY - span, until=YESTERDAY)
            on[name] = await stack.enter_async_context(platform(stand, nation, past=past))
            on[name].step(nation.instant(EVENING_S))
            passages[name] = await on[name].owner.fetchval("SELECT count(*) FROM passages")
            stand.say(f"{name}: {passages[name]:,} passages")
        cost: dict[str, list[float]] = {name: [] for name in spans}
        for number in range(ROUNDS + 1):
            for name, each in on.items():
                taken = await _cost(each, Nation(nation.servants, DAY + timedelta(days=number)))
                if number:  # the first day only wakes everybody
                    cost[name].append(taken)
            if number:
                stand.say(f"round {number} of {ROUNDS}: " + ", ".join(f"{name} {each[-1]:.0f} µs" for name, each in cost.items()))
    ratios = [many / few for few, many in zip(*cost.values(), strict=True)]
    return [
        median("CPU of a passage, five years against one month", ratios, "×", at_most(1.1)),
        *(median(f"CPU of a passage with {name}", each, "µs") for name, each in cost.items()),
        *(Figure(f"passages of {name}", count, "passages") for name, count in passages.items()),
    ]


async def _cost(on: Platform, lives: Nation) -> float:
    """The CPU microseconds of a passage of the day that is lived."""
    passings = lives.passings()
    before = on.cpu()
    await prepared_and_done(on, lives, passings, A_MESSAGE)
    after = on.cpu()
    return sum(after[name] - before[name] for name in WHO_WORKS) / len(passings) * 1e6
