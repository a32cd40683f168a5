"""The days that are to be computed anew, and the dates of devices that are to be looked at again, in PostgreSQL.

The tables are only added to, and emptied by row number: who asks never waits for who computes, and a day that is asked
for while it is being computed is computed once more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chassis.database import Transaction
from kernel.intervals import Span

from timetracking.due.use_cases import DueDay
from timetracking.plans.domain import read_plan
from timetracking.workdays.domain.kept import doubted

# What the days around a read may follow from it by: see "Which day" of the working day, a device setting ± 3.
AROUND = 3
DAY_SECONDS = 86_400
EPOCH = date(1970, 1, 1)

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
WITH concerned AS (SELECT device, date FROM device_days WHERE device = $1 AND date >= $2),
     due AS (INSERT INTO due_device_days (device, date) SELECT device, date FROM concerned ORDER BY date)
INSERT INTO due_looks (device, date, silence)
SELECT device, date, false FROM concerned
UNION ALL SELECT device, max(date), true FROM device_days WHERE device = $1 GROUP BY device
"""
_DEVICE_DAYS_OF_BODIES = """
WITH concerned AS (
    SELECT held.device, held.date FROM device_days held JOIN devices d ON d.serial = held.device WHERE d.body = ANY ($1::text[])
), due AS (INSERT INTO due_device_days (device, date) SELECT device, date FROM concerned ORDER BY device, date)
INSERT INTO due_looks (device, date, silence) SELECT device, date, false FROM concerned
"""
_READ_AT = "INSERT INTO due_device_days (device, date) SELECT $1, day FROM unnest($2::date[]) AS day"
_OF_BADGE = """
INSERT INTO due_looks (device, date, silence)
SELECT DISTINCT p.device, p.wall_time::date, false FROM passages p JOIN devices d ON d.serial = p.device
WHERE p.badge_system = $1 AND p.badge_number = $2 AND p.wall_time >= $3 AND p.wall_time < $4
"""
_PLANS_AT = "SELECT DISTINCT date, content FROM plan_days WHERE date BETWEEN $2 AND $3 AND premises && $1::text[]"
_PLANNED_SO = """
INSERT INTO due_days (servant, date)
SELECT p.servant, p.date FROM unnest($2::date[], $3::text[]) AS so (date, content)
JOIN plan_days p ON p.date = so.date AND p.content = so.content AND p.premises && $1::text[]
ORDER BY p.date, p.servant
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

    async def ask_read_at(self, device: str, dates: Collection[date]) -> None:
        """Asks for the days of everyone who was read at the device on one of these dates as sent."""
        if dates:
            await (await self.transaction.driver()).execute(_READ_AT, device, sorted(dates))

    async def ask_badge(self, system: str, number: str, since: datetime, until: datetime | None) -> None:
        """Asks for a look at the dates of devices on which the badge was read in a span."""
        first = since.replace(tzinfo=None) - timedelta(days=AROUND)
        last = until.replace(tzinfo=None) + timedelta(days=AROUND) if until is not None else datetime.max
        await (await self.transaction.driver()).execute(_OF_BADGE, system, number, first, last)

    async def ask_doubted(self, premises: Collection[str], before: Sequence[Span], after: Sequence[Span]) -> None:
        """Asks for the days planned at the premises that were in doubt by the one spans and are not by the others, or the reverse."""
        driver = await self.transaction.driver()
        spans = [*before, *after]
        # A duty begins on its date and may last into the second one after it, in any zone.
        first = EPOCH + timedelta(days=min(start for start, _ in spans) // DAY_SECONDS - AROUND)
        last = EPOCH + timedelta(days=max(end for _, end in spans) // DAY_SECONDS + 1)
        turned = []
        for row in await driver.fetch(_PLANS_AT, sorted(premises), first, last):
            plan, _ = read_plan(row["date"], row["content"])
            if doubted(plan, before) != doubted(plan, after):
                turned.append((row["date"], row["content"]))
        if turned:
            await driver.execute(_PLANNED_SO, sorted(premises), [day for day, _ in turned], [content for _, content in turned])

    async def dates_are_due(self) -> bool:
        """Whether any date of a device is due."""
        return bool(await (await self.transaction.driver()).fetchval("SELECT EXISTS (SELECT FROM due_device_days)"))

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
