"""The days that are to be computed anew, and the dates of devices that are to be looked at again, in PostgreSQL.

The tables are only added to, and emptied by row number: who asks never waits for who computes, and a day that is asked
for while it is being computed is computed once more.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zlib import crc32

from chassis.database import Transaction
from chassis.telemetry import carrier
from kernel.intervals import Span

from timetracking.due.use_cases import DueDay, DueRead
from timetracking.passages.domain import BadgeKey
from timetracking.plans.domain import read_plan
from timetracking.workdays.domain.kept import doubted

# What the days around a read may follow from it by: see "Which day" of the working day, a device setting ± 3.
AROUND = 3
DAY_SECONDS = 86_400
# Badges are computed side by side in so many lanes at most: more processes than that find nothing to do. Where little waits, one
# piece takes it all: a transaction has its price whatever is in it.
LANES = 8
# The lane of badges whose days could not be computed: it has its turn every few seconds, one badge at a time, so that what fails
# for good breaks nobody else's piece again and again.
APART = LANES
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
_PLANS_AT = """
SELECT DISTINCT date, content FROM plan_days
WHERE premises_on(premises, date)
    && ARRAY(SELECT unnest(premises_on($1::text[], on_::date)) FROM generate_series($2::date, $3::date, '1 day') on_)
"""
_PLANNED_SO = """
INSERT INTO due_days (servant, date)
SELECT p.servant, p.date FROM unnest($2::date[], $3::text[]) AS so (date, content)
JOIN plan_days p ON premises_on(p.premises, p.date) && premises_on($1::text[], so.date) AND p.date = so.date AND p.content = so.content
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
_ASK_READS = """
INSERT INTO due_reads (lane, late, badge_system, badge_number, date, received_at, traceparent)
SELECT lane, $6, system, number, date, received_at, $7
FROM unnest($1::smallint[], $2::text[], $3::text[], $4::date[], $5::timestamptz[]) AS read (lane, system, number, date, received_at)
"""
_HEAD = """
SELECT lane FROM (
    SELECT lanes.lane, id, sum(held) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM unnest($1::smallint[]) AS lanes (lane)
    CROSS JOIN LATERAL (
        SELECT min(id) AS id, count(*) AS held
        FROM (SELECT id FROM due_reads due WHERE due.lane = lanes.lane AND due.late = $3 ORDER BY id LIMIT $2) AS few
    ) AS first
    WHERE held > 0
) AS waiting WHERE before IS NULL OR before < $2 ORDER BY id
"""
# A piece reads as many wishes as it holds: its badges' own are looked for by badge (OFFSET 0 keeps the lane out of it), and by a plan
# of the moment, since the one that PostgreSQL keeps for all calls was made when nothing waited, and would read all that does. The
# first of a lane lie in order in its index; where PostgreSQL expects few it would sort them all.
_PLANNED_ANEW = "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_bitmapscan = off"
# A badge has four reads a day, some more: so many rows hold enough of them, and a badge's other dates are computed with them, as far
# as a piece holds; what a piece does not hold waits for the next.
_READS = """
WITH head AS MATERIALIZED (
    SELECT badge_system, badge_number, id FROM unnest($1::smallint[]) AS lanes (lane) CROSS JOIN LATERAL (
        SELECT badge_system, badge_number, id FROM due_reads due WHERE due.lane = lanes.lane AND due.late = $2 ORDER BY id LIMIT $3::integer * 8
    ) AS first
), first AS MATERIALIZED (
    SELECT badge_system, badge_number, min(id) AS place FROM head GROUP BY badge_system, badge_number ORDER BY place LIMIT $3
)
SELECT lane, badge_system, badge_number, date, array_agg(id) AS ids, min(received_at) AS received_at, array_agg(traceparent) AS traces
FROM (
    SELECT lane, badge_system, badge_number, date, id, place, received_at, traceparent FROM first CROSS JOIN LATERAL (
        SELECT lane, late, date, id, received_at, traceparent FROM due_reads due
        WHERE due.badge_number = first.badge_number AND due.badge_system = first.badge_system OFFSET 0
    ) AS its
    WHERE lane = ANY ($1::smallint[]) AND late = $2 LIMIT $4::integer * 8
) AS wished
GROUP BY lane, badge_system, badge_number, place, date ORDER BY place, date LIMIT $4
"""
_COMPUTED = """
DELETE FROM due_reads due USING unnest($1::smallint[], $2::boolean[], $3::bigint[]) AS wish (lane, late, id)
WHERE due.lane = wish.lane AND due.late = wish.late AND due.id = wish.id
"""
_TAKE = "SELECT id, servant, date FROM due_days ORDER BY id LIMIT $1"
_DONE = "DELETE FROM due_days WHERE id = ANY ($1::bigint[])"
_LATER = "INSERT INTO due_days (servant, date) SELECT servant, date FROM unnest($1::text[], $2::date[]) AS due (servant, date)"


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
        async with self.transaction.beyond_reach():
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

    async def spread(self, most: int) -> int:
        """Turns at most so many due dates of devices into due days of those who were read there; how many there were."""
        driver = await self.transaction.driver()
        # Almost always there is nothing, and to plan the statement over all months takes longer than to look.
        if not await driver.fetchval("SELECT EXISTS (SELECT FROM due_device_days)"):
            return 0
        return int(await driver.fetchval(_SPREAD, most, AROUND))

    async def take(self, most: int) -> Sequence[DueDay]:
        """Shows at most so many due days, the longest due first."""
        rows = await (await self.transaction.driver()).fetch(_TAKE, most)
        return [DueDay(row["id"], row["servant"], row["date"]) for row in rows]

    async def done(self, days: Sequence[DueDay]) -> None:
        """Takes away what was computed; what was asked for meanwhile stays."""
        await (await self.transaction.driver()).execute(_DONE, [each.id for each in days])

    async def put_off(self, days: Sequence[DueDay]) -> None:
        """Lets these wait behind all others."""
        await self.done(days)
        await (await self.transaction.driver()).execute(_LATER, [each.servant for each in days], [each.date for each in days])


@dataclass(frozen=True, slots=True)
class StoredDueReads:
    """The reads from which days are to be computed, as a transaction sees them."""

    transaction: Transaction

    async def ask_reads(self, read: Mapping[tuple[BadgeKey, date], datetime | None], *, late: bool) -> None:
        """Asks for the days of whoever holds these badges, as far as they follow from reads on these dates as sent.

        Each says when the first such read was received, None where nobody waits for it. The present trace goes on where they are computed.
        """
        wishes = [(lane_of(badge), *badge, day, read[badge, day]) for badge, day in sorted(read)]
        await self._ask(wishes, carrier().get("traceparent"), late=late)

    async def head(self, enough: int, *, late: bool, but: Collection[int] = ()) -> Sequence[int]:
        """The lane whose first such read has waited longest, and the next until so many of them are in them; none when none waits."""
        rows = await (await self.transaction.driver()).fetch(_HEAD, [lane for lane in range(LANES) if lane not in but], enough, late)
        return [row["lane"] for row in rows]

    async def any(self) -> bool:
        """Whether any read waits, or is being worked on."""
        return bool(await (await self.transaction.driver()).fetchval("SELECT EXISTS (SELECT FROM due_reads)"))

    async def reads(self, lanes: Collection[int], badges: int, dates: int, *, late: bool) -> Sequence[DueRead]:
        """Shows at most so many badges of the lanes, the longest waiting first, with the dates that wait of each, and so many in all."""
        driver, found = await self.transaction.driver(), dict[BadgeKey, DueRead]()
        await driver.execute(_PLANNED_ANEW)
        for lane, system, number, day, ids, received_at, traces in await driver.fetch(_READS, lanes, late, badges, dates):
            one = found.setdefault((system, number), DueRead(lane, late, (system, number), {}, [], set()))
            one.dates[day] = received_at
            one.wishes.extend(ids)
            one.traces.update(each for each in traces if each)
        return list(found.values())

    async def apart(self, dates: int) -> Sequence[DueRead]:
        """Shows a badge whose days could not be computed, the one that was not tried for longest, with at most so many dates."""
        return await self.reads([APART], 1, dates, late=True)

    async def hold(self, lanes: Collection[int]) -> Collection[int]:
        """Takes those of the lanes on which nobody else works to the end of the transaction; which."""
        return {int(lane) for lane in await self.transaction.try_lock("due-reads", [str(lane) for lane in sorted(lanes)])}

    async def wait(self, lane: int) -> None:
        """Waits for who works on the lane."""
        await self.transaction.lock("due-reads", (str(lane),))

    async def computed(self, reads: Collection[DueRead]) -> None:
        """Takes away what was computed; what was asked for meanwhile stays."""
        wishes = [(each.lane, each.late, wish) for each in reads for wish in each.wishes]
        await (await self.transaction.driver()).execute(_COMPUTED, *map(list, zip(*wishes, strict=True)))

    async def put_off(self, reads: Collection[DueRead]) -> None:
        """Lets these wait apart."""
        await self.computed(reads)
        for each in reads:
            await self._ask([(APART, *each.badge, day, at) for day, at in each.dates.items()], next(iter(each.traces), None), late=True)

    async def _ask(self, rows: Sequence[tuple[int, str, str, date, datetime | None]], trace: str | None, *, late: bool) -> None:
        if rows:
            await (await self.transaction.driver()).execute(_ASK_READS, *zip(*rows, strict=True), late, trace)


def lane_of(badge: BadgeKey) -> int:
    """The lane of a badge, the same in every process."""
    return crc32(":".join(badge).encode()) % LANES
