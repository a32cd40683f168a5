"""Days in PostgreSQL, loaded and saved in bulk: one statement a table, however many servants a transaction touches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chassis.database import Transaction
from kernel.identifiers import new_id

from timetracking.devices.repository import devices_of
from timetracking.findings.domain import Finding
from timetracking.findings.repository import finding_of, save_findings
from timetracking.passages.domain import read_of
from timetracking.plans.domain import read_plan
from timetracking.workdays.domain import Direction, Facts, Order, OrderKind, Plan, PlanKind, Read, Session
from timetracking.workdays.domain.kept import KeptDay, Placement, ReadContext, content_of, doubted, text_of
from timetracking.workdays.events import TOPIC, message
from timetracking.workdays.use_cases import Known, Need

# Facts reach over the dates asked for: plans by two before and three after, reads by the windows beside and the span of a time policy.
PLANS_BEFORE, PLANS_AFTER = 2, 3
READS_AROUND = timedelta(days=4)
DAY_SECONDS = 86_400
# Changes that a purge forgets at once: a transaction ends well within its five seconds.
PURGED_AT_ONCE = 5_000
EPOCH = date(1970, 1, 1)

_PLANS = """
SELECT p.servant, p.date, p.body, p.unit, p.zone, p.content, p.premises
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN plan_days p ON p.servant = need.servant AND p.date BETWEEN need.since AND need.until
"""
_ORDERS = """
SELECT DISTINCT o.servant, o.date, o.kind, o.starts, o.ends, o.breaks
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN orders o ON o.servant = need.servant AND o.date BETWEEN need.since AND need.until AND o.in_force
"""
_PASSAGES = """
SELECT need.servant, lower(b.span) AS held_since, upper(b.span) AS held_until,
       p.device, p.event_key, p.wall_time, p.utc_offset, p.direction, p.received_at
FROM unnest($1::text[], $2::timestamp[], $3::timestamp[]) AS need (servant, since, until)
JOIN badges b ON b.servant = need.servant
JOIN passages p ON p.badge_system = b.badge_system AND p.badge_number = b.badge_number
    AND p.wall_time >= need.since AND p.wall_time < need.until
"""
_SESSIONS = """
SELECT DISTINCT s.servant, s.starts, s.ends
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS need (servant, since, until)
JOIN remote_sessions s ON s.servant = need.servant AND s.starts < need.until AND coalesce(s.ends, s.starts) >= need.since
"""
_KEPT = """
SELECT DISTINCT w.servant, w.date, w.body, w.unit, w.plan_kind, w.content, w.marks, w.revision, w.edition, w.computed_at
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN workdays w ON w.servant = need.servant AND w.date BETWEEN need.since AND need.until
"""
_FINDINGS = """
SELECT DISTINCT f.*
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN findings f ON f.servant = need.servant AND f.date BETWEEN need.since AND need.until
"""
_APPOINTMENTS = """
SELECT a.servant, a.since, a.until, a.body, a.unit, a.kind, b.zone
FROM appointments a LEFT JOIN body_states b ON b.body = a.body
WHERE a.servant = ANY ($1::text[]) AND a.keeps_time AND a.kind IN ('secondment', 'main', 'temporary')
ORDER BY a.servant, array_position(ARRAY['secondment', 'main', 'temporary'], a.kind), a.since, a.appointment
"""
_DOUBTS = """
SELECT DISTINCT s.premises, f.first, coalesce(f.last, f.first) AS last
FROM findings f JOIN device_settings s ON s.device = f.device AND s.role = 'perimeter'
WHERE f.kind IN ('device_silent', 'device_missing_numbers') AND f.state <> 'withdrawn'
    AND s.premises = ANY ($1::text[]) AND coalesce(f.last, f.first) >= $2 AND f.first <= $3
"""
_CLOCKS = """
SELECT device, date FROM findings
WHERE kind = 'device_clock' AND state <> 'withdrawn' AND device = ANY ($1::text[])
"""
_SAVE = """
INSERT INTO workdays AS w (servant, date, body, unit, plan_kind, state, content, marks, works_from, works_to, revision, edition, computed_at)
SELECT servant, date, body, unit, plan_kind, state, content, string_to_array(marks, ','), works_from, works_to, revision, $12, $13
FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[])
    AS day (servant, date, body, unit, plan_kind, state, content, marks, works_from, works_to, revision)
ON CONFLICT (servant, date) DO UPDATE SET
    body = excluded.body, unit = excluded.unit, plan_kind = excluded.plan_kind, state = excluded.state, content = excluded.content, marks = excluded.marks,
    works_from = excluded.works_from, works_to = excluded.works_to, revision = excluded.revision,
    edition = excluded.edition, computed_at = excluded.computed_at
"""
_VERSIONS = """
INSERT INTO workday_versions (servant, date, revision, state, content, edition, computed_at)
SELECT servant, date, revision, state, content, $6, $7
FROM unnest($1::text[], $2::date[], $3::bigint[], $4::text[], $5::text[]) AS day (servant, date, revision, state, content)
"""
_CHANGES = """
INSERT INTO workday_changes (servant, date, body)
SELECT servant, date, body FROM unnest($1::text[], $2::date[], $3::text[]) WITH ORDINALITY AS day (servant, date, body, place)
ORDER BY place
"""
_SETTLE = """
UPDATE plan_days p SET settled = true
FROM unnest($1::text[], $2::date[]) AS day (servant, date)
WHERE p.servant = day.servant AND p.date = day.date AND NOT p.settled
"""
# Changes are in the order of their transactions, which is that of time to within seconds: what goes are the first ones.
_PURGE = """
WITH first AS (SELECT xid, id, changed_at FROM workday_changes ORDER BY xid, id LIMIT $2),
     gone AS (
         DELETE FROM workday_changes c USING first
         WHERE (c.xid, c.id) = (first.xid, first.id) AND first.changed_at < $1 RETURNING c.xid, c.id
     ),
     last AS (
         INSERT INTO purged_changes AS held (one, xid, id) SELECT true, xid, id FROM gone ORDER BY xid DESC, id DESC LIMIT 1
         ON CONFLICT (one) DO UPDATE SET xid = excluded.xid, id = excluded.id WHERE (held.xid, held.id) < (excluded.xid, excluded.id)
     )
SELECT count(*) FROM gone
"""
_AGAIN = """
UPDATE plan_days p SET window_end = $4
FROM unnest($1::text[], $2::date[]) AS day (servant, date)
WHERE p.servant = day.servant AND p.date = day.date AND NOT p.settled AND p.window_end <= $3
"""
_WALK = """
SELECT servant, date, computed_at FROM workdays
WHERE $1::text IS NULL OR (servant, date) > ($1, $2::date) ORDER BY servant, date LIMIT $3
"""
_STATES = """
SELECT w.* FROM unnest($1::text[], $2::date[]) AS day (servant, date)
JOIN workdays w ON w.servant = day.servant AND w.date = day.date ORDER BY w.servant, w.date
"""
_DUE = "SELECT servant, date FROM plan_days WHERE NOT settled AND window_end <= $1 ORDER BY window_end, servant LIMIT $2"


@dataclass(slots=True)
class _Gathered:
    """What was loaded of one servant, while it is being put together."""

    plans: dict[date, Plan] = field(default_factory=dict)
    zones: dict[date, str] = field(default_factory=dict)
    placements: dict[date, Placement] = field(default_factory=dict)
    premises: dict[date, frozenset[str]] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    contexts: dict[tuple[str, str, int], ReadContext] = field(default_factory=dict)
    kept: dict[date, KeptDay] = field(default_factory=dict)
    findings: dict[date, list[Finding]] = field(default_factory=dict)
    zone: str = ""


class StoredDays:
    """The days as a transaction sees them; the servants' locks are held by the caller."""

    def __init__(self, transaction: Transaction, default_zone: str) -> None:
        self._transaction = transaction
        self._default_zone = default_zone

    async def known(self, needs: Sequence[Need]) -> Mapping[str, Known]:
        """Everything that the days of these needs are computed from and compared with."""
        driver = await self._transaction.driver()
        found = {need.servant: _Gathered(zone=self._default_zone) for need in needs}
        names, since, until = [n.servant for n in needs], [n.since for n in needs], [n.until for n in needs]
        wide = [day - timedelta(days=PLANS_BEFORE) for day in since], [day + timedelta(days=PLANS_AFTER) for day in until]
        for row in await driver.fetch(_PLANS, names, *wide):
            one = found[row["servant"]]
            one.plans[row["date"]] = read_plan(row["date"], row["content"])[0]
            one.zones[row["date"]] = row["zone"]
            one.placements[row["date"]] = Placement(row["body"], row["unit"])
            one.premises[row["date"]] = frozenset(row["premises"])
        for row in await driver.fetch(_ORDERS, names, *wide):
            breaks = tuple(zip(row["breaks"][::2], row["breaks"][1::2], strict=True))
            found[row["servant"]].orders.append(Order(row["date"], OrderKind(row["kind"]), row["starts"], row["ends"], breaks))
        await self._placements(driver, found, needs)
        await self._reads(driver, found, needs)
        instants = [(day - EPOCH).days * DAY_SECONDS for day in wide[0]], [(day - EPOCH).days * DAY_SECONDS for day in wide[1]]
        for row in await driver.fetch(_SESSIONS, names, *instants):
            found[row["servant"]].sessions.append(Session(row["starts"], row["ends"]))
        for row in await driver.fetch(_KEPT, names, since, until):
            found[row["servant"]].kept[row["date"]] = kept_of(row)
        for row in await driver.fetch(_FINDINGS, names, since, until):
            found[row["servant"]].findings.setdefault(row["date"], []).append(finding_of(row))
        doubts = await self._doubts(driver, found, needs)
        return {
            servant: Known(
                facts=Facts(one.plans, tuple(one.orders), tuple(one.reads), tuple(one.sessions)),
                zone=one.zone,
                zones=one.zones,
                placements=one.placements,
                contexts=one.contexts,
                kept=one.kept,
                findings=one.findings,
                doubts={day: True for day in one.plans if _doubtful(one.plans[day], one.premises[day], doubts)},
            )
            for servant, one in found.items()
        }

    async def _placements(self, driver: Any, found: Mapping[str, _Gathered], needs: Sequence[Need]) -> None:
        """The body of dates without a plan, from the appointments in their precedence."""
        rows: dict[str, list[Any]] = {}
        for row in await driver.fetch(_APPOINTMENTS, list(found)):
            rows.setdefault(row["servant"], []).append(row)
        for need in needs:
            one = found[need.servant]
            held = rows.get(need.servant, [])
            if held and held[0]["zone"]:
                one.zone = held[0]["zone"]
            for offset in range((need.until - need.since).days + 1):
                day = need.since + timedelta(days=offset)
                row = next((each for each in held if each["since"] <= day and (each["until"] is None or day <= each["until"])), None)
                if row is not None:
                    one.placements.setdefault(day, Placement(row["body"], row["unit"]))
                    if row["zone"]:
                        one.zones.setdefault(day, row["zone"])

    async def _reads(self, driver: Any, found: Mapping[str, _Gathered], needs: Sequence[Need]) -> None:
        since = [datetime.combine(need.since, datetime.min.time()) - READS_AROUND for need in needs]
        until = [datetime.combine(need.until, datetime.min.time()) + READS_AROUND for need in needs]
        rows = await driver.fetch(_PASSAGES, [need.servant for need in needs], since, until)
        devices = await devices_of(driver, {row["device"] for row in rows})
        off = {(row["device"], row["date"]) for row in await driver.fetch(_CLOCKS, list(devices))} if devices else set()
        for row in rows:
            held = devices.get(row["device"])
            if held is None:
                continue  # waits for the device to be enrolled again; its facts stay
            device, zone = held
            read, twice = read_of(
                device, zone or self._default_zone, row["event_key"], row["wall_time"], row["utc_offset"], Direction(row["direction"])
            )
            if not _holds(row["held_since"], row["held_until"], read.at):
                continue
            one = found[row["servant"]]
            one.reads.append(read)
            one.contexts[read.device, read.event_key, read.at] = ReadContext(
                body=device.body,
                premises=device.settings_for(row["event_key"], row["wall_time"]).premises,
                received_at=row["received_at"],
                occurred_twice=twice,
                clock_off=(row["device"], row["wall_time"].date()) in off,
            )

    async def _doubts(self, driver: Any, found: Mapping[str, _Gathered], needs: Sequence[Need]) -> list[tuple[str, int, int]]:
        """(premises, from, to) of each silence and each gap of event numbers at a perimeter."""
        premises = {each for one in found.values() for day in one.premises.values() for each in day if each}
        if not premises:
            return []
        first, last = min(need.since for need in needs), max(need.until for need in needs)
        since, until = (
            (day - EPOCH).days * DAY_SECONDS for day in (first - timedelta(days=PLANS_BEFORE), last + timedelta(days=PLANS_AFTER))
        )
        return [(row["premises"], row["first"], row["last"]) for row in await driver.fetch(_DOUBTS, sorted(premises), since, until)]

    async def keep(self, days: Sequence[KeptDay], findings: Sequence[Finding], settled: Sequence[tuple[str, date]], at: datetime) -> None:
        """Saves days with their versions, findings, and the events of both, in the order of the keys."""
        driver = await self._transaction.driver()
        if settled:
            await driver.execute(_SETTLE, [servant for servant, _ in settled], [day for _, day in settled])
        if days:
            ordered = sorted(days, key=lambda day: (day.servant, day.content.date))
            await _save_days(driver, ordered)
            for day in ordered:
                self._transaction.publish(TOPIC, f"{day.servant}/{day.content.date}", message(day, new_id()))
        await save_findings(self._transaction, findings, at)

    async def due(self, now: datetime, most: int) -> Sequence[tuple[str, date]]:
        """Planned dates whose window has ended and that nobody has computed since."""
        driver = await self._transaction.driver()
        return [(row["servant"], row["date"]) for row in await driver.fetch(_DUE, now, most)]

    async def look_again(self, dates: Sequence[tuple[str, date]], now: datetime, at: datetime) -> None:
        """Those of the dates that are due `now` still, since they could not be settled, are due again at another instant."""
        await (await self._transaction.driver()).execute(_AGAIN, [servant for servant, _ in dates], [day for _, day in dates], now, at)

    async def walk(self, after: tuple[str, date] | None, limit: int) -> Sequence[tuple[tuple[str, date], datetime]]:
        """At most `limit` days after a key, by servant and date, each with the instant at which it became as it is."""
        rows = await (await self._transaction.driver()).fetch(_WALK, *(after or (None, None)), limit)
        return [((row["servant"], row["date"]), row["computed_at"]) for row in rows]

    async def tell_again(self, days: Collection[tuple[str, date]]) -> None:
        """Publishes the days as they stand, in the order of their keys."""
        driver = await self._transaction.driver()
        for row in await driver.fetch(_STATES, [servant for servant, _ in days], [day for _, day in days]):
            self._transaction.publish(TOPIC, f"{row['servant']}/{row['date']}", message(kept_of(row), new_id()))


async def purge_changes(transaction: Transaction, before: datetime, most: int = PURGED_AT_ONCE) -> int:
    """Forgets at most so many changes from before an instant of real time; how many there were.

    Watchers with an older cursor are told to begin anew.
    """
    return int(await (await transaction.driver()).fetchval(_PURGE, before, most))


async def _save_days(driver: Any, days: Sequence[KeptDay]) -> None:
    names, dates = [day.servant for day in days], [day.content.date for day in days]
    bodies, texts = [day.placement.body for day in days], [text_of(day.content) for day in days]
    states, revisions = [day.content.state.value for day in days], [day.revision for day in days]
    work = [day.content.work or (None, None) for day in days]
    edition, at = days[0].edition, days[0].computed_at
    await driver.execute(
        _SAVE,
        names,
        dates,
        bodies,
        [day.placement.unit for day in days],
        [day.plan_kind for day in days],
        states,
        texts,
        [",".join(day.marks) for day in days],
        [start for start, _ in work],
        [end for _, end in work],
        revisions,
        edition,
        at,
    )
    await driver.execute(_VERSIONS, names, dates, revisions, states, texts, edition, at)
    await driver.execute(_CHANGES, names, dates, bodies)


def kept_of(row: Any) -> KeptDay:
    """The row of a kept day in the words of the domain."""
    return KeptDay(
        servant=row["servant"],
        placement=Placement(row["body"], row["unit"]),
        plan_kind=PlanKind(row["plan_kind"]) if row["plan_kind"] else None,
        content=content_of(row["date"], row["content"]),
        marks=tuple(row["marks"]),
        revision=row["revision"],
        edition=row["edition"],
        computed_at=row["computed_at"],
    )


def _holds(since: datetime | None, until: datetime | None, at: int) -> bool:
    moment = datetime.fromtimestamp(at, UTC)
    return (since is None or since <= moment) and (until is None or moment < until)


def _doubtful(plan: Plan, premises: Iterable[str], doubts: Sequence[tuple[str, int, int]]) -> bool:
    """Whether a silence or a gap at one of the planned premises lies over the plan."""
    return doubted(plan, [(start, end) for place, start, end in doubts if place in premises])
