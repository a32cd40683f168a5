"""Days and findings as they are asked for: read past the domain, filtered by the caller's reach in SQL.

A row outside of the reach is not there. The order of each list stands in its query; a page goes on after the last key.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chassis.access import Caller
from chassis.database import Transaction
from chassis.projections import FIRST_BEHIND, refuse_behind
from kernel.faults import NotFound

from timetracking.devices.repository import devices_of
from timetracking.findings.domain import Finding
from timetracking.findings.repository import finding_of
from timetracking.names import workday_name
from timetracking.passages.domain import Reader
from timetracking.plans.domain import PlannedDay, read_plan
from timetracking.workdays.domain import Direction, Read, Seconds
from timetracking.workdays.domain.kept import KeptDay, ReadContext, content_of
from timetracking.workdays.repository import kept_of

# Whose rows a caller sees; $1…$6 are the reach: nation, regions, bodies, own, controlled units and controlled people.
_REACHED = """
($1::boolean OR {body} = ANY ($3::text[]) OR {body} IN (SELECT body FROM body_states WHERE region = ANY ($2::text[])) OR {besides})
"""
_CONTROLLED = "w.body || '/' || w.unit = ANY ($5::text[]) OR w.body || '/' || w.servant = ANY ($6::text[])"
_OF_ROWS = _REACHED.format(body="w.body", besides=f"w.servant = $4::text OR {_CONTROLLED}")
# A finding has no unit of its own: it is of the unit of its day.
_OF_FINDINGS = _REACHED.format(
    body="f.body",
    besides=f"f.servant = $4::text OR EXISTS (SELECT FROM workdays w WHERE w.servant = f.servant AND w.date = f.date AND ({_CONTROLLED}))",
)
_IN_BODY = "$7::text IN (SELECT split_part(each, '/', 1) FROM unnest($5::text[] || $6::text[]) AS each)"
_BODY = f"SELECT {_REACHED.format(body='$7::text', besides=_IN_BODY)} AND $4::text IS NOT DISTINCT FROM $4::text"
_SERVANT = f"SELECT EXISTS (SELECT FROM appointments w WHERE w.servant = $7::text AND {_OF_ROWS}) OR $7::text = $4::text"
_DAYS = f"""
SELECT w.* FROM workdays w
WHERE {_OF_ROWS} AND ($7::text IS NULL OR w.body = $7) AND ($8::text IS NULL OR w.servant = $8) AND w.date BETWEEN $9 AND $10
    AND (w.servant, w.date) > ($11, $12)
ORDER BY w.servant, w.date LIMIT $13
"""
# The day that is asked for most, in one round trip with whether anything is known well enough to answer.
_DAY = f"""
SELECT {FIRST_BEHIND.format(topics="$9")} AS behind, w.*
FROM (SELECT) AS asked LEFT JOIN workdays w ON {_OF_ROWS} AND w.servant = $7 AND w.date = $8
"""
_VERSIONS = "SELECT revision, computed_at, state, content, edition FROM workday_versions WHERE servant = $1 AND date = $2 ORDER BY revision"
_PLAN = "SELECT date, body, unit, zone, content FROM plan_days WHERE servant = $1 AND date = $2"
_FINDINGS_OF_DAY = "SELECT f.* FROM findings f WHERE f.servant = $1 AND (f.date = $2 OR f.until = $2) ORDER BY f.first, f.kind"
_FINDINGS = f"""
SELECT f.*, coalesce(f.servant, f.device) AS subject FROM findings f
WHERE {_OF_FINDINGS} AND ($7::text IS NULL OR f.body = $7) AND ($8::text IS NULL OR f.servant = $8)
    AND f.date <= $10 AND coalesce(f.until, f.date) >= $9
    AND ($11::text[] = '{{}}' OR f.kind = ANY ($11)) AND ($12::boolean OR f.state <> 'withdrawn')
    AND (coalesce(f.servant, f.device), f.first, f.kind, f.id) > ($13, $14, $15, $16::uuid)
ORDER BY coalesce(f.servant, f.device), f.first, f.kind, f.id LIMIT $17
"""
# A change that has no day of the body any more is of one that left. Whoever sees a part of the body would hear of other parts' days so.
_CHANGES = f"""
SELECT c.xid::text AS xid, c.id, (SELECT coalesce(max(era), 0) FROM eras) AS era, c.servant AS of_servant, c.date AS of_date, w.*
FROM workday_changes c LEFT JOIN workdays w ON w.servant = c.servant AND w.date = c.date AND w.body = $7 AND {_OF_ROWS}
WHERE c.body = $7 AND c.xid < pg_snapshot_xmin(pg_current_snapshot()) AND (c.xid, c.id) > ($8::text::xid8, $9)
    AND (w.servant IS NOT NULL OR $11 AND {_REACHED.format(body="c.body", besides="false")})
ORDER BY c.xid, c.id LIMIT $10
"""
_ELSEWHERE = """
SELECT w.servant, w.date FROM unnest($1::text[], $2::date[]) AS day (servant, date) JOIN workdays w ON w.servant = day.servant AND w.date = day.date
"""
_EDGE = "SELECT (SELECT coalesce(max(era), 0) FROM eras) AS era, pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS xid"
# The numbers of another era are those of changes that this database may never have had.
_PURGED = """
SELECT (SELECT coalesce(max(era), 0) FROM eras) = $3::bigint
    AND coalesce((SELECT (xid, id) <= ($1::text::xid8, $2::bigint) FROM purged_changes), true)
"""
_CONTEXTS = """
SELECT DISTINCT p.device, p.event_key, p.wall_time, p.utc_offset, p.direction, p.received_at
FROM unnest($1::text[], $2::text[]) AS read (device, event_key)
JOIN passages p ON p.device = read.device AND p.event_key = read.event_key
JOIN badges b ON b.badge_system = p.badge_system AND b.badge_number = p.badge_number AND b.servant = $5
WHERE p.wall_time BETWEEN $3 AND $4
"""

# A read lies so near to its day's window, whatever its device's time policy makes of its wall time.
AROUND_A_WINDOW = timedelta(days=4)
BEGINNING = "start"
LOWEST = "00000000-0000-0000-0000-000000000000"


ReadKey = tuple[str, str, int, Direction]
# A place among the changes: the era of the database, the number of the transaction, and the change's own.
Cursor = tuple[int, int, int]


def read_key(read: Read) -> ReadKey:
    """Which of the servant's reads it is: a device may use an event key twice."""
    return read.device, read.event_key, read.at, read.sent


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows a list is of: of a body or of a servant, in a span of dates."""

    body: str | None
    servant: str | None
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Version:
    """A day as it was computed once."""

    revision: int
    computed_at: datetime
    state: str
    seconds: Seconds
    edition: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A day with everything that it follows from."""

    day: KeptDay
    plan: PlannedDay | None
    findings: Sequence[Finding]
    versions: Sequence[Version]
    contexts: dict[ReadKey, ReadContext]
    """What is known of each read beside the day."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a day, with the cursor after it: the day, or the name of one that is of another body now; neither where it is of none."""

    cursor: Cursor
    day: KeptDay | None = None
    left: str = ""


class WorkdayViews:
    """What a caller may see of days and findings, in one transaction."""

    def __init__(self, transaction: Transaction, caller: Caller) -> None:
        self._transaction = transaction
        reach = caller.reach
        control = sorted(reach.control.units), sorted(reach.control.people)
        self._reach = (reach.nation, sorted(reach.regions), sorted(reach.bodies), reach.servant, *control)

    async def require(self, wanted: Wanted) -> None:
        """Raises NotFound where body or servant are out of reach or not known."""
        driver = await self._transaction.driver()
        if wanted.body is not None and not await driver.fetchval(_BODY, *self._reach, wanted.body):
            raise NotFound(f"stateBodies/{wanted.body}")
        if wanted.servant is not None and not await driver.fetchval(_SERVANT, *self._reach, wanted.servant):
            raise NotFound(f"servants/{wanted.servant}")

    async def days(self, wanted: Wanted, after: str, limit: int) -> list[KeptDay]:
        """Days by servant and date; `after` is the last key of the page before, as `day_key` writes it."""
        servant, day = json.loads(after) if after else ("", "0001-01-01")
        rows = await self._fetch(_DAYS, wanted.body, wanted.servant, wanted.since, wanted.until, servant, date.fromisoformat(day), limit)
        return [kept_of(row) for row in rows]

    async def day(self, servant: str, day: date, needed: Sequence[str] = ()) -> KeptDay:
        """One day; NotFound where it is out of reach, or nothing is known of it yet, Unavailable while a needed topic is behind."""
        (row,) = await self._fetch(_DAY, servant, day, needed)
        refuse_behind(row["behind"])
        if row["servant"] is None:
            raise NotFound(workday_name(servant, day))
        return kept_of(row)

    async def explanation(self, servant: str, day: date, default_zone: str) -> Explanation:
        """One day with its plan, findings, versions and the receipt of its reads; NotFound as `day`.

        `default_zone` is counted with where a body's zone is not known.
        """
        kept = await self.day(servant, day)
        driver = await self._transaction.driver()
        plan = await driver.fetchrow(_PLAN, servant, day)
        versions = await driver.fetch(_VERSIONS, servant, day)
        findings = await driver.fetch(_FINDINGS_OF_DAY, servant, day)
        reads = kept.content.reads
        start, end = (datetime.fromtimestamp(at, UTC).replace(tzinfo=None) for at in kept.content.window)
        devices, keys = [read.device for read, _ in reads], [read.event_key for read, _ in reads]
        # Who sees a day sees what is known of its reads, at devices of other bodies too.
        async with self._transaction.beyond_reach():
            received = await driver.fetch(_CONTEXTS, devices, keys, start - AROUND_A_WINDOW, end + AROUND_A_WINDOW, servant)
            contexts = await _contexts(driver, received, default_zone)
        return Explanation(
            day=kept,
            plan=_planned(plan) if plan else None,
            findings=[finding_of(row) for row in findings if row["state"] != "withdrawn"],
            versions=[
                Version(row["revision"], row["computed_at"], row["state"], content_of(day, row["content"]).seconds, row["edition"])
                for row in versions
            ],
            contexts=contexts,
        )

    async def findings(self, wanted: Wanted, kinds: Sequence[str], withdrawn: bool, after: str, limit: int) -> list[Finding]:
        """Findings by servant or device, first second and kind; `after` as `finding_key` writes it."""
        last = json.loads(after) if after else ("", -(2**62), "", LOWEST)
        rows = await self._fetch(_FINDINGS, wanted.body, wanted.servant, wanted.since, wanted.until, sorted(kinds), withdrawn, *last, limit)
        return [finding_of(row) for row in rows]

    async def edge(self) -> Cursor:
        """The cursor behind everything that has been committed: what changes from now on comes after it."""
        driver = await self._transaction.driver()
        edge = await driver.fetchrow(_EDGE)
        return edge["era"], edge["xid"], 2**62

    async def kept_since(self, cursor: Cursor) -> bool:
        """Whether all changes after the cursor are still there; where the database was restored since, nobody knows."""
        driver = await self._transaction.driver()
        return bool(await driver.fetchval(_PURGED, str(cursor[1]), cursor[2], cursor[0]))

    async def changes(self, body: str, cursor: Cursor, limit: int, *, left: bool = False) -> list[Change]:
        """The changes of a body's days after the cursor, in the order of their transactions, with `left` also of those that left it.

        The day is as it is now.
        """
        rows = await self._fetch(_CHANGES, body, str(cursor[1]), cursor[2], limit, left)
        gone = {(row["of_servant"], row["of_date"]) for row in rows if row["servant"] is None}
        elsewhere = await self._elsewhere(gone) if gone else set()
        return [_change(row, elsewhere) for row in rows]

    async def _elsewhere(self, days: Collection[tuple[str, date]]) -> set[tuple[str, date]]:
        """Those of the days that there are, in whatever body: of whoever was erased there are none, and nobody is named."""
        driver = await self._transaction.driver()
        async with self._transaction.beyond_reach():
            rows = await driver.fetch(_ELSEWHERE, [servant for servant, _ in days], [day for _, day in days])
        return {(row["servant"], row["date"]) for row in rows}

    async def _fetch(self, query: str, *arguments: object) -> list[Any]:
        driver = await self._transaction.driver()
        return list(await driver.fetch(query, *self._reach, *arguments))


async def _contexts(driver: Any, rows: Sequence[Any], default_zone: str) -> dict[ReadKey, ReadContext]:
    devices, found = await devices_of(driver, {row["device"] for row in rows}), dict[ReadKey, ReadContext]()
    for row in rows:
        if row["device"] not in devices:
            continue
        (device, zone), key, wall_time = devices[row["device"]], row["event_key"], row["wall_time"]
        read, twice = Reader(device, zone or default_zone).read(key, wall_time, row["utc_offset"], Direction(row["direction"]))
        found[read_key(read)] = ReadContext(
            body=device.body,
            premises=device.settings_for(key, wall_time).premises,
            received_at=row["received_at"],
            occurred_twice=twice,
            clock_off=False,
        )
    return found


def _change(row: Any, elsewhere: Collection[tuple[str, date]]) -> Change:
    cursor = row["era"], int(row["xid"]), row["id"]
    if row["servant"] is not None:
        return Change(cursor, kept_of(row))
    key = row["of_servant"], row["of_date"]
    return Change(cursor, left=workday_name(*key) if key in elsewhere else "")


def day_key(day: KeptDay) -> str:
    """Where a page of days ends."""
    return json.dumps([day.servant, day.content.date.isoformat()])


def finding_key(finding: Finding) -> str:
    """Where a page of findings ends."""
    return json.dumps([finding.servant or finding.device, finding.claim.first, finding.claim.kind, str(finding.claim.id)])


def _planned(row: Any) -> PlannedDay:
    plan, details = read_plan(row["date"], row["content"])
    return PlannedDay(plan, row["body"], row["unit"], row["zone"], details)
