"""Taking a consumer group back to where its database is.

Consumers go on from where their group committed to Kafka, since their effects are idempotent and a commit is never ahead of them. A
database that came back from a backup is behind: what lies between would never come again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError

from chassis.brokers import Brokers
from chassis.commands import NothingDone
from chassis.positions import Partition
from chassis.survey import survey

# What Kafka says to a commit of nobody while the group has members.
_AT_WORK = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)


@dataclass(frozen=True, slots=True)
class Rewound:
    """How many messages will be read again, and how many should be and are in Kafka no more."""

    again: int
    gone: int


async def rewind(brokers: Brokers, group: str, topics: Collection[str], positions: Mapping[Partition, int]) -> Rewound:
    """Takes the group back to these positions, never forward; a partition without one is read from its beginning.

    NothingDone where a member of the group is at work, or its session has not ended yet.
    """
    extents = await survey(brokers, group, topics)
    consumer = AIOKafkaConsumer(**brokers.aiokafka(), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(*place) for place in extents]
        consumer.assign(places)
        beginnings = await consumer.beginning_offsets(places)
        back, gone = dict[TopicPartition, int](), 0
        for place in places:
            committed, wanted = extents[place].start, positions.get(place, 0)
            if wanted < committed:
                back[place] = max(wanted, beginnings[place])
                # A topic of which one never read anything begins where it begins.
                gone += max(0, beginnings[place] - wanted) if place in positions else 0
        if back:
            await consumer.commit(back)
        return Rewound(sum(extents[place].start - at for place, at in back.items()), gone)
    except _AT_WORK as error:
        raise NothingDone(
            f"the group {group} has members: nothing was changed; end every process `consume` of the service, wait until their session"
            " is over, and try again"
        ) from error
    finally:
        await consumer.stop()
