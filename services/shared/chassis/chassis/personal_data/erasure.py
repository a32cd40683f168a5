"""Erasing a person: the rows that the declarations name, and a digest that keeps an older state from bringing them back.

What others still tell of a person, late or again, is passed over; an ID that was erased is never given to anybody again.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence

from chassis.database import Transaction
from chassis.personal_data.declarations import DataClass, of_people

# Rows of which a topic tells too have their keys locked, and a transaction holds so many locks at most.
MOST_TOLD = 900

_KNOWN = "SELECT digest FROM erased_servants WHERE digest = ANY ($1::bytea[])"
_NOTE = "INSERT INTO erased_servants (digest) SELECT * FROM unnest($1::bytea[]) ON CONFLICT DO NOTHING"


class TooMuchTold(Exception):
    """A person has more rows that topics tell of than one transaction can take back."""


async def erased_among(transaction: Transaction, servants: Collection[str]) -> frozenset[str]:
    """Those of the servants who were erased."""
    if not servants:
        return frozenset()
    driver = await transaction.driver()
    digests = await _digests(transaction, servants)
    async with transaction.beyond_reach():
        rows = await driver.fetch(_KNOWN, list(digests))
    return frozenset(digests[bytes(row["digest"])] for row in rows)


async def erase_people(transaction: Transaction, classes: Sequence[DataClass], servants: Collection[str]) -> int:
    """Erases all rows of these servants and notes that they were; how many rows. Safe to repeat.

    The servants' own locks are held by the caller, and nothing was written yet; rows of compacted topics become tombstones there.
    """
    driver, people = await transaction.driver(), of_people(classes)
    keys = {
        (each.table, servant): [row["key"] for row in await driver.fetch(_keys_of(each), servant)]
        for each in people
        for servant in sorted(servants)
        if each.told is not None
    }
    if sum(map(len, keys.values())) > MOST_TOLD:
        raise TooMuchTold(f"at most {MOST_TOLD} rows that topics tell of are erased at once")
    for each in people:
        if each.told is not None:
            await transaction.lock(each.told.namespace, [key for servant in servants for key in keys[each.table, servant]])
    rows = 0
    for servant in sorted(servants):
        for each in people:
            rows += int(await driver.fetchval(_erasing(each), servant) or 0)
            if each.told is not None:
                for key in keys[each.table, servant]:
                    transaction.publish(each.told.topic, key, None)
    await driver.execute(_NOTE, list(await _digests(transaction, servants)))
    return rows


def _keys_of(each: DataClass) -> str:
    assert each.told is not None
    return f"SELECT {each.told.key} AS key FROM {each.table} WHERE {each.person} ORDER BY 1"


def _erasing(each: DataClass) -> str:
    return each.erasing or f"WITH gone AS (DELETE FROM {each.table} WHERE {each.person} RETURNING 1) SELECT count(*) FROM gone"


async def _digests(transaction: Transaction, servants: Collection[str]) -> Mapping[bytes, str]:
    """A digest of each ID under the key of this database: whoever does not know the ID learns none from it."""
    key = await transaction.database.audit_key(await transaction.driver())
    return {hmac.digest(key, f"erased servant {servant}".encode(), "sha256"): servant for servant in servants}
