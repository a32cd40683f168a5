"""Reading a topic once, from its beginning to where it ended when it was looked at; no group is joined and nothing is committed."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.brokers import Brokers
from chassis.survey import survey

AT_ONCE = 1_000


async def read_once(brokers: Brokers, topic: str) -> AsyncIterator[Sequence[Any]]:
    """Gives the messages in pieces, each partition in its order. Raises NoSuchTopic, and aiokafka's errors where the broker is away."""
    extents = {TopicPartition(*place): extent for place, extent in (await survey(brokers, None, [topic])).items()}
    consumer = AIOKafkaConsumer(**brokers.aiokafka(), enable_auto_commit=False)
    await consumer.start()
    try:
        beginnings = await consumer.beginning_offsets(list(extents))
        left = {place: extent.end for place, extent in extents.items() if beginnings[place] < extent.end}
        consumer.assign(list(left))
        for place in left:
            consumer.seek(place, beginnings[place])
        while left:
            found = await consumer.getmany(*left, timeout_ms=1_000, max_records=AT_ONCE)
            if piece := [each for place, batch in found.items() for each in batch if each.offset < left[place]]:
                yield piece
            left = {place: end for place, end in left.items() if await consumer.position(place) < end}
    finally:
        await consumer.stop()
