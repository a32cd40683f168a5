"""How far a reader of topics is, kept in the transaction of what it made of the messages: so each of them counts once.

Kafka's own offsets are committed after our transactions: what was done already is delivered again when a consumer dies
between the two. Where an effect has a natural key that changes nothing; a count has none, and asks here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chassis.database import Transaction
from chassis.parking import Origin
from chassis.positions import Partition

_POSITIONS = "SELECT topic, partition, last_offset FROM read_positions WHERE reader = $1 AND topic = ANY ($2::text[])"
_BEGIN = """
INSERT INTO read_positions (reader, topic, partition, last_offset, last_index)
SELECT $1, topic, partition, -1, -1 FROM unnest($2::text[], $3::integer[]) AS place (topic, partition) ON CONFLICT DO NOTHING
"""
_HOLD = """
SELECT held.topic, held.partition, held.last_offset, held.last_index
FROM unnest($2::text[], $3::integer[]) AS place (topic, partition)
JOIN read_positions held ON held.reader = $1 AND held.topic = place.topic AND held.partition = place.partition
ORDER BY held.topic, held.partition FOR UPDATE OF held
"""
_MOVE = """
UPDATE read_positions held SET last_offset = place.last_offset, last_index = place.last_index
FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::integer[]) AS place (topic, partition, last_offset, last_index)
WHERE held.reader = $1 AND held.topic = place.topic AND held.partition = place.partition
"""


@dataclass(frozen=True, slots=True)
class Record:
    """A message as it lies in its topic; `partitions` is how many the topic has."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, str]
    partitions: int = 1

    @property
    def place(self) -> Partition:
        """Where it lies, without the offset."""
        return self.topic, self.partition


async def next_offsets(transaction: Transaction, reader: str, topics: Collection[str]) -> Mapping[Partition, int]:
    """The offset after the last one that the reader has had of each partition; a partition that it never read is not there."""
    rows = await (await transaction.driver()).fetch(_POSITIONS, reader, sorted(topics))
    return {(row["topic"], row["partition"]): row["last_offset"] + 1 for row in rows}


async def had(transaction: Transaction, reader: str, messages: Sequence[tuple[Origin, int]]) -> Sequence[int]:
    """For each message, of so many parts from its place on, how many of them the reader has had; from here on it has had all.

    The messages of a partition come in their order, and every one of it is read. Called in the transaction in which they have
    their effect; whoever reads the same partition waits for its end.
    """
    partitions = sorted({(each.topic, each.partition) for each, _ in messages})
    driver, columns = await transaction.driver(), ([topic for topic, _ in partitions], [number for _, number in partitions])
    rows = await driver.fetch(_HOLD, reader, *columns)
    if len(rows) < len(partitions):
        await driver.execute(_BEGIN, reader, *columns)
        rows = await driver.fetch(_HOLD, reader, *columns)
    last = {(row["topic"], row["partition"]): (row["last_offset"], row["last_index"]) for row in rows}
    found = []
    for origin, parts in messages:
        partition = origin.topic, origin.partition
        offset, index = last[partition]
        if origin.offset == offset:
            found.append(min(parts, max(0, index + 1 - origin.index)))
        else:
            found.append(parts if origin.offset < offset else 0)
        last[partition] = max(last[partition], (origin.offset, origin.index + parts - 1))
    await driver.execute(_MOVE, reader, *columns, [last[each][0] for each in partitions], [last[each][1] for each in partitions])
    return found


async def forget(transaction: Transaction, reader: str, partition: Partition) -> None:
    """The reader has had nothing of the partition: its topic was born anew."""
    topic, number = partition
    await (await transaction.driver()).execute(_MOVE, reader, [topic], [number], [-1], [-1])
