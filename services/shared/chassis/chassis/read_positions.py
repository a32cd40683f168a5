"""How far a reader of topics is, kept in the transaction of what it made of the messages: so each of them counts once.

Kafka's own offsets are committed after our transactions: what was done already is delivered again when a consumer dies
between the two. Where an effect has a natural key that changes nothing; a count has none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chassis.database import Transaction
from chassis.positions import Partition

_POSITIONS = "SELECT topic, partition, next_offset FROM read_positions WHERE reader = $1 AND topic = ANY ($2::text[])"
_BEGIN = """
INSERT INTO read_positions (reader, topic, partition, next_offset)
SELECT $1, topic, partition, 0 FROM unnest($2::text[], $3::integer[]) AS place (topic, partition) ON CONFLICT DO NOTHING
"""
_HOLD = """
SELECT held.topic, held.partition, held.next_offset
FROM unnest($2::text[], $3::integer[]) AS place (topic, partition)
JOIN read_positions held ON held.reader = $1 AND held.topic = place.topic AND held.partition = place.partition
ORDER BY held.topic, held.partition FOR UPDATE OF held
"""
_MOVE = """
UPDATE read_positions held SET next_offset = place.next_offset
FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS place (topic, partition, next_offset)
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
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def unread(transaction: Transaction, reader: str, records: Sequence[Record]) -> Sequence[Record]:
    """Those of the records that the reader has not had; from here on it has had them all.

    The records of a partition come in their order, and none is passed over. Called in the transaction in which they have their
    effect; whoever reads the same partition waits for its end.
    """
    places = sorted({each.place for each in records})
    driver, columns = await transaction.driver(), ([topic for topic, _ in places], [number for _, number in places])
    rows = await driver.fetch(_HOLD, reader, *columns)
    if len(rows) < len(places):
        await driver.execute(_BEGIN, reader, *columns)
        rows = await driver.fetch(_HOLD, reader, *columns)
    ahead = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    fresh = [each for each in records if each.offset >= ahead[each.place]]
    for each in fresh:
        ahead[each.place] = each.offset + 1
    await driver.execute(_MOVE, reader, *columns, [ahead[each] for each in places])
    return fresh


async def forget(transaction: Transaction, reader: str, partition: Partition) -> None:
    """The reader has had nothing of the partition: its topic was born anew."""
    topic, number = partition
    await (await transaction.driver()).execute(_MOVE, reader, [topic], [number], [0])
