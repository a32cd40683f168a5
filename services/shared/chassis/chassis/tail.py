"""Following topics outside of any consumer group, by positions that are kept in the transaction of what came of the messages.

So each message counts exactly once, whatever dies. It is for what looks at topics from beside: it must not hold up, and not
be held up by, those who apply them. A topic's partitions are all read by one process, so it is for topics of which one reads
enough.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.brokers import Brokers
from chassis.database import Database
from chassis.delivery import describe
from chassis.positions import Partition
from chassis.read_positions import Record, forget, next_offsets, unread
from chassis.stream_metrics import LAG, POSITION
from chassis.supervision import paused
from chassis.survey import PAUSES_S, survey

log = structlog.get_logger(__name__)

# One transaction's worth of messages, each of which may hold hundreds.
AT_ONCE = 200
# Nobody waits long for what is seen here: the broker answers some times a second, or when there is much.
ANSWER_WITHIN_MS = 250
ANSWER_AT_BYTES = 64 * 1024
LOOK_EVERY_MS = 250
# How often it is told that nothing is left to read.
TOLD_EVERY_S = 0.5
# A broker that has not answered for so long is away.
AWAY_AFTER_S = 30.0


async def _nothing(*_: Any) -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Goal:
    """Where the partitions ended at a real time, by the broker's answers."""

    at: float
    ends: Mapping[TopicPartition, int]


@dataclass(slots=True)
class Tail:
    """The reader of that name: reads topics from where it was and hands the messages to `take`, each partition in its order.

    What `take` does in the database commits together with the positions; where it raises, it gets the same again.
    """

    name: str
    database: Database
    brokers: Brokers
    topics: Collection[str]
    take: Callable[[Sequence[Record]], Awaitable[None]]
    born_anew: Callable[[Partition], Awaitable[None]] = _nothing
    """Is told, in the transaction in which it begins again, of a partition whose topic was born anew."""
    complete: Callable[[float], Awaitable[None]] = _nothing
    """Is told now and then up to which real time (seconds since 1970) everything has been taken that was in the topics."""
    _told_at: float = 0.0
    _moved_at: float = 0.0
    _said: float = 0.0
    _goal: _Goal | None = None
    _partitions: Counter[str] = field(default_factory=Counter)

    @property
    def ready(self) -> bool:
        """Whether the broker answers for all partitions, or what was read is taken."""
        return time.time() - self._moved_at < AWAY_AFTER_S

    async def run(self, stop: asyncio.Event) -> None:
        """Reads until `stop`; a broker, topics and a database that are away are waited for."""
        pauses = chain(PAUSES_S, repeat(PAUSES_S[-1]))
        while not stop.is_set():
            try:
                await self._follow(stop)
            except Exception as error:
                log.warning("topics are not followed", reader=self.name, error=describe(error))
                if self._told_at:
                    pauses = chain(PAUSES_S, repeat(PAUSES_S[-1]))
                self._told_at = 0.0
                await paused(stop, next(pauses))

    async def hand_over(self, records: Sequence[Record]) -> None:
        """Hands over what was not taken before, in one transaction with the positions."""
        async with self.database.shared() as transaction:
            fresh = await unread(transaction, self.name, records)
            if fresh:
                await self.take(fresh)

    async def _follow(self, stop: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(
            **self.brokers.aiokafka(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=ANSWER_WITHIN_MS,
            fetch_min_bytes=ANSWER_AT_BYTES,
        )
        try:
            await consumer.start()
            await self._begin(consumer)
            while not stop.is_set():
                found = await consumer.getmany(timeout_ms=LOOK_EVERY_MS, max_records=AT_ONCE)
                records = [self._record(each) for batch in found.values() for each in batch]
                if records:
                    await self.hand_over(records)
                    _tell(consumer, records)
                self._moved_at = time.time() if records else _answered_at(consumer)
                await self._tell_complete(consumer)
        finally:
            self._moved_at, self._goal = 0.0, None
            await consumer.stop()

    async def _tell_complete(self, consumer: AIOKafkaConsumer) -> None:
        """Tells of the ends that the broker gave with its last answers, once they are reached; where it is away it gives no new ones."""
        if time.monotonic() - self._told_at < TOLD_EVERY_S:
            return
        if self._goal is None:
            ends = {place: consumer.highwater(place) for place in consumer.assignment()}
            if (at := _answered_at(consumer)) and at != self._said:  # a clock may step back
                self._goal = _Goal(at, {place: end for place, end in ends.items() if end is not None})
        if self._goal is None or any([await consumer.position(place) < end for place, end in self._goal.ends.items()]):
            return
        self._said, self._goal = self._goal.at, None
        await self.complete(self._said)
        self._told_at = time.monotonic()

    def _record(self, message: Any) -> Record:
        headers = {name: bytes(value).decode("utf-8", "replace") for name, value in message.headers or () if value is not None}
        place = message.topic, message.partition, message.offset
        return Record(*place, message.key, message.value, headers, self._partitions[message.topic])

    async def _begin(self, consumer: AIOKafkaConsumer) -> None:
        extents = await survey(self.brokers, None, self.topics)
        async with self.database.transaction() as transaction:
            held = await next_offsets(transaction, self.name, self.topics)
        self._partitions = Counter(topic for topic, _ in extents)
        consumer.assign([TopicPartition(*place) for place in extents])
        for place, extent in extents.items():
            at = held.get(place, extent.start)
            if at > extent.end:
                await self._begin_anew(place)
                at = extent.start
            elif at < extent.start:
                log.warning("messages were gone before they were read", topic=place[0], partition=place[1], gone=extent.start - at)
                at = extent.start
            consumer.seek(TopicPartition(*place), at)
            POSITION.labels(place[0], str(place[1])).set(at)

    async def _begin_anew(self, place: Partition) -> None:
        """The partition ends before what was read of it: its topic was born anew, and so is our place in it."""
        log.warning("a topic was born anew", topic=place[0], partition=place[1])
        async with self.database.shared() as transaction:
            await forget(transaction, self.name, place)
            await self.born_anew(place)


def _answered_at(consumer: AIOKafkaConsumer) -> float:
    """Up to when the broker has told of every partition, in seconds since 1970; 0 where it has not yet."""
    answered = [consumer.last_poll_timestamp(place) or 0 for place in consumer.assignment()]
    return min(answered, default=0) / 1000


def _tell(consumer: AIOKafkaConsumer, records: Sequence[Record]) -> None:
    for topic, number in {each.place for each in records}:
        at = max(each.offset for each in records if each.place == (topic, number)) + 1
        POSITION.labels(topic, str(number)).set(at)
        end = consumer.highwater(TopicPartition(topic, number))
        if end is not None:
            LAG.labels(topic, str(number)).set(max(0, end - at))
