"""What the topics of a service tell of and its database does not hold: a database that came back from a backup is behind them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis.brokers import Brokers
from chassis.database import Database, Transaction
from chassis.eras import era_and_revision
from chassis.reading import read_once

# The era in which everything was told again that others knew better; one in which that was begun only does not count.
_TOLD = "SELECT coalesce(max(era) FILTER (WHERE told_at IS NOT NULL), 0) FROM eras"


@dataclass(frozen=True, slots=True)
class OwnTopic:
    """A topic whose states a service owns.

    `revisions` are those of the keys that are stored, `tell` publishes such again as they stand and returns how many they were,
    `erase` erases once more what belongs to a key that was erased. `carry` takes over, of the newest state of each key, what must not be
    lost and is not stored; told to look it only says what that is, a sentence each.
    """

    topic: str
    message: type[Any]
    revisions: Callable[[Transaction, Sequence[str]], Awaitable[Mapping[str, int]]]
    tell: Callable[[Database, Sequence[str]], Awaitable[int]]
    erase: Callable[[Database, str], Awaitable[object]] | None = None
    carry: Callable[[Database, Mapping[str, Any], bool], Awaitable[Sequence[str]]] | None = None


@dataclass(slots=True)
class Ahead:
    """Where a topic is ahead of the database.

    `newer` are the revisions, by key, of states of which an older one is stored; `unknown` are keys of which nothing is; `erased` are keys that became
    tombstones and are stored. `newest` is the newest state of each key, of a topic from which something is carried over: whatever the
    era in which it was told, so that a repetition finds what is still missing; `carried` says what that was.
    """

    topic: OwnTopic
    newer: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    newest: dict[str, Any] = field(default_factory=dict)
    carried: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.newer or self.unknown or self.erased)

    def take(self, records: Iterable[Any], stored: Mapping[str, int], told: int) -> None:
        """Takes messages in their order; `told` is the era in which the stored revisions count."""
        for record in records:
            key = record.key.decode()
            if record.value is None:
                self._take_tombstone(key, key in stored)
            else:
                self._take_state(key, self.topic.message.FromString(record.value), stored, told)

    def _take_tombstone(self, key: str, is_stored: bool) -> None:
        self.newer.pop(key, None)
        self.newest.pop(key, None)
        self.unknown.discard(key)
        if is_stored:
            self.erased.add(key)

    def _take_state(self, key: str, state: Any, stored: Mapping[str, int], told: int) -> None:
        """An older state that was published late changes nothing."""
        if self.topic.carry is not None and (key not in self.newest or self.newest[key].revision <= state.revision):
            self.newest[key] = state
        if key not in stored:
            self.unknown.add(key)
        elif era_and_revision(state.revision) > (told, stored[key]):
            self.newer[key] = max(state.revision, self.newer.get(key, 0))


async def ahead_of(database: Database, brokers: Brokers, topics: Sequence[OwnTopic]) -> list[Ahead]:
    """Compares the topics, from their beginnings to their ends, with what is stored; those that are not ahead too."""
    found = []
    async with database.transaction() as transaction:
        told = int(await (await transaction.driver()).fetchval(_TOLD))
    for topic in topics:
        ahead = Ahead(topic)
        async for piece in read_once(brokers, topic.topic):
            keys = sorted({record.key.decode() for record in piece})
            async with database.transaction() as transaction:
                stored = await topic.revisions(transaction, keys)
            ahead.take(piece, stored, told)
        found.append(ahead)
    return found
