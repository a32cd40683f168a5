"""Publishing the newest states of a topic once more, for a consumer or a topic that lost them.

A state is read under its key's lock, in the transaction that publishes it: an older state could otherwise be published
after a newer one, and compaction would keep the older for ever. Revisions and event ids stay as they are, so whoever
has the state already does nothing.
"""

from collections.abc import Awaitable, Callable, Sequence

from google.protobuf.message import Message

from chassis.database import Database, Transaction

# Keys that share a transaction: far from its five seconds and its 1,000 locks.
KEYS_AT_ONCE = 200

# Up to so many keys after the given one, in order ("" for the first).
KeysAfter = Callable[[Transaction, str, int], Awaitable[Sequence[str]]]
# The newest states of the keys, each with its key; one that has gone is left out.
StatesOf = Callable[[Transaction, Sequence[str]], Awaitable[Sequence[tuple[str, Message]]]]


async def republish(database: Database, topic: str, namespace: str, keys_after: KeysAfter, states_of: StatesOf) -> int:
    """Publishes the newest state of every key again; how many there were.

    `namespace` is the kind of key under which writers of the topic lock it.
    """
    published, after = 0, ""
    while True:
        async with database.transaction() as transaction:
            keys = await keys_after(transaction, after, KEYS_AT_ONCE)
            if not keys:
                return published
            told = await _tell(transaction, topic, namespace, keys, states_of)
        published, after = published + told, keys[-1]


async def tell_again(database: Database, topic: str, namespace: str, keys: Sequence[str], states_of: StatesOf) -> int:
    """Publishes the newest state of these keys again; how many there were."""
    told = 0
    for at in range(0, len(keys), KEYS_AT_ONCE):
        async with database.transaction() as transaction:
            told += await _tell(transaction, topic, namespace, keys[at : at + KEYS_AT_ONCE], states_of)
    return told


async def _tell(transaction: Transaction, topic: str, namespace: str, keys: Sequence[str], states_of: StatesOf) -> int:
    await transaction.lock(namespace, keys)
    states = await states_of(transaction, keys)
    for key, message in states:
        transaction.publish(topic, key, message)
    return len(states)
