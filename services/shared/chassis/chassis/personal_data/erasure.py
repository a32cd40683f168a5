"""Erasing a person: the rows that the declarations name, and a digest that keeps an older state from bringing them back.

What others still tell of a person, late or again, is passed over; an ID that was erased is never given to anybody again.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence

from chassis.database import Transaction
from chassis.personal_data.declarations import DataClass, of_people

# Rows that share a transaction where somebody waits for it: it ends well within its five seconds, and far from its thousand locks.
ERASED_AT_ONCE = 500

_KNOWN = "SELECT digest FROM erased_servants WHERE digest = ANY ($1::bytea[])"
_NOTE = "INSERT INTO erased_servants (digest) SELECT * FROM unnest($1::bytea[]) ON CONFLICT DO NOTHING"


async def erased_among(transaction: Transaction, servants: Collection[str]) -> frozenset[str]:
    """Those of the servants who were erased."""
    if not servants:
        return frozenset()
    driver = await transaction.driver()
    digests = await _digests(transaction, servants)
    async with transaction.beyond_reach():
        rows = await driver.fetch(_KNOWN, list(digests))
    return frozenset(digests[bytes(row["digest"])] for row in rows)


async def erase_people(transaction: Transaction, classes: Sequence[DataClass], servants: Collection[str], most: int | None = None) -> int:
    """Erases rows of these servants, of each class at most `most` (None: all), and notes that they were erased; how many rows.

    While it gives any there may be more. Safe to repeat. The servants' own locks are held by the caller, and nothing was written yet;
    whoever writes rows of which compacted topics tell shares those locks. There they become tombstones.
    """
    driver, people = await transaction.driver(), of_people(classes)
    keys = {
        (each.table, servant): [row["key"] for row in await driver.fetch(_keys_of(each), servant, most)]
        for each in people
        for servant in sorted(servants)
        if each.told is not None
    }
    for each in people:
        if each.told is not None:
            await transaction.lock(each.told.namespace, [key for servant in servants for key in keys[each.table, servant]])
    # First: what is told of them from here on is passed over, also between two pieces.
    await driver.execute(_NOTE, list(await _digests(transaction, servants)))
    rows = 0
    for servant in sorted(servants):
        for each in people:
            if each.told is None:
                gone = int(await driver.fetchval(each.erasing or _erasing(each), servant, most) or 0)
            else:
                taken = await driver.fetch(_taking(each), servant, keys[each.table, servant])
                for row in taken:
                    transaction.publish(each.told.topic, row["key"], None)
                gone = len(taken)
            rows += gone
            if most is not None and gone >= most:
                return rows  # what comes later explains what is left here
    return rows


def _keys_of(each: DataClass) -> str:
    assert each.told is not None
    return f"SELECT {each.told.key} AS key FROM {each.table} WHERE {each.person} ORDER BY 1 LIMIT $2::bigint"


def _taking(each: DataClass) -> str:
    assert each.told is not None
    return f"DELETE FROM {each.table} WHERE {each.person} AND {each.told.key} = ANY ($2::text[]) RETURNING {each.told.key} AS key"


def _erasing(each: DataClass) -> str:
    some = f"SELECT ctid FROM {each.table} WHERE {each.person} LIMIT $2::bigint"
    return f"WITH gone AS (DELETE FROM {each.table} WHERE ctid = ANY (ARRAY ({some})) RETURNING 1) SELECT count(*) FROM gone"


async def _digests(transaction: Transaction, servants: Collection[str]) -> Mapping[bytes, str]:
    """A digest of each ID under the key of this database: whoever does not know the ID learns none from it."""
    key = await transaction.database.audit_key(await transaction.driver())
    return {hmac.digest(key, f"erased servant {servant}".encode(), "sha256"): servant for servant in servants}
