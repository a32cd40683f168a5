"""How long topics are kept, and what groups know of them, changed while they are in use."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chassis.publisher import Outgoing, Publisher
from chassis.testing.kafka import ENVIRONMENT, TOPICS, Kafka
from chassis.topics import read
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of a Kafka."""

    kafka: Kafka
    publisher: Publisher

    @asynccontextmanager
    async def kept_otherwise(self, topic: str, settings: Mapping[str, str]) -> AsyncIterator[None]:
        """The topic is kept by these settings for the length of the block, and then as it was born again."""
        born = next(each for each in read(TOPICS) if each.name == topic).settings(ENVIRONMENT)
        await self._keep(topic, settings)
        yield
        await self._keep(topic, {name: born.get(name) for name in settings})

    async def _keep(self, topic: str, settings: Mapping[str, str | None]) -> None:
        def keep() -> None:
            entries = [
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET if value else AlterConfigOpType.DELETE)
                for name, value in settings.items()
            ]
            [done] = self.kafka.handle.incremental_alter_configs(
                [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)]
            ).values()
            done.result()

        await asyncio.to_thread(keep)

    async def begin_segments(self, topic: str, filler: bytes) -> None:
        """Lets each partition begin a new segment by a message: the one that is written into is never cleaned."""
        partitions = await self.publisher.partitions(topic)
        await self.publisher.send_all(Outgoing(topic, b"filler", filler, {}, place) for place in range(partitions))

    async def forget_group(self, group: str) -> None:
        """Kafka forgets how far a group was that nobody is in any more."""

        def forget() -> None:
            [done] = self.kafka.handle.delete_consumer_groups([group]).values()
            done.result()

        await asyncio.to_thread(forget)
