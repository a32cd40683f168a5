"""What lies behind a nation: the passages, plans and days of months and years, written by the database itself.

The tables of past months get their indexes when they are whole, as a sorted copy would; and nobody cleans up behind the
writing, or that would be measured too.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from lawbook import load
from timetracking.plans.domain import written
from timetracking.workdays.domain import WorkdayContent, workdays
from timetracking.workdays.domain.kept import text_of
from timetracking.workdays.domain.parameters import law_of

from .fold import HOUR, cases, midnight
from .nation import FIRST_BADGE, SYSTEM, WALKS, ZONE, Nation, body, office
from .stand import Ground

# Nobody compares it with the raw text.
DIGEST = bytes(32)

# One month of passages: on each working day each servant walks as everybody does, some seconds apart.
_PASSAGES = """
INSERT INTO {table} (device, event_key, wall_time, badge_system, badge_number, direction, verify_method, received_at, live, raw, raw_digest)
SELECT gate, badge || '|' || replace(at::text, ' ', 'T') || way, at, $1, badge, direction, 2, at - interval '4 h 59 min 58 s', true,
       badge || E'\\t' || at::text || E'\\t0\\t2\\t0\\t0\\t0\\t0\\t0\\t0', $8
FROM unnest($2::text[]) WITH ORDINALITY AS gates (gate, n),
     LATERAL (SELECT ($7::bigint + n - 1)::text AS badge OFFSET 0) AS made,
     unnest($3::timestamp[]) AS day,
     unnest($4::int[], $5::smallint[], $6::text[]) AS walk (second, direction, way),
     LATERAL (SELECT day + (second + (n * 7 + second) % 300) * interval '1 s' AS at OFFSET 0) AS moment
"""
# What each gate counted on each of those days, and was looked at for.
_COUNTED = """
INSERT INTO device_days (device, date, received, stored, repeated, looked_at_stored)
SELECT gate, day::date, passed, passed, 0, passed
FROM unnest($1::text[], $2::bigint[]) AS gates (gate, passed), generate_series($3::date, $4::date, interval '1 day') AS day
WHERE extract(isodow FROM day) < 6
"""
_PLANS = """
INSERT INTO plan_days (servant, date, body, unit, zone, content, premises, window_end, settled)
SELECT 'S' || n, $1, bodies.bodies[n + 1], 'unit', $2, texts.texts[n + 1], ARRAY[bodies.bodies[n + 1]], $1::date + interval '28 hours', true
FROM (SELECT $3::text[] AS bodies) AS bodies, (SELECT $4::text[] AS texts) AS texts, generate_series(0, $5::int) AS n
"""
# A day's text is as long as a real one; nobody reads it, or that of a version, unless somebody asks.
_DAYS = """
INSERT INTO workdays (servant, date, body, unit, plan_kind, state, content, marks, revision, edition, computed_at)
SELECT servant, date, body, unit, 'office', $5, $1, '{}', 1, $2, window_end FROM plan_days
WHERE date BETWEEN $3 AND $4 AND extract(isodow FROM date) < 6
"""
_VERSIONS = """
INSERT INTO workday_versions (servant, date, revision, state, content, edition, computed_at)
SELECT servant, date, revision, state, '', edition, computed_at FROM workdays WHERE date BETWEEN $1 AND $2
"""
# Months that are written at once, one a core.
AT_ONCE = 2
LEFT_ALONE = ("plan_days", "workdays", "workday_versions")


async def lived_through(ground: Ground, nation: Nation, since: date, until: date, *, days: bool = True) -> None:
    """Lets the nation have lived from one date to another, both included.

    Without `days` the passages wait to be computed for the first time.
    """
    content = _a_day() if days else None

    async def lived(spans: Sequence[tuple[date, date]]) -> None:
        async with ground.owner() as owner:
            for first, last in spans:
                await _passages(owner, nation, first, last)
                await _plans(owner, nation, first, last)
                if content is not None:
                    await owner.execute(_DAYS, text_of(content), load().edition, first, last, content.state.value)
                    await owner.execute(_VERSIONS, first, last)

    passed = Counter(nation.gate_of(servant) for servant in range(nation.servants))
    async with ground.owner() as owner:
        for table in LEFT_ALONE:
            await owner.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        await owner.execute(_COUNTED, list(passed), [servants * len(WALKS) for servants in passed.values()], since, until)
        every = list(months(since, until))
        await asyncio.gather(*(lived(every[part::AT_ONCE]) for part in range(AT_ONCE)))
        await owner.execute("ANALYZE")


def months(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The months between two dates, the first and the last one cut."""
    first = since
    while first <= until:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield first, min(until, following - timedelta(days=1))
        first = following


async def _passages(owner: Any, nation: Nation, first: date, last: date) -> None:
    table, month = f"passages_{first:%Y_%m}", first.replace(day=1)
    end = (month + timedelta(days=32)).replace(day=1)
    await owner.execute(f"CREATE TABLE {table} (LIKE passages INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (autovacuum_enabled = off)")
    gates = [nation.gate_of(servant) for servant in range(nation.servants)]
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    working = [datetime.combine(day, time()) for day in days if day.weekday() < 5]
    walks = [int(hour * HOUR) for hour in WALKS]
    ways = [place % 2 for place in range(len(WALKS))]
    directions, said = [1 + way for way in ways], [f"|{way}" for way in ways]
    await owner.execute(_PASSAGES.format(table=table), SYSTEM, gates, working, walks, directions, said, FIRST_BADGE, DIGEST)
    await owner.execute(f"ALTER TABLE passages ATTACH PARTITION {table} FOR VALUES FROM ('{month}') TO ('{end}')")


async def _plans(owner: Any, nation: Nation, since: date, until: date) -> None:
    bodies = [body(nation.body_of(servant)) for servant in range(nation.servants)]
    for offset in range((until - since).days + 1):
        day = since + timedelta(days=offset)
        texts = {each: written(office(day, each)) for each in set(bodies)}
        await owner.execute(_PLANS, day, ZONE.key, bodies, [texts[each] for each in bodies], nation.servants - 1)


def _a_day() -> WorkdayContent:
    """What is kept of an ordinary day of eight reads."""
    case = next(each for each in cases(8, 20) if each.zone.key == ZONE.key)
    now = midnight(ZONE.key, case.dates[-1]) + 100 * 24 * HOUR
    return workdays(case.facts, case.dates[:1], lambda _: case.zone, law_of(load()), now)[0]
