"""The days that are to be computed anew, in PostgreSQL.

Both tables are only added to, and emptied by row number: who asks never waits for who computes, and a day that is asked
for while it is being computed is computed once more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from chassis.database import Transaction

from timetracking.due.use_cases import DueDay

# What the days around a read may follow from it by: see "Which day" of the working day, a device setting ± 3.
AROUND = 3

_WAITING = """
INSERT INTO due_days (servant, date)
SELECT DISTINCT w.servant, w.date + around
FROM workdays w CROSS JOIN generate_series(-1, 1) AS around
WHERE w.state = 'waiting' AND w.servant = ANY ($1::text[])
"""
_WAITING_IN_BODIES = """
INSERT INTO due_days (servant, date)
SELECT DISTINCT w.servant, w.date + around
FROM workdays w CROSS JOIN generate_series(-1, 1) AS around
WHERE w.state = 'waiting' AND w.servant IN (SELECT servant FROM appointments WHERE body = ANY ($1::text[]))
"""
_DEVICE_DAYS = """
INSERT INTO due_device_days (device, date)
SELECT device, date FROM device_days WHERE device = $1 AND date >= $2 ORDER BY date
"""
_DEVICE_DAYS_OF_BODIES = """
INSERT INTO due_device_days (device, date)
SELECT held.device, held.date FROM device_days held JOIN devices d ON d.serial = held.device
WHERE d.body = ANY ($1::text[]) ORDER BY held.device, held.date
"""
_SPREAD = """
WITH taken AS (
    DELETE FROM due_device_days WHERE id IN (SELECT id FROM due_device_days ORDER BY id LIMIT $1) RETURNING device, date
), spread AS (
    INSERT INTO due_days (servant, date)
    SELECT DISTINCT b.servant, t.date + around
    FROM (SELECT DISTINCT device, date FROM taken) t
    JOIN passages p ON p.device = t.device AND p.wall_time >= t.date AND p.wall_time < t.date + 1
    JOIN badges b ON b.badge_system = p.badge_system AND b.badge_number = p.badge_number
    CROSS JOIN generate_series(-$2::integer, $2::integer) AS around
    ORDER BY 1, 2
)
SELECT count(*) FROM taken
"""
_TAKE = "SELECT id, servant, date FROM due_days ORDER BY id LIMIT $1"
_DONE = "DELETE FROM due_days WHERE id = ANY ($1::bigint[])"


@dataclass(frozen=True, slots=True)
class StoredDueDays:
    """What is due, as a transaction sees it."""

    transaction: Transaction

    async def ask_servants(self, servants: Collection[str]) -> None:
        """Asks for the days of these servants that wait for a plan."""
        if servants:
            await (await self.transaction.driver()).execute(_WAITING, sorted(servants))

    async def ask_bodies(self, bodies: Collection[str]) -> None:
        """Asks for the days that follow from the zone of one of these bodies."""
        if bodies:
            driver = await self.transaction.driver()
            await driver.execute(_WAITING_IN_BODIES, sorted(bodies))
            await driver.execute(_DEVICE_DAYS_OF_BODIES, sorted(bodies))

    async def ask_device(self, device: str, since: date) -> None:
        """Asks for the days of everyone who was read at the device on a date as sent or later."""
        await (await self.transaction.driver()).execute(_DEVICE_DAYS, device, since)

    async def spread(self, most: int) -> int:
        """Turns at most so many due dates of devices into due days of those who were read there; how many there were."""
        return int(await (await self.transaction.driver()).fetchval(_SPREAD, most, AROUND))

    async def take(self, most: int) -> Sequence[DueDay]:
        """Shows at most so many due days, the longest due first."""
        rows = await (await self.transaction.driver()).fetch(_TAKE, most)
        return [DueDay(row["id"], row["servant"], row["date"]) for row in rows]

    async def done(self, days: Sequence[DueDay]) -> None:
        """Takes away what was computed; what was asked for meanwhile stays."""
        await (await self.transaction.driver()).execute(_DONE, [each.id for each in days])
