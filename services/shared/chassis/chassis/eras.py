"""Eras of a database: each restoration begins one, and what is published in it is newer than all that was published before.

A database that came back from a backup does not know which revisions it has given out since, and would give them out once more, with
other contents: whoever follows would pass the new states over as old ones. So what goes out carries the number of the era above its
own revision. The rows go on counting as they did, and no one of them has to be touched.
"""

from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from google.protobuf.message import Message

from chassis.outbox import OutboxRow

# Below it there is room for the revisions of a row: four thousand million.
_ABOVE = 32

_NEWEST = "SELECT coalesce(max(era), 0) FROM eras"


def published_as(era: int, revision: int) -> int:
    """The revision with which others learn of a state; before the first restoration it is the row's own."""
    return era << _ABOVE | revision


def era_and_revision(published: int) -> tuple[int, int]:
    """The era in which a state was published, and the row's own revision."""
    return published >> _ABOVE, published & (1 << _ABOVE) - 1


async def newest_era(driver: Any) -> int:
    """The era that the database is in, 0 where it was never restored; `driver` is asyncpg's connection."""
    return int(await driver.fetchval(_NEWEST))


def of_era(row: OutboxRow, message: Message | None, era: int) -> OutboxRow:
    """The row of a message as it goes out in an era: its revision above all before, and an event ID that no other state has.

    What has no revision goes out as it is.
    """
    if not era or message is None or "revision" not in message.DESCRIPTOR.fields_by_name:
        return row
    newer: Any = type(message)()
    newer.CopyFrom(message)
    newer.revision = published_as(era, newer.revision)
    event_id = str(uuid5(NAMESPACE_URL, f"{row.topic}/{row.headers['event_id']}/{era}"))
    if "event_id" in message.DESCRIPTOR.fields_by_name:
        newer.event_id = event_id
    return replace(row, payload=newer.SerializeToString(deterministic=True), headers={**row.headers, "event_id": event_id})
