"""Publishing newest states once more, for a consumer that lost its projection or a topic that was lost."""

from collections.abc import Sequence
from datetime import datetime

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.republish import republish as publish_again
from google.protobuf.message import Message

from registry.bodies import events as body_events
from registry.servants import events as servant_events
from registry.unit_of_work import UnitOfWork

TOPICS = (body_events.TOPIC, servant_events.TOPIC)


async def republish(database: Database, clock: Clock, topic: str, since: datetime | None = None) -> int:
    """Publishes the newest state of every key of `topic` that changed at or after `since` (all where None).

    Revisions and event IDs stay as they are, so that nobody who has a state already does anything. Returns how many
    states were published.
    """
    of_bodies = topic == body_events.TOPIC

    async def keys_after(transaction: Transaction, after: str, limit: int) -> Sequence[str]:
        unit = UnitOfWork(transaction, clock())
        return await (unit.bodies if of_bodies else unit.servants).changed_since(since, after, limit)

    async def states_of(transaction: Transaction, keys: Sequence[str]) -> Sequence[tuple[str, Message]]:
        unit = UnitOfWork(transaction, clock())
        if of_bodies:
            return [(key, body_events.message(*await unit.bodies.state(key))) for key in keys]
        states = [(key, await unit.servants.state(key)) for key in keys]
        return [(key, servant_events.message(*state)) for key, state in states if state is not None]

    return await publish_again(database, topic, "body" if of_bodies else "servant", keys_after, states_of)
