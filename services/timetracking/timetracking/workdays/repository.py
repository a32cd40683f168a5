"""Days in PostgreSQL, loaded and saved in bulk: one statement a table, however many servants a transaction touches."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from chassis.database import Transaction
from chassis.personal_data.declarations import WORKING_TIME
from chassis.personal_data.levels import kept_since
from kernel.identifiers import new_id
from kernel.intervals import Span

from timetracking.findings.domain import Finding
from timetracking.findings.repository import finding_of, save_findings
from timetracking.passages.domain import OFF_BY, BadgeKey
from timetracking.passages.repository import StoredReads
from timetracking.plans.domain import read_plan
from timetracking.workdays.domain import Order, OrderKind, PlanKind, Session, State
from timetracking.workdays.domain.kept import KeptDay, KeptState, Placement, content_of, doubted
from timetracking.workdays.events import TOPIC, message
from timetracking.workdays.use_cases import AROUND_A_REST, Known, Look, Need, Planned

DAY_SECONDS = 86_400
# Changes that a purge forgets at once: a transaction ends well within its five seconds.
PURGED_AT_ONCE = 5_000
EPOCH = date(1970, 1, 1)
# People share their units; an enumeration's member costs more to look up than a row costs to read.
_STATES_BY_NAME = {each.value: each for each in State}
_KINDS: dict[str | None, PlanKind | None] = {None: None, **{each.value: each for each in PlanKind}}
placement = lru_cache(maxsize=65_536)(Placement)

_PLANS = """
SELECT p.servant, p.date, p.body, p.unit, p.zone, p.content
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN plan_days p ON p.servant = need.servant AND p.date BETWEEN need.since AND need.until
"""
_ORDERS = """
SELECT DISTINCT o.servant, o.date, o.kind, o.starts, o.ends, o.breaks
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN orders o ON o.servant = need.servant AND o.date BETWEEN need.since AND need.until AND o.in_force
"""
_BADGES = """
SELECT servant, badge_system, badge_number,
       ceil(extract(epoch FROM lower(span)))::bigint AS since, ceil(extract(epoch FROM upper(span)))::bigint AS until
FROM badges WHERE servant = ANY ($1::text[])
"""
_SESSIONS = """
SELECT DISTINCT s.servant, s.starts, s.ends
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS need (servant, since, until)
JOIN remote_sessions s ON s.servant = need.servant AND s.starts < need.until AND coalesce(s.ends, s.starts) >= need.since
"""
# The whole day only of those that are looked at; those around it say when its servant worked.
_KEPT = """
SELECT w.servant, w.date, w.body, w.unit, w.state, w.works_from, w.works_to, w.crosses, w.plan_kind, w.revision, w.marks,
       CASE WHEN w.date BETWEEN need.since AND need.until THEN w.content ELSE '' END AS content
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN workdays w ON w.servant = need.servant AND w.date BETWEEN need.since - $4::integer AND need.until + $4::integer
"""
_FINDINGS = """
SELECT DISTINCT f.*
FROM unnest($1::text[], $2::date[], $3::date[]) AS need (servant, since, until)
JOIN findings f ON f.servant = need.servant AND f.date BETWEEN need.since - $4::integer AND need.until + $4::integer
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
INSERT INTO workdays AS w
    (servant, date, body, unit, plan_kind, state, content, marks, works_from, works_to, crosses, revision, edition, computed_at)
SELECT servant, date, body, unit, plan_kind, state, content, string_to_array(marks, ','), works_from, works_to, crosses, revision, $13, $14
FROM unnest(
    $1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
    $11::boolean[], $12::bigint[]
) AS day (servant, date, body, unit, plan_kind, state, content, marks, works_from, works_to, crosses, revision)
ON CONFLICT (servant, date) DO UPDATE SET
    body = excluded.body, unit = excluded.unit, plan_kind = excluded.plan_kind, state = excluded.state, content = excluded.content, marks = excluded.marks,
    works_from = excluded.works_from, works_to = excluded.works_to, crosses = excluded.crosses, revision = excluded.revision,
    edition = excluded.edition, computed_at = excluded.computed_at
"""
_VERSIONS = """
INSERT INTO workday_versions (servant, date, revision, state, content, edition, computed_at)
SELECT servant, date, revision, state, content, $6, $7
FROM unnest($1::text[], $2::date[], $3::bigint[], $4::text[], $5::text[]) AS day (servant, date, revision, state, content)
"""
# Where a day is filed elsewhere, those who follow the body that it leaves are told as well.
_CHANGES = """
INSERT INTO workday_changes (servant, date, body)
SELECT day.servant, day.date, told.body
FROM unnest($1::text[], $2::date[], $3::text[]) WITH ORDINALITY AS day (servant, date, body, place)
CROSS JOIN LATERAL (
    SELECT day.body UNION SELECT w.body FROM workdays w WHERE w.servant = day.servant AND w.date = day.date
) AS told (body)
ORDER BY day.place
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


class StoredDays:
    """The days as a transaction sees them; the servants' locks are held by the caller."""

    def __init__(self, transaction: Transaction, reads: StoredReads, default_zone: str) -> None:
        self._transaction = transaction
        self._stored = reads
        self._default_zone = default_zone

    async def kept_since(self) -> date:
        """The first date whose days are kept; `date.min` while none was ever deleted."""
        return await kept_since(self._transaction, WORKING_TIME) or date.min

    async def planned(self, needs: Sequence[Need]) -> Mapping[str, Planned]:
        """Plans, orders, zones and placements of these dates, and which of them are in doubt."""
        driver = await self._transaction.driver()
        found = {need.servant: Planned({}, [], self._default_zone, {}, {}) for need in needs}
        columns = [need.servant for need in needs], [need.since for need in needs], [need.until for need in needs]
        premises: dict[str, set[tuple[str, date]]] = {}
        for servant, day, body, unit, zone, content in await driver.fetch(_PLANS, *columns):
            one = found[servant]
            one.plans[day], details = read_plan(day, content)
            one.zones[day] = zone
            one.placements[day] = placement(body, unit)
            for place in details.premises:
                premises.setdefault(place, set()).add((servant, day))
        for row in await driver.fetch(_ORDERS, *columns):
            breaks = tuple(zip(row["breaks"][::2], row["breaks"][1::2], strict=True))
            found[row["servant"]].orders.append(Order(row["date"], OrderKind(row["kind"]), row["starts"], row["ends"], breaks))
        await self._placements(driver, found, needs)
        await self._doubts(driver, found, premises, min(columns[1]), max(columns[2]))
        return found

    async def known(self, looks: Sequence[Look], planned: Mapping[str, Planned]) -> Mapping[str, Known]:
        """Reads, sessions, kept days and findings of these looks."""
        driver = await self._transaction.driver()
        found = {servant: Known() for servant in planned}
        if not looks:
            return found
        await self._reads(driver, found, looks)
        names = [look.servant for look in looks]
        # A session may have begun on the date before.
        for row in await driver.fetch(
            _SESSIONS, names, [look.span[0] - DAY_SECONDS for look in looks], [look.span[1] + DAY_SECONDS for look in looks]
        ):
            found[row["servant"]].sessions.append(Session(row["starts"], row["ends"]))
        around = names, [look.since for look in looks], [look.until for look in looks], AROUND_A_REST
        for row in await driver.fetch(_KEPT, *around):
            kept, day = found[row["servant"]].kept, row["date"]
            if row["content"] or day not in kept:
                kept[day] = _state_of(row)
        for row in await driver.fetch(_FINDINGS, *around):
            found[row["servant"]].findings.setdefault(row["date"], []).append(finding_of(row))
        return found

    async def _placements(self, driver: Any, found: Mapping[str, Planned], needs: Sequence[Need]) -> None:
        """The body of dates without a plan, from the appointments in their precedence."""
        open_ = [(need.servant, day) for need in needs for day in _dates(need) if day not in found[need.servant].plans]
        rows: dict[str, list[Any]] = {}
        for row in await driver.fetch(_APPOINTMENTS, sorted({servant for servant, _ in open_})):
            rows.setdefault(row["servant"], []).append(row)
        for servant, held in rows.items():
            if held[0]["zone"]:
                found[servant].zone = held[0]["zone"]
        for servant, day in open_:
            held = rows.get(servant, [])
            row = next((each for each in held if each["since"] <= day and (each["until"] is None or day <= each["until"])), None)
            if row is not None:
                found[servant].placements[day] = placement(row["body"], row["unit"])
                if row["zone"]:
                    found[servant].zones[day] = row["zone"]

    async def _reads(self, driver: Any, found: Mapping[str, Known], looks: Sequence[Look]) -> None:
        """The reads of the servants' badges in the spans of the looks, as the settings of the devices make them."""
        badges: dict[str, list[Any]] = {}
        for row in await driver.fetch(_BADGES, list(found)):
            badges.setdefault(row["servant"], []).append(row)
        held = [(look, badge) for look in looks for badge in badges.get(look.servant, ())]
        wanted: dict[BadgeKey, tuple[datetime, datetime]] = {}
        for look, (_, system, number, since, until) in held:
            start, end = _both(look.span, since, until)
            if start < end:
                first, last = _wall(start) - OFF_BY, _wall(end) + OFF_BY
                before = wanted.get((system, number), (first, last))
                wanted[system, number] = min(first, before[0]), max(last, before[1])
        await self._stored.load(wanted)
        serials = {read.device for badge in wanted for read, _, _ in self._stored.of(badge)}
        off = {(row["device"], row["date"]) for row in await driver.fetch(_CLOCKS, list(serials))}
        bodies = {serial: self._stored.device(serial).body for serial in serials}
        for look, (servant, system, number, since, until) in held:
            start, end = _both(look.span, since, until)
            one = found[servant]
            one.shown.bodies = bodies
            for read, wall_time, twice in self._stored.of((system, number)):
                if start <= read.at < end:
                    one.reads.append(read)
                    if twice:
                        one.shown.occurred_twice.add((read.device, read.event_key, read.at))
                    if off and (read.device, wall_time.date()) in off:
                        one.shown.clock_off.add((read.device, read.event_key, read.at))

    async def _doubts(
        self, driver: Any, found: Mapping[str, Planned], premises: Mapping[str, Collection[tuple[str, date]]], first: date, last: date
    ) -> None:
        """Marks the dates over whose plan a device at one of their premises was silent, or misses event numbers."""
        places = sorted(place for place in premises if place)
        since, until = ((day - EPOCH).days * DAY_SECONDS for day in (first, last + timedelta(days=AROUND_A_REST)))
        spans: dict[str, list[Span]] = {}
        for row in await driver.fetch(_DOUBTS, places, since, until):
            spans.setdefault(row["premises"], []).append((row["first"], row["last"]))
        for place, over in spans.items():
            for servant, day in premises[place]:
                one = found[servant]
                if doubted(one.plans[day], over):
                    one.doubts = {*one.doubts, day}

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

    async def tell_again(self, days: Collection[tuple[str, date]]) -> int:
        """Publishes the days as they stand, those that are kept, in the order of their keys; how many."""
        driver = await self._transaction.driver()
        rows = await driver.fetch(_STATES, [servant for servant, _ in days], [day for _, day in days])
        for row in rows:
            self._transaction.publish(TOPIC, f"{row['servant']}/{row['date']}", message(kept_of(row), new_id()))
        return len(rows)


async def purge_changes(transaction: Transaction, before: datetime, most: int = PURGED_AT_ONCE) -> int:
    """Forgets at most so many changes from before an instant of real time; how many there were.

    Watchers with an older cursor are told to begin anew.
    """
    return int(await (await transaction.driver()).fetchval(_PURGE, before, most))


async def _save_days(driver: Any, days: Sequence[KeptDay]) -> None:
    names, dates = [day.servant for day in days], [day.content.date for day in days]
    bodies, texts = [day.placement.body for day in days], [day.text for day in days]
    states, revisions = [day.content.state.value for day in days], [day.revision for day in days]
    work = [day.content.work or (None, None) for day in days]
    edition, at = days[0].edition, days[0].computed_at
    await driver.execute(_CHANGES, names, dates, bodies)
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
        [day.content.crosses for day in days],
        revisions,
        edition,
        at,
    )
    await driver.execute(_VERSIONS, names, dates, revisions, states, texts, edition, at)


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
        text=row["content"],
    )


def _state_of(row: Any) -> KeptState:
    _, _, body, unit, state, start, end, crosses, kind, revision, marks, text = row
    work = (start, end) if start is not None else None
    return KeptState(placement(body, unit), _STATES_BY_NAME[state], work, crosses, _KINDS[kind], text, tuple(marks), revision)


def _dates(need: Need) -> list[date]:
    return [date.fromordinal(each) for each in range(need.since.toordinal(), need.until.toordinal() + 1)]


def _wall(at: int) -> datetime:
    """The wall time of an instant at UTC."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)


def _both(span: Span, since: int | None, until: int | None) -> Span:
    """The part of a span in which a badge was in its holder's hands."""
    return span[0] if since is None else max(span[0], since), span[1] if until is None else min(span[1], until)
