"""What lies on disks: tables with their indexes, the write-ahead log, and Kafka's topics."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis.testing.kafka import TOPICS, Kafka
from chassis.topics import read

from ..bench.platform import Platform

# A month of passages counts for the table that it is a part of.
TABLES = """
SELECT coalesce(parent.relname, own.relname) AS name, sum(pg_total_relation_size(own.oid))::float8 AS octets
FROM pg_class own
LEFT JOIN pg_inherits inherits ON inherits.inhrelid = own.oid
LEFT JOIN pg_class parent ON parent.oid = inherits.inhparent
WHERE own.relkind = 'r' AND own.relnamespace = 'public'::regnamespace
GROUP BY 1
"""
_LOG = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8"
COUNTED = {"versions": "workday_versions", "days": "workdays", "findings": "findings", "passages": "passages"}


@dataclass(frozen=True, slots=True)
class Disks:
    """How much lies where, in octets, and how many rows there are of what counts."""

    tables: Mapping[str, float]
    wal: float
    topics: Mapping[str, float]
    rows: Mapping[str, int]


async def looked_at(on: Platform, server: Any) -> Disks:
    """What lies on the disks now; what was deleted or written over may be used again first, as autovacuum would see to."""
    await server.execute("VACUUM")
    await server.execute("CHECKPOINT")
    tables = {row["name"]: row["octets"] for row in await on.owner.fetch(TABLES)}
    rows = {what: int(await on.owner.fetchval(f"SELECT count(*) FROM {table}")) for what, table in COUNTED.items()}
    return Disks(tables, await on.owner.fetchval(_LOG), topics_of(on.kafka), rows)


def topics_of(kafka: Kafka) -> Mapping[str, float]:
    """The logs of each of our topics, without their indexes, which Kafka lays out ahead."""
    ours, found = {topic.name for topic in read(TOPICS)}, defaultdict[str, float](float)
    for log in (kafka.folder / "data").glob("*/*.log"):
        found[log.parent.name.rpartition("-")[0]] += log.stat().st_size
    return {topic: octets for topic, octets in found.items() if topic in ours}
