"""Days to be compared, in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from chassis.database import Transaction

from timetracking.due.repository import AROUND
from timetracking.reconciliation.domain import Compared, DayKey, Night
from timetracking.reconciliation.use_cases import Kept

# A look into the indexes for each date of the calendar, however many servants and years there are: the limits keep PostgreSQL from
# reading whole tables instead, which EXISTS does (1.8 million days: 95 s).
_DATES = """
SELECT day::date AS date FROM generate_series($1::timestamp, $2::timestamp, interval '1 day') AS day
WHERE coalesce(
    (SELECT true FROM workdays WHERE date = day::date AND state = 'computed' ORDER BY date, servant LIMIT 1),
    (SELECT true FROM plan_days WHERE date = day::date AND settled LIMIT 1)
)
"""
# A day that was settled and is not kept is missing: so both are looked at.
_DRAWN = """
SELECT servant, date FROM (
    SELECT servant, date FROM workdays WHERE date = $1 AND state = 'computed'
    UNION SELECT servant, date FROM plan_days WHERE date = $1 AND settled
) AS day
ORDER BY md5(servant || $2), servant OFFSET $3 LIMIT $4
"""
_WALK = """
SELECT servant, date FROM (
    (SELECT servant, date FROM workdays WHERE (date, servant) > ($1, $2) AND state = 'computed' ORDER BY date, servant LIMIT $3)
    UNION (SELECT servant, date FROM plan_days WHERE (date, servant) > ($1, $2) AND settled ORDER BY date, servant LIMIT $3)
) AS day
ORDER BY date, servant LIMIT $3
"""
_KEPT = """
SELECT w.servant, w.date, w.content, w.edition, w.body
FROM unnest($1::text[], $2::date[]) AS day (servant, date) JOIN workdays w ON w.servant = day.servant AND w.date = day.date
"""
# A day follows from those beside it. Whose reads a device's settings move is not known before they are spread: then all wait.
_WAITING = """
SELECT servant, date FROM unnest($1::text[], $2::date[]) AS day (servant, date)
WHERE EXISTS (SELECT FROM due_device_days)
    OR EXISTS (SELECT FROM due_days due WHERE due.servant = day.servant AND abs(due.date - day.date) <= 1)
    OR EXISTS (
        SELECT FROM badges b JOIN due_reads r ON r.badge_system = b.badge_system AND r.badge_number = b.badge_number
        WHERE b.servant = day.servant AND abs(r.date - day.date) <= $3
    )
"""
_ASK = "INSERT INTO due_days (servant, date) SELECT * FROM unnest($1::text[], $2::date[])"
_NIGHT = "SELECT chunks, days, differences FROM reconciliations WHERE night = $1"
_NOTE = """
INSERT INTO reconciliations AS held (night, chunks, days, differences) VALUES ($1, 1, $2, $3)
ON CONFLICT (night) DO UPDATE SET
    chunks = held.chunks + 1, days = held.days + excluded.days, differences = held.differences + excluded.differences
RETURNING chunks, days, differences
"""


@dataclass(frozen=True, slots=True)
class StoredReconciliation:
    """Days to be compared, as a transaction sees them; the servants' locks are held by the caller."""

    transaction: Transaction

    async def dates(self, since: date, until: date) -> Sequence[date]:
        """Shows the dates of the span, its ends among them, that have computed days."""
        ends = [datetime.combine(each, time.min) for each in (since, until)]
        return [row["date"] for row in await (await self.transaction.driver()).fetch(_DATES, *ends)]

    async def drawn(self, on: date, lot: str, after: int, most: int) -> Sequence[DayKey]:
        """Draws at most so many computed days of a date, after so many that were drawn before; the same lot draws the same ones."""
        rows = await (await self.transaction.driver()).fetch(_DRAWN, on, lot, after, most)
        return [(row["servant"], row["date"]) for row in rows]

    async def walk(self, after: DayKey, most: int) -> Sequence[DayKey]:
        """Shows at most so many computed days after one, by date and servant."""
        rows = await (await self.transaction.driver()).fetch(_WALK, after[1], after[0], most)
        return [(row["servant"], row["date"]) for row in rows]

    async def kept(self, days: Collection[DayKey]) -> Mapping[DayKey, Kept]:
        """How the days are kept; one that is not is not there."""
        rows = await (await self.transaction.driver()).fetch(_KEPT, [servant for servant, _ in days], [on for _, on in days])
        return {(row["servant"], row["date"]): Kept(row["content"], row["edition"], row["body"]) for row in rows}

    async def waiting(self, days: Collection[DayKey]) -> Collection[DayKey]:
        """Those of the days for which facts are still to be computed, or for those beside them."""
        columns = [servant for servant, _ in days], [on for _, on in days]
        rows = await (await self.transaction.driver()).fetch(_WAITING, *columns, AROUND)
        return {(row["servant"], row["date"]) for row in rows}

    async def ask(self, days: Collection[DayKey]) -> None:
        """Lets the days be computed anew."""
        await (await self.transaction.driver()).execute(_ASK, [servant for servant, _ in days], [on for _, on in days])

    async def night(self, night: date) -> Night:
        """What the comparisons of a night came to so far."""
        row = await (await self.transaction.driver()).fetchrow(_NIGHT, night)
        return Night(*row) if row else Night()

    async def note(self, night: date, compared: Compared) -> Night:
        """Adds a compared chunk to its night; returns what that came to."""
        return Night(*await (await self.transaction.driver()).fetchrow(_NOTE, night, compared.days, len(compared.wrong)))
