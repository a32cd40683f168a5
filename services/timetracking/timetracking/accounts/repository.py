"""The accounts of devices in PostgreSQL: what came, counted from Kafka, and what became of it, counted where it happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chassis.database import Transaction

from timetracking.accounts.domain import Counts, DeviceDate, Receipts

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
