"""Checkpoints as they were told outside: all that a service's topic still holds."""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from tartip.audit.v1 import events_pb2

from chassis.audit_log.chain import Seal
from chassis.audit_log.sealing import topic_of
from chassis.brokers import Brokers
from chassis.survey import survey

AT_ONCE = 1_000


async def published(service: str, brokers: Brokers) -> Sequence[Seal]:
    """Reads the topic from its beginning to where it ends now. Raises NoSuchTopic, and aiokafka's errors where the broker is away."""
    extents = await survey(brokers, f"{service} audit", [topic_of(service)])
    left = {TopicPartition(*place): extent.end for place, extent in extents.items() if extent.start < extent.end}
    found = list[Seal]()
    if not left:
        return found
    consumer = AIOKafkaConsumer(**brokers.aiokafka(), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(left))
        for place in left:
            consumer.seek(place, extents[place.topic, place.partition].start)
        while left:
            for batch in (await consumer.getmany(*left, timeout_ms=1_000, max_records=AT_ONCE)).values():
                messages = [events_pb2.AuditCheckpointTaken.FromString(each.value) for each in batch]
                found += [Seal(each.place, each.hash) for each in messages]
            left = {place: end for place, end in left.items() if await consumer.position(place) < end}
    finally:
        await consumer.stop()
    return found
