"""Publishing newest states once more, for a consumer that lost its projection or a topic that was lost."""

from collections.abc import Sequence
from datetime import datetime

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.republish import StatesOf, tell_again
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

    async def keys_after(transaction: Transaction, after: str, limit: int) -> Sequence[str]:
        unit = UnitOfWork(transaction, clock())
        return await (unit.bodies if topic == body_events.TOPIC else unit.servants).changed_since(since, after, limit)

    namespace, states_of = _states(clock, topic)
    return await publish_again(database, topic, namespace, keys_after, states_of)


async def tell_states_again(database: Database, clock: Clock, topic: str, keys: Sequence[str]) -> int:
    """Publishes the newest state of these keys, as far as they are still recorded; returns how many there were."""
    namespace, states_of = _states(clock, topic)
    return await tell_again(database, topic, namespace, keys, states_of)


def _states(clock: Clock, topic: str) -> tuple[str, StatesOf]:
    """The kind of key under which the topic's states are locked, and what reads them."""

    async def of_bodies(transaction: Transaction, keys: Sequence[str]) -> Sequence[tuple[str, Message]]:
        unit = UnitOfWork(transaction, clock())
        return [(key, body_events.message(*await unit.bodies.state(key))) for key in keys]

    async def of_servants(transaction: Transaction, keys: Sequence[str]) -> Sequence[tuple[str, Message]]:
        unit = UnitOfWork(transaction, clock())
        states = [(key, await unit.servants.state(key)) for key in keys]
        return [(key, servant_events.message(*state)) for key, state in states if state is not None]

    return ("body", of_bodies) if topic == body_events.TOPIC else ("servant", of_servants)
