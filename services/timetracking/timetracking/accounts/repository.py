"""The accounts of devices in PostgreSQL: what came, counted from Kafka, and what became of it, counted where it happened."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from chassis.database import Transaction
from chassis.read_positions import had

from timetracking.accounts.domain import Counts, DeviceDate, Receipts
from timetracking.accounts.use_cases import Place

_RECEIVE = """
INSERT INTO device_receipts AS held (device, date, received, repeated, no_passages)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[])
ON CONFLICT (device, date) DO UPDATE SET
    received = held.received + excluded.received,
    repeated = held.repeated + excluded.repeated,
    no_passages = held.no_passages + excluded.no_passages
"""
_PARTS = """
(
    SELECT device, date, received, 0 AS stored, repeated, 0 AS parked, no_passages, 0 AS sent_again FROM device_receipts
    UNION ALL
    SELECT device, date, 0, stored, repeated, 0, 0, 0 FROM device_days
    UNION ALL
    SELECT device, date, 0, 0, 0, (state = 'parked')::integer, 0, (state = 'sent_again')::integer FROM parked_records
    WHERE topic IN ('timetracking.passages.v1', 'timetracking.late-passages.v1')
) AS part
"""
_SUMS = """
sum(received)::bigint AS received, sum(stored)::bigint AS stored, sum(repeated)::bigint AS repeated, sum(parked)::bigint AS parked,
sum(no_passages)::bigint AS no_passages, sum(sent_again)::bigint AS sent_again
"""
_TOTAL = f"SELECT {_SUMS} FROM {_PARTS} WHERE device = $1 HAVING count(*) > 0"
_DAYS = f"SELECT date, {_SUMS} FROM {_PARTS} WHERE device = $1 AND date BETWEEN $2 AND $3 GROUP BY date ORDER BY date"
_PAGE = f"SELECT device, {_SUMS} FROM {_PARTS} WHERE $1::text IS NULL OR device > $1 GROUP BY device ORDER BY device LIMIT $2"


# By their places, as everyone else holds them.
_TAKE_UP = """
WITH held AS (SELECT id FROM parked_records WHERE id = ANY ($1::uuid[]) AND state <> 'taken_up' ORDER BY place FOR UPDATE)
UPDATE parked_records record SET state = 'taken_up' FROM held WHERE record.id = held.id RETURNING record.id
"""
RECORDER = "passages"
"""The reader that records passages."""


@dataclass(frozen=True, slots=True)
class StoredAccounts:
    """The accounts as a transaction sees them."""

    transaction: Transaction

    async def receive(self, receipts: Mapping[DeviceDate, Receipts]) -> None:
        """Adds what came."""
        if receipts:
            ordered = sorted(receipts.items())
            await (await self.transaction.driver()).execute(
                _RECEIVE,
                [device for (device, _), _ in ordered],
                [day for (_, day), _ in ordered],
                [each.received for _, each in ordered],
                [each.repeated for _, each in ordered],
                [each.no_passages for _, each in ordered],
            )

    async def again(self, places: Sequence[Place]) -> Sequence[bool]:
        """Whether each passage of these messages was accounted for before: delivered again, or sent again twice; () if none was.

        What was sent again out of the parking lot is taken up with it.
        """
        if not places:
            return ()
        before = await had(self.transaction, RECORDER, [(each.origin, each.passages) for each in places])
        taken_up = await self._take_up({each.parked_record for each in places if each.parked_record})
        found: list[bool] = []
        for place, count in zip(places, before, strict=True):
            if place.parked_record is not None:
                count = 0 if place.parked_record in taken_up else place.passages
                taken_up.discard(place.parked_record)
            found += [True] * count + [False] * (place.passages - count)
        return found if any(found) else ()

    async def _take_up(self, records: Collection[UUID]) -> set[UUID]:
        """Those of the parked records that were not taken up before, and are now."""
        if not records:
            return set()
        return {row["id"] for row in await (await self.transaction.driver()).fetch(_TAKE_UP, list(records))}

    async def total(self, device: str) -> Counts:
        """What became of all records of a device."""
        row = await (await self.transaction.driver()).fetchrow(_TOTAL, device)
        return _counts(row) if row else Counts()

    async def days(self, device: str, since: date, until: date) -> Sequence[tuple[date, Counts]]:
        """What became of a device's records of these dates, both included, by date; dates without any are left out."""
        rows = await (await self.transaction.driver()).fetch(_DAYS, device, since, until)
        return [(row["date"], _counts(row)) for row in rows]

    async def page(self, after: str | None, most: int) -> Sequence[tuple[str, Counts]]:
        """What became of all records of at most so many devices with a serial above `after`, by serial."""
        rows = await (await self.transaction.driver()).fetch(_PAGE, after, most)
        return [(row["device"], _counts(row)) for row in rows]


def _counts(row: Any) -> Counts:
    return Counts(
        received=row["received"],
        stored=row["stored"],
        repeated=row["repeated"],
        parked=row["parked"],
        no_passages=row["no_passages"],
        sent_again=row["sent_again"],
    )
