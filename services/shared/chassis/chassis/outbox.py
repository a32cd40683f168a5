"""What is to be published, written in the transaction of the change it tells of.

The relay (`chassis.relay`) takes the rows from here to Kafka.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from kernel.identifiers import new_id
from opentelemetry import propagate

CONTENT_TYPE = "application/protobuf"
# Kafka refuses messages of a megabyte with their headers; a row that can never be sent would hold all behind it.
MOST_BYTES = 900_000

# One statement for any number of rows; ordinality keeps the order in which they were published.
_INSERT = """
INSERT INTO outbox (topic, key, payload, headers, partition)
SELECT topic, key, payload, headers::jsonb, partition
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::integer[])
    WITH ORDINALITY AS row (topic, key, payload, headers, partition, place)
ORDER BY place
"""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message of a topic; `payload` is None for a tombstone, which is for erasure only.

    A message that names its partition goes there without a key.
    """

    topic: str
    key: str
    payload: bytes | None
    headers: Mapping[str, str]
    partition: int | None = None


def outbox_row(topic: str, key: str, message: Message | None, event_id: str | None = None) -> OutboxRow:
    """The row of a message, with the headers every event carries.

    `event_id` defaults to the message's own field of that name if it is set, else to a new one. Raises ValueError for a
    message too large for Kafka.
    """
    headers = {"event_id": event_id or getattr(message, "event_id", "") or new_id(), "content-type": CONTENT_TYPE}
    propagate.inject(headers)
    if message is None:
        return OutboxRow(topic, key, None, headers)
    headers["schema"] = message.DESCRIPTOR.full_name
    payload = message.SerializeToString(deterministic=True)
    if len(payload) > MOST_BYTES:
        raise ValueError(f"a message of {topic} has {len(payload)} bytes, at most {MOST_BYTES} can be published")
    return OutboxRow(topic, key, payload, headers)


async def write_outbox(driver: Any, rows: Iterable[OutboxRow]) -> None:
    """Writes the rows in their order, in one statement; `driver` is asyncpg's connection."""
    kept = list(rows)
    await driver.execute(
        _INSERT,
        [row.topic for row in kept],
        [row.key for row in kept],
        [row.payload for row in kept],
        [json.dumps(dict(row.headers)) for row in kept],
        [row.partition for row in kept],
    )
