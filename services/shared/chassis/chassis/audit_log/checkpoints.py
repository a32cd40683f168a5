"""Checkpoints as they were told outside: all that a service's topic still holds."""

from collections.abc import Sequence
from datetime import UTC

from tartip.audit.v1 import events_pb2

from chassis.audit_log.chain import Seal
from chassis.audit_log.sealing import topic_of
from chassis.brokers import Brokers
from chassis.reading import read_once


async def published(service: str, brokers: Brokers) -> Sequence[Seal]:
    """Reads the topic from its beginning to where it ends now. Raises NoSuchTopic, and aiokafka's errors where the broker is away."""
    found = list[Seal]()
    async for piece in read_once(brokers, topic_of(service)):
        messages = [events_pb2.AuditCheckpointTaken.FromString(each.value) for each in piece]
        found += [Seal(each.place, each.hash, each.occurred_at.ToDatetime(UTC)) for each in messages]
    return found
