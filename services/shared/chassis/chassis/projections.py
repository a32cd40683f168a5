"""What a service knows of others' topics, and whether it knows enough to answer.

A projection is level once it has applied what its topics held when it was first followed. The consumer writes its
positions down; every process of the service can read them, also after restarts.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial

from kernel.faults import Unavailable

from chassis.brokers import Brokers
from chassis.database import Database, Transaction
from chassis.positions import Extent, Partition
from chassis.supervision import paused, unless

BEHIND = "PROJECTION_BEHIND"
# How often positions are written down: a call waits at most so long beyond what was applied.
EVERY_S = 0.25

_BEGIN = """
INSERT INTO projection_positions (topic, partition, start_offset, applied)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) ON CONFLICT DO NOTHING
"""
_ADVANCE = """
UPDATE projection_positions AS held SET applied = new.applied
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS new (topic, partition, applied)
WHERE held.topic = new.topic AND held.partition = new.partition AND held.applied < new.applied
"""
# The first of the topics in parameter {topics} that was not applied up to its start, NULL where there is none.
FIRST_BEHIND = """(
    SELECT needed.topic FROM unnest({topics}::text[]) WITH ORDINALITY AS needed (topic, place)
    LEFT JOIN projection_positions held ON held.topic = needed.topic
    GROUP BY needed.topic, needed.place HAVING NOT coalesce(bool_and(held.applied >= held.start_offset), false)
    ORDER BY needed.place LIMIT 1
)"""
_LEVEL = "SELECT " + FIRST_BEHIND.format(topics="$1")
_APPLIED = "SELECT topic, partition, applied FROM projection_positions"
_DEMAND = """
UPDATE projection_positions AS held SET start_offset = new.goal
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS new (topic, partition, goal)
WHERE held.topic = new.topic AND held.partition = new.partition AND held.start_offset < new.goal
"""
_FORGET = "DELETE FROM projection_positions WHERE topic = ANY ($1)"


async def require_level(transaction: Transaction, *topics: str) -> None:
    """Refuses with Unavailable PROJECTION_BEHIND, naming the first topic that was not applied up to its start."""
    refuse_behind(await (await transaction.driver()).fetchval(_LEVEL, topics))


def refuse_behind(topic: str | None) -> None:
    """Refuses with Unavailable PROJECTION_BEHIND where a topic is named: what a query found by FIRST_BEHIND."""
    if topic is not None:
        raise Unavailable(BEHIND, topic=topic)


async def begin(database: Database, extents: Mapping[Partition, Extent]) -> None:
    """Sets the goal: what all partitions of the topics hold now. A goal that was set before stays."""
    places = sorted(extents)
    topics, numbers = [topic for topic, _ in places], [number for _, number in places]
    async with database.transaction() as transaction:
        driver = await transaction.driver()
        await driver.execute(_BEGIN, topics, numbers, [extents[each].end for each in places], [extents[each].start for each in places])


async def advance(database: Database, positions: Mapping[Partition, int]) -> None:
    """Writes down the next offset to apply of each partition; it never goes back."""
    places = sorted(positions)
    async with database.transaction() as transaction:
        driver = await transaction.driver()
        await driver.execute(
            _ADVANCE, [topic for topic, _ in places], [number for _, number in places], [positions[each] for each in places]
        )


async def applied(transaction: Transaction) -> Mapping[Partition, int]:
    """The next offset to apply of each partition, as it was written down last: all below is in the database."""
    rows = await (await transaction.driver()).fetch(_APPLIED)
    return {(row["topic"], row["partition"]): row["applied"] for row in rows}


async def demand(transaction: Transaction, extents: Mapping[Partition, Extent]) -> None:
    """Raises the goals to what the partitions hold now: a database that came back from a backup knows less than it once did."""
    places = sorted(extents)
    topics, numbers = [topic for topic, _ in places], [number for _, number in places]
    await (await transaction.driver()).execute(_DEMAND, topics, numbers, [extents[each].end for each in places])


async def follow(
    database: Database, extents: Mapping[Partition, Extent], positions: Callable[[], Mapping[Partition, int]], stop: asyncio.Event
) -> None:
    """Sets the goal and writes down the consumer's positions until `stop`; a database that is away is waited for."""
    begun, told = False, dict[Partition, int]()
    while not stop.is_set():
        present = dict(positions())
        with suppress(Unavailable):
            if not begun:
                await begin(database, extents)
                begun = True
            if present != told:
                await advance(database, present)
                told = present
        await paused(stop, EVERY_S)


async def follow_topics(
    database: Database,
    brokers: Brokers,
    group: str,
    topics: Collection[str],
    positions: Callable[[], Mapping[Partition, int]],
    stop: asyncio.Event,
) -> None:
    """As `follow`, from what the topics hold as soon as the broker and all of them are there."""
    from chassis.survey import patient_survey  # its client would cost those who only ask a part of a second of their start

    extents = await unless(stop, patient_survey(brokers, group, topics))
    if extents is not None:
        await follow(database, extents, partial(_of_topics, positions, topics), stop)


def _of_topics(positions: Callable[[], Mapping[Partition, int]], topics: Collection[str]) -> Mapping[Partition, int]:
    return {place: at for place, at in positions().items() if place[0] in topics}


async def forget(database: Database, *topics: str) -> None:
    """Takes the goals away: the topics were born anew, and their offsets begin again."""
    async with database.transaction() as transaction:
        await (await transaction.driver()).execute(_FORGET, list(topics))
