"""What a service does, once, when the topics were lost and born anew, and its database was not."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from chassis.brokers import Brokers
from chassis.commands import NothingDone
from chassis.database import Database, Transaction
from chassis.positions import Partition
from chassis.restoration.quiet import require_quiet

_FORGET = "DELETE FROM {table}"
# Places in topics that are no more: offsets begin again, and what comes now would be taken for what was read before.
PLACES = ("projection_positions", "read_positions")

_READ = """
SELECT topic, partition, max(place) AS place FROM (
    SELECT topic, partition, applied AS place FROM projection_positions UNION ALL SELECT topic, partition, next_offset FROM read_positions
) AS read WHERE place > 0 GROUP BY topic, partition
"""

# What else of a service's own speaks of places in topics.
Forget = Callable[[Transaction], Awaitable[None]]


async def nothing_more(_: Transaction) -> None:
    """Most services keep no places beside those that all do."""


async def forget_places(database: Database, brokers: Brokers, service: str, more: Forget = nothing_more) -> None:
    """Forgets how far topics were read: all that they hold from now on is new.

    NothingDone while a process of the service is at work, and where a topic reaches as far as it was read: then it was not born anew.
    """
    async with database.transaction() as transaction:
        await require_quiet(transaction, service)
        driver = await transaction.driver()
        if (places := await _places(driver)) and (old := await _not_born_anew(brokers, service, places)):
            raise NothingDone(
                f"{', '.join(old)} reach as far as they were read, so they were not born anew: nothing was changed; what was taken already"
                " would be counted a second time"
            )
        for table in PLACES:
            await driver.execute(_FORGET.format(table=table))
        await more(transaction)
        transaction.record("restoration.forget-places", "topics")


async def _places(driver: Any) -> Mapping[Partition, int]:
    """The highest place that the database knows of each partition."""
    return {(row["topic"], row["partition"]): row["place"] for row in await driver.fetch(_READ)}


async def _not_born_anew(brokers: Brokers, service: str, places: Mapping[Partition, int]) -> Sequence[str]:
    """The topics of which a partition ends where it was read up to, or beyond."""
    from chassis.survey import survey  # its client would cost every process a part of a second of its start

    extents = await survey(brokers, None, {topic for topic, _ in places})
    return sorted({place[0] for place, read in places.items() if place in extents and extents[place].end >= read})
