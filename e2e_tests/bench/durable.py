"""The durable path, from a nation's gates to its stored days: what devices send through the gateway, and prepared messages beside it.

The gates send a national day in their vendors' formats as fast as they are answered; it is done when every passage is
stored, every day it touches is computed from its plan, with its findings, every device is looked at for what it shows, and
every event is in Kafka. The worker looks at busy devices some minutes later: the looks that are left when all days are
computed are made at once, inside the stopwatch. Two consumers share the partitions, as in a region of which one may be away. Prepared
messages go into Kafka beforehand, past gates and gateway, and are done by the same; they are compared with COPY of the same rows into
the same table, which is indexed and partitioned, several times over.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median
from typing import Any

from timetracking.passages.consumer import told_passage

from .batches import batches, passage, publish
from .figures import Figure, at_least
from .nation import WALKS, Nation, Passing
from .platform import Platform, platform
from .stand import Stand

SERVANTS = 90_000
DAY = date(2026, 11, 24)
# Gates send what they have every eight minutes: within the ten after which a passage is late.
SLICE_S = 480
# Prepared passages by the size of their messages: enough of each to run for some seconds.
PREPARED = {500: 150_000, 20: 30_000, 1: 3_000}
TOPIC, PARTITIONS = "timetracking.passages.v1", 24
WHO_TAKES_MESSAGES = ("consume", "work", "looks", "postgres", "kafka")
SAY_EVERY = 50_000
COPIES = 5
COLUMNS = (
    *("device", "event_key", "wall_time", "utc_offset", "badge_system", "badge_number", "direction"),
    *("verify_method", "received_at", "live", "previous_event_number", "raw", "raw_digest"),
)


async def measure(stand: Stand) -> Sequence[Figure]:
    """The national day first, then prepared messages of others."""
    servants, sizes = stand.size(SERVANTS, least=20), {size: stand.size(full, least=2 * size) for size, full in PREPARED.items()}
    # Each size has its own people and, but for one, its own gates: what was looked at for another would be looked at again.
    others = {size: -(-count // (len(WALKS) - 1)) for size, count in sizes.items()}
    async with platform(stand, Nation(servants + sum(others.values()), DAY), consumers=2) as on:
        passings = on.nation.passings()
        figures = await _national_day(stand, on, [each for each in passings if each.servant < servants])
        some, first = dict[int, Sequence[Passing]](), servants
        for size, people in others.items():
            some[size] = [each for each in passings if first <= each.servant < first + people][: sizes[size]]
            first += people
        return [*figures, *await _prepared(stand, on, some)]


async def _national_day(stand: Stand, on: Platform, passings: Sequence[Passing]) -> list[Figure]:
    # What gates hold in their memories when the day begins.
    slices = list(on.nation.slices(passings, SLICE_S))
    before, began, sent, told = on.cpu(), time.perf_counter(), 0, 0
    for until, records in slices:
        on.step(until)
        sent += await on.send(records)
        if sent - told >= SAY_EVERY:
            stand.say(f"{sent:,} of {len(passings):,} passages are sent, {await on.recorded():,} recorded")
            told = sent
    taken = time.perf_counter()
    computed = await on.computed(sent) - began
    unlooked = await on.unlooked()
    seconds = await on.all_done(sent) - began
    after = on.cpu()
    days = await on.owner.fetchval("SELECT count(*) FROM workdays")
    figures = [
        Figure("through the gateway, to stored days, findings and published events", sent / seconds, "passages/s", at_least(10_000)),
        Figure("the same without the looks at devices that were left", sent / computed, "passages/s"),
        Figure("dates of devices that were left to be looked at", unlooked, "dates"),
        Figure("the gateway alone, until all was taken", sent / (taken - began), "passages/s"),
        Figure("passages of the national day", sent, "passages"),
        Figure("days computed", days, "days"),
        Figure("events published", await _published(on), "events"),
    ]
    figures += [Figure(f"CPU of a passage: {name}", (after[name] - before[name]) / sent * 1e6, "µs") for name in after]
    figures.append(Figure("cores in use", sum(after[name] - before[name] for name in after) / seconds, "cores"))
    return figures


async def _prepared(stand: Stand, on: Platform, some: Mapping[int, Sequence[Passing]]) -> list[Figure]:
    """The passages by the size of their messages."""
    rates, spent = dict[int, float](), dict[int, Mapping[str, float]]()
    for size, passings in some.items():
        before = on.cpu()
        rates[size] = await prepared_and_done(on, on.nation, passings, size)
        spent[size] = {name: (after - before[name]) / len(passings) * 1e6 for name, after in on.cpu().items()}
        stand.say(f"{len(passings):,} passages in messages of {size}: {rates[size]:,.0f} passages/s")
    copied = await _copied(stand, on.nation, some[500])
    return [
        Figure("prepared messages of 500", rates[500], "passages/s", at_least(20_000)),
        *(Figure(f"CPU of a passage in messages of 500: {name}", spent[500][name], "µs") for name in WHO_TAKES_MESSAGES),
        Figure("messages of 500 against COPY", rates[500] / copied, "×", at_least(0.15)),
        *(Figure(f"prepared messages of {size}", rate, "passages/s") for size, rate in rates.items() if size != 500),
        Figure("COPY of the same rows into the same table", copied, "rows/s"),
    ]


async def prepared_and_done(on: Platform, nation: Nation, some: Sequence[Passing], size: int) -> float:
    """Puts the passages into Kafka in messages of that size; how many a second were done, until all were."""
    every = [passage(nation, each) for each in some]
    messages = list(batches(every, size, PARTITIONS))
    before, began = await on.recorded(), time.perf_counter()
    await asyncio.to_thread(publish, on.kafka.bootstrap, TOPIC, messages)
    return len(some) / (await on.all_done(before + len(some)) - began)


async def _copied(stand: Stand, nation: Nation, some: Sequence[Passing]) -> float:
    """The same rows by COPY into an empty database's table: rows a second, the median of some times."""
    rows = [_row(told_passage(passage(nation, each))) for each in some]
    async with (await stand.ground()).owner() as owner:
        await owner.execute("SELECT make_passages_month($1)", nation.day)
        rates = list[float]()
        for _ in range(COPIES):
            await owner.execute("TRUNCATE passages")
            began = time.perf_counter()
            await owner.copy_records_to_table("passages", records=rows, columns=COLUMNS)
            rates.append(len(rows) / (time.perf_counter() - began))
        return median(rates)


def _row(told: Any) -> tuple[object, ...]:
    return (
        *(told.device, told.event_key, told.wall_time, told.utc_offset, told.badge_system, told.badge_number, int(told.direction)),
        *(told.verify_method, told.received_at, told.live, told.previous_event_number, told.raw, told.raw_digest),
    )


async def _published(on: Platform) -> int:
    published = await on.metrics("work")
    topics = ("timetracking.workdays.v1", "timetracking.findings.v1")
    return int(sum(offset for (topic,), offset in published.by("tartip_published_offset", "topic").items() if topic in topics))
