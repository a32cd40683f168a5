"""What devices have stored, and what is looked for in it, in PostgreSQL.

The counts of stored passages are read before the passages: what comes meanwhile is another count, and is looked at again.
The rows of the counts are written last, so that nobody who stores passages waits for a look.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis.database import Transaction

from timetracking.device_findings.domain import MISSING_NUMBERS, NUMBER_REUSED, SILENT, Crowd, DeviceRead, Reads, crowd_of
from timetracking.device_findings.use_cases import Pace, Wanted, Watched
from timetracking.devices.domain import event_number, instant_of
from timetracking.devices.repository import devices_of
from timetracking.findings.domain import Finding
from timetracking.findings.repository import finding_of, save_findings
from timetracking.plans.domain import read_plan

NOT_SENT = -86_400
# A number that is used again is found so far away: beyond it no passage of the one time can come with those of the other.
AROUND_A_NUMBER = timedelta(days=400)


def _on_its_way(dates: str) -> str:
    """What a device `d` sent on these dates and nobody has recorded yet, by its account."""
    return f"""
        SELECT FROM device_receipts came LEFT JOIN device_days done ON done.device = came.device AND done.date = came.date
        WHERE came.device = d.serial AND {dates} AND came.received - came.repeated - came.no_passages - came.written_off > coalesce(done.received, 0) + (
            SELECT count(*) FROM parked_records p WHERE p.device = came.device AND p.date = came.date AND p.state IN ('parked', 'sent_again')
        )
    """


# The reader of accounts says twice a second that all is counted, while it is so.
HEARD_S = 10

# A date whose passages are to be looked at, of the device `d` with its `look`.
_READY = f"""
held.stored <> held.looked_at_stored AND (
    held.pending_since <= clock_timestamp() - make_interval(secs => $4::float8)
    OR held.looked_at <= clock_timestamp() - held.stored * make_interval(secs => $3)
        AND EXISTS (SELECT FROM account_levels WHERE at >= held.changed_at + make_interval(secs => $2))
        AND NOT EXISTS ({_on_its_way("came.date = held.date")})
)
"""
# Whether the silence of the device can be told: everything that it dates yesterday, today or tomorrow is counted and recorded. What is
# lost for good keeps it so long, unless it is written off.
_QUIET = f"""
($4::float8 = 0 OR (
    EXISTS (SELECT FROM account_levels WHERE at >= clock_timestamp() - make_interval(secs => {HEARD_S}))
    AND NOT EXISTS ({_on_its_way("came.date BETWEEN $1::timestamptz::date - 1 AND $1::timestamptz::date + 1")})
))
"""
# The date before which looks are due for what somebody asked, though silence cannot be told.
_TOLD = "(coalesce(look.looked_until, $1::timestamptz - interval '1 day')::date - 1)"
_LOOKS = "devices d LEFT JOIN device_looks look ON look.device = d.serial"
_ONCE_MORE = "($4::float8 = 0 OR look.not_before IS NULL OR look.not_before <= clock_timestamp())"
_NEXT = f"""
SELECT DISTINCT serial FROM unnest(ARRAY[
    (SELECT d.serial FROM device_days held JOIN ({_LOOKS}) ON d.serial = held.device
     WHERE {_ONCE_MORE} AND {_READY} ORDER BY held.pending_since LIMIT 1),
    (SELECT d.serial FROM due_looks due JOIN ({_LOOKS}) ON d.serial = due.device
     WHERE {_ONCE_MORE} AND (NOT due.silence AND due.date < {_TOLD} OR {_QUIET}) ORDER BY due.id LIMIT 1),
    (SELECT d.serial FROM {_LOOKS} WHERE {_ONCE_MORE} AND (look.due_at IS NULL OR look.due_at <= $1) AND {_QUIET} ORDER BY d.serial LIMIT 1)
]) AS serial WHERE serial IS NOT NULL ORDER BY serial
"""
_DATES = f"""
SELECT held.date, held.stored, {_READY} AS changed FROM device_days held JOIN devices d ON d.serial = held.device
WHERE held.device = $1 ORDER BY held.date
"""
_LOOK = f"SELECT look.looked_until, look.due_at, {_QUIET} AS quiet, {_TOLD} AS told FROM {_LOOKS} WHERE d.serial = $2".replace("$4", "$3")
_ASKS = "SELECT id, date, silence FROM due_looks WHERE device = $1"
_OPENED = "SELECT * FROM findings WHERE device = $1 AND state <> 'withdrawn' AND kind = ANY ($2::text[])"
# The kind stands in the text: only so the index over silences is taken. What a clock dates far ahead ends no silence.
_SILENT = f"""
SELECT count(*) FROM devices d
JOIN LATERAL (
    SELECT f.last FROM findings f WHERE f.device = d.serial AND f.kind = '{SILENT}' AND f.state <> 'withdrawn'
    ORDER BY f.date DESC, f.last DESC LIMIT 1
) AS newest ON true
LEFT JOIN body_states b ON b.body = d.body
WHERE d.revoked_at IS NULL AND NOT EXISTS (
    SELECT FROM passages p WHERE p.device = d.serial
        AND p.wall_time >= to_timestamp(newest.last) AT TIME ZONE coalesce(b.zone, $2)
        AND p.wall_time < ($1::timestamptz + interval '1 day') AT TIME ZONE coalesce(b.zone, $2)
)
"""
_FINDINGS = "SELECT * FROM findings WHERE device = $1 AND (date = ANY ($2::date[]) OR id = ANY ($3::uuid[]))"
_COLUMNS = """
p.event_key, p.wall_time, p.utc_offset, p.badge_system, p.badge_number, p.direction, p.received_at, p.live, p.previous_event_number
"""
_READS = f"""
SELECT {_COLUMNS} FROM unnest($2::date[]) AS day
JOIN passages p ON p.device = $1 AND p.wall_time >= day AND p.wall_time < day + 1
WHERE p.wall_time >= $3::date AND p.wall_time < $4::date + 1
"""
_WITH_KEYS = f"""
SELECT {_COLUMNS} FROM unnest($2::text[]) AS key JOIN passages p ON p.device = $1 AND p.event_key = key
WHERE p.wall_time::date <> ALL ($3::date[]) AND p.wall_time >= $4::date AND p.wall_time < $5::date
"""
_STORED = "SELECT DISTINCT p.event_key FROM unnest($2::text[]) AS key JOIN passages p ON p.device = $1 AND p.event_key = key"
_SPANS = """
SELECT b.badge_system, b.badge_number, lower(b.span) AS since, upper(b.span) AS until
FROM unnest($1::text[], $2::text[]) AS badge (system, number)
JOIN badges b ON b.badge_system = badge.system AND b.badge_number = badge.number
"""
_CROWDS = """
SELECT date, content, count(*) AS people FROM plan_days
WHERE premises_on(premises, date) && ARRAY(SELECT unnest(premises_on(ARRAY[$1], on_::date)) FROM generate_series($2::date, $3::date, '1 day') on_)
GROUP BY date, content
"""
_LOOKED = """
UPDATE device_days held SET looked_at_stored = looked.stored, looked_at = clock_timestamp(),
    -- What came during the look waits from its beginning on.
    pending_since = CASE WHEN held.stored <> looked.stored THEN now() ELSE held.pending_since END
FROM unnest($2::date[], $3::bigint[]) AS looked (date, stored) WHERE held.device = $1 AND held.date = looked.date
"""
_WATCHED = """
INSERT INTO device_looks (device, looked_until, due_at) VALUES ($1, $2, $3)
ON CONFLICT (device) DO UPDATE SET looked_until = excluded.looked_until, due_at = excluded.due_at
"""
_PUT_OFF = """
INSERT INTO device_looks AS look (device, failed, not_before) VALUES ($1, 1, clock_timestamp() + make_interval(secs => least($2::float8, $3::float8)))
ON CONFLICT (device) DO UPDATE SET failed = least(look.failed + 1, 30), -- more does not count: twice as long thirty times is for ever
    not_before = clock_timestamp() + make_interval(secs => least($2::float8 * 2 ^ look.failed, $3::float8))
"""
_WENT_WELL = "UPDATE device_looks SET failed = 0 WHERE device = $1 AND failed > 0"
_ANSWERED = "DELETE FROM due_looks WHERE id = ANY ($1::bigint[])"


@dataclass(frozen=True, slots=True)
class StoredLooks:
    """What devices have stored and what is known of it; the device's lock is held by the caller."""

    transaction: Transaction
    default_zone: str

    async def next(self, horizon: datetime, pace: Pace) -> Sequence[str]:
        """The serials of devices to be looked at at this pace: whose passages, or whose asker, have waited longest; whose silence is due."""
        return [row["serial"] for row in await (await self.transaction.driver()).fetch(_NEXT, horizon, *_of(pace))]

    async def silent(self, now: datetime) -> int:
        """Of how many devices a silence is found that no passage has ended; those that were revoked are not waited for."""
        return int(await (await self.transaction.driver()).fetchval(_SILENT, now, self.default_zone))

    async def wanted(self, device: str, horizon: datetime, pace: Pace, most: int) -> Wanted:
        """What is to be looked at at this pace, at most so many dates of each sort."""
        driver = await self.transaction.driver()
        ((enrolled, zone),) = (await devices_of(driver, {device})).values()
        look = await driver.fetchrow(_LOOK, horizon, device, pace.longest_s)
        asks = [row for row in await driver.fetch(_ASKS, device) if look["quiet"] or (not row["silence"] and row["date"] < look["told"])]
        rows = await driver.fetch(_DATES, device, *_of(pace))
        changed = [row["date"] for row in rows if row["changed"]][-most:]
        asked, silences = (sorted({row["date"] for row in asks if row["silence"] is silence})[:most] for silence in (False, True))
        opened = await driver.fetch(_OPENED, device, [MISSING_NUMBERS, NUMBER_REUSED, SILENT])
        return Wanted(
            device=enrolled,
            zone=ZoneInfo(zone or self.default_zone),
            active=[row["date"] for row in rows if row["stored"]],
            counts={row["date"]: row["stored"] for row in rows},
            changed=changed,
            asked=asked,
            silences=silences,
            asks=[row["id"] for row in asks if row["date"] in (silences if row["silence"] else asked)],
            quiet=look["quiet"],
            horizon=horizon if look["quiet"] else look["looked_until"] or horizon - timedelta(days=1),
            looked_until=look["looked_until"],
            due_at=look["due_at"],
            opened=[finding_of(row) for row in opened],
        )

    async def put_off(self, device: str, pace: Pace) -> None:
        """Looks at the device again only when the pace lets a look that failed have its turn, in real time."""
        await (await self.transaction.driver()).execute(_PUT_OFF, device, pace.failed_s, pace.longest_s)

    async def reads(self, wanted: Wanted, dates: Collection[date]) -> Reads:
        """The reads of these dates as sent, with their instants and whether somebody holds the badge."""
        if not dates:
            return {}
        rows = await (await self.transaction.driver()).fetch(_READS, wanted.device.serial, sorted(dates), min(dates), max(dates))
        found: dict[date, list[DeviceRead]] = {day: [] for day in dates}
        for read in await self._read(wanted, rows):
            found[read.day].append(read)
        for held in found.values():
            held.sort()  # what is in order is soon in order again: each that looks for something puts it in order for itself
        return found

    async def with_the_keys_of(self, wanted: Wanted, reads: Iterable[DeviceRead]) -> Sequence[DeviceRead]:
        """All reads on other dates that share an event number with one of these, as far before and after as a passage may come late.

        Other keys hold their date. So a look costs the same after one year of history and after five.
        """
        numbered = [read for read in reads if read.number >= 0]
        keys, dates = {read.event_key for read in numbered}, {read.day for read in numbered}
        if not keys:
            return []
        bounds = min(dates) - AROUND_A_NUMBER, max(dates) + AROUND_A_NUMBER
        rows = await (await self.transaction.driver()).fetch(_WITH_KEYS, wanted.device.serial, sorted(keys), sorted(dates), *bounds)
        return await self._read(wanted, rows)

    async def stored_numbers(self, device: str, numbers: Collection[int]) -> Collection[int]:
        """Those of the event numbers under which the device has a passage, whenever."""
        if not numbers:
            return ()
        rows = await (await self.transaction.driver()).fetch(_STORED, device, [str(each) for each in sorted(numbers)])
        return {int(row["event_key"]) for row in rows}

    async def crowds(self, premises: str, since: date, until: date) -> Sequence[Crowd]:
        """Who is to be at the premises on the dates, both included: people with equal plans are one crowd."""
        rows = await (await self.transaction.driver()).fetch(_CROWDS, premises, since, until)
        found = (crowd_of(*read_plan(row["date"], row["content"]), premises, row["people"]) for row in rows)
        return [crowd for crowd in found if crowd is not None]

    async def findings(self, device: str, dates: Collection[date], ids: Collection[UUID]) -> Sequence[Finding]:
        """The device's findings of these dates or with these IDs, withdrawn ones too."""
        rows = await (await self.transaction.driver()).fetch(_FINDINGS, device, sorted(dates), list(ids))
        return [finding_of(row) for row in rows]

    async def keep(self, wanted: Wanted, findings: Sequence[Finding], watched: Watched | None, at: datetime) -> None:
        """Saves what changed, with its events, and that what was wanted has been looked at."""
        await save_findings(self.transaction, findings, at)
        driver = await self.transaction.driver()
        await driver.execute(_WENT_WELL, wanted.device.serial)
        if wanted.asks:
            await driver.execute(_ANSWERED, wanted.asks)
        if watched is not None and wanted.quiet:
            await driver.execute(_WATCHED, wanted.device.serial, watched.until, watched.due_at)
        if wanted.changed:
            counts = [wanted.counts[day] for day in wanted.changed]
            await driver.execute(_LOOKED, wanted.device.serial, list(wanted.changed), counts)

    async def _read(self, wanted: Wanted, rows: Sequence[Any]) -> list[DeviceRead]:
        spans = await self._spans({(row["badge_system"], row["badge_number"]) for row in rows})
        device, zone, found = wanted.device, wanted.zone.key, list[DeviceRead]()
        for key, wall_time, offset, system, badge, direction, received_at, live, previous in rows:
            at, _ = instant_of(device.settings_for(key, wall_time), wall_time, offset, zone)
            number = event_number(key)
            found.append(
                DeviceRead(
                    at,
                    key,
                    wall_time,
                    NOT_SENT if offset is None else offset,
                    f"{system}:{badge}",
                    direction,
                    int(received_at.timestamp()),
                    live,
                    any(since <= at < until for since, until in spans.get((system, badge), ())),
                    -1 if number is None else number,
                    -1 if previous is None else previous,
                )
            )
        return found

    async def _spans(self, badges: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], list[tuple[float, float]]]:
        """When each badge is held by anybody, in seconds since 1970."""
        ordered = sorted(badges)
        driver = await self.transaction.driver()
        spans: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for row in await driver.fetch(_SPANS, [system for system, _ in ordered], [number for _, number in ordered]):
            since = row["since"].timestamp() if row["since"] is not None else float("-inf")
            until = row["until"].timestamp() if row["until"] is not None else float("inf")
            spans.setdefault((row["badge_system"], row["badge_number"]), []).append((since, until))
        return spans


def _of(pace: Pace) -> tuple[float, float, float]:
    return pace.paused_s, pace.passage_s, pace.longest_s
