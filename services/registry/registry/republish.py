"""Publishing newest states once more, for a consumer that lost its projection or a topic that was lost."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from chassis.access import Caller

from registry.bodies import events as body_events
from registry.servants import events as servant_events
from registry.unit_of_work import UnitOfWork

# Keys that share a transaction: far from its five seconds and its 1,000 locks.
KEYS_A_TRANSACTION = 200

TOPICS = (body_events.TOPIC, servant_events.TOPIC)
Begin = Callable[[Caller | None], AbstractAsyncContextManager[UnitOfWork]]


async def republish(work: Begin, topic: str, since: datetime | None = None) -> int:
    """Publishes the newest state of every key of `topic` that changed at or after `since` (all where None).

    Revisions and event IDs stay as they are, so that nobody who has a state already does anything. Returns how many
    states were published; ValueError for a topic that the registry does not own.
    """
    if topic not in TOPICS:
        raise ValueError(f"the registry does not publish {topic}; it publishes {' and '.join(TOPICS)}")
    published, after = 0, ""
    while True:
        async with work(None) as unit:
            if topic == body_events.TOPIC:
                keys = await unit.bodies.changed_since(since, after, KEYS_A_TRANSACTION)
                await unit.lock(bodies=keys)
                await _each(unit.republish_body, keys)
            else:
                keys = await unit.servants.changed_since(since, after, KEYS_A_TRANSACTION)
                await unit.lock(servants=keys)
                await _each(unit.republish_servant, keys)
        if not keys:
            return published
        published, after = published + len(keys), keys[-1]


async def _each(publish: Callable[[str], Awaitable[None]], keys: Sequence[str]) -> None:
    for key in keys:
        await publish(key)
