"""What a service does, once, when the topics were lost and born anew, and its database was not."""

from collections.abc import Awaitable, Callable

from chassis.database import Database, Transaction
from chassis.restoration.quiet import require_quiet

_FORGET = "DELETE FROM {table}"
# Places in topics that are no more: offsets begin again, and what comes now would be taken for what was read before.
PLACES = ("projection_positions", "read_positions")

# What else of a service's own speaks of places in topics.
Forget = Callable[[Transaction], Awaitable[None]]


async def nothing_more(_: Transaction) -> None:
    """Most services keep no places beside those that all do."""


async def forget_places(database: Database, service: str, more: Forget = nothing_more) -> None:
    """Forgets how far topics were read: all that they hold from now on is new. NothingDone while a process of the service is at work."""
    async with database.transaction() as transaction:
        await require_quiet(transaction, service)
        driver = await transaction.driver()
        for table in PLACES:
            await driver.execute(_FORGET.format(table=table))
        await more(transaction)
        transaction.record("restoration.forget-places", "topics")
