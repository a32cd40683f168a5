"""What an event costs with one month of history and with years: in full 2,000 servants, five years, 20 million passages.

Both platforms, each on a PostgreSQL of its own, record the same passages of new days, in turn, in prepared messages. What is compared is
the CPU time of consumer, worker, looks at devices and their own PostgreSQL for a passage, from Kafka to the stored day and the published event.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import date, timedelta
from functools import partial

from .durable import prepared_and_done
from .figures import Figure, at_most, median
from .nation import Nation
from .past import lived_through
from .platform import Platform, platform
from .stand import Stand

SERVANTS, ROUNDS, A_MESSAGE = 2_000, 7, 100
DAY = date(2026, 11, 17)  # a Tuesday: as many working days follow in its month as there are rounds
YESTERDAY = DAY - timedelta(days=4)  # the plans from here on are the nation's own
MONTH, YEARS = timedelta(days=30), timedelta(days=5 * 365)
# The clock stands there: whole days that come later are open, as each is on its own evening.
EVENING_S = 20 * 3600
WHO_WORKS = ("consume", "work", "looks", "postgres")


async def measure(stand: Stand) -> Sequence[Figure]:
    """Makes both pasts, then lets both platforms live day after day."""
    rounds = stand.rounds(ROUNDS)
    days = _working_days(rounds + 1)
    nation = Nation(stand.size(SERVANTS, least=20), DAY, (days[-1] - DAY).days + 1)
    lives = [Nation(nation.servants, day) for day in days]
    longer = max(2 * MONTH, YEARS * min(1.0, stand.scale))
    spans = {"one month": MONTH, said(longer): longer}
    async with AsyncExitStack() as stack:
        on: dict[str, Platform] = {}
        passages: dict[str, int] = {}
        for name, span in spans.items():
            past = partial(lived_through, nation=nation, since=YESTERDAY - span, until=YESTERDAY)
            on[name] = await stack.enter_async_context(platform(stand, nation, past=past, alone=True))
            on[name].step(nation.instant(EVENING_S))
            passages[name] = await on[name].owner.fetchval("SELECT count(*) FROM passages")
            stand.say(f"{name}: {passages[name]:,} passages")
        cost, in_postgres = ({name: list[float]() for name in spans} for _ in range(2))
        for number, life in enumerate(lives):
            # Each begins as often as the other: what goes on in the machine meanwhile falls on both.
            for name in list(on)[:: 1 if number % 2 else -1]:
                taken = await _cost(on[name], life)
                if number:  # the first day only wakes everybody
                    cost[name].append(sum(taken.values()))
                    in_postgres[name].append(taken["postgres"])
            if number:
                stand.say(f"round {number} of {rounds}: " + ", ".join(f"{name} {each[-1]:.0f} µs" for name, each in cost.items()))
    ratios = [many / few for few, many in zip(*cost.values(), strict=True)]
    return [
        median(f"CPU of a passage, {said(longer)} against one month", ratios, "×", at_most(1.1, tolerance=0.1)),
        *(median(f"CPU of a passage with {name}", each, "µs") for name, each in cost.items()),
        *(median(f"PostgreSQL's part with {name}", each, "µs") for name, each in in_postgres.items()),
        *(Figure(f"passages of {name}", count, "passages") for name, count in passages.items()),
    ]


def said(span: timedelta) -> str:
    """A span in words: whole years, or its days."""
    years, days = divmod(span.days, 365)
    return f"{years} years" if years > 1 and not days else f"{span.days:,} days"


def _working_days(count: int) -> Sequence[date]:
    following = (DAY + timedelta(days=offset) for offset in range(2 * count))
    return [day for day in following if day.weekday() < 5][:count]


async def _cost(on: Platform, lives: Nation) -> Mapping[str, float]:
    """The CPU microseconds of a passage of the day that is lived, by who spent them."""
    passings = lives.passings()
    before = on.cpu()
    await prepared_and_done(on, lives, passings, A_MESSAGE)
    after = on.cpu()
    return {name: (after[name] - before[name]) / len(passings) * 1e6 for name in WHO_WORKS}
