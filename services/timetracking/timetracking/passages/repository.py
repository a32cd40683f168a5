"""Passages in PostgreSQL: inserted in bulk, once each; the counters of no loss beside them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from chassis.database import Database, Transaction

from timetracking.devices.repository import devices_of
from timetracking.passages.domain import OFF_BY, Passage, PassageKey, read_of

_HOLDERS = """
SELECT DISTINCT b.servant
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS badge (system, number, first, last)
JOIN badges b ON b.badge_system = badge.system AND b.badge_number = badge.number AND b.span && tstzrange(badge.first, badge.last, '[]')
"""
_SPANS = """
SELECT b.badge_system, b.badge_number, b.servant,
       extract(epoch FROM lower(b.span))::bigint AS since, extract(epoch FROM upper(b.span))::bigint AS until
FROM badges b
JOIN unnest($1::text[], $2::text[]) AS badge (system, number) ON b.badge_system = badge.system AND b.badge_number = badge.number
"""
_STORE = """
INSERT INTO passages (device, event_key, wall_time, utc_offset, badge_system, badge_number, direction, verify_method,
                      received_at, live, previous_event_number, raw, raw_digest)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamp[], $4::integer[], $5::text[], $6::text[], $7::smallint[], $8::smallint[],
                     $9::timestamptz[], $10::boolean[], $11::bigint[], $12::text[], $13::bytea[])
ON CONFLICT DO NOTHING
RETURNING device, event_key, wall_time, utc_offset, badge_system, badge_number, direction
"""
_COUNT = """
INSERT INTO device_days AS held (device, date, received, stored, repeated)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[])
ON CONFLICT (device, date) DO UPDATE SET
    received = held.received + excluded.received, stored = held.stored + excluded.stored, repeated = held.repeated + excluded.repeated
"""


class Months:
    """The months for which a partition of the passages is known to be there; asked for once a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._made: set[date] = set()

    async def make(self, wall_times: Collection[datetime]) -> int:
        """Makes the partitions of these wall times, each in a transaction of its own before anything waits for it.

        Returns for how many months that was asked of the database.
        """
        unknown = sorted({each.date().replace(day=1) for each in wall_times} - self._made)
        for month in unknown:
            async with self._database.transaction(apart=True) as transaction:
                await (await transaction.driver()).execute("SELECT make_passages_month($1)", month)
            self._made.add(month)
        return len(unknown)


class StoredPassages:
    """The passages as a transaction sees them."""

    def __init__(self, transaction: Transaction, default_zone: str) -> None:
        self._transaction = transaction
        self._default_zone = default_zone

    async def holders(self, passages: Sequence[Passage]) -> Collection[str]:
        """The servants whose reads the passages may be, whatever their devices' time policies make of the wall times."""
        spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
        for each in passages:
            first, last = spans.get(each.badge, (each.wall_time, each.wall_time))
            spans[each.badge] = min(first, each.wall_time), max(last, each.wall_time)
        driver, ordered = await self._transaction.driver(), sorted(spans)
        rows = await driver.fetch(
            _HOLDERS,
            *_columns(ordered),
            [spans[each][0].replace(tzinfo=UTC) - OFF_BY for each in ordered],
            [spans[each][1].replace(tzinfo=UTC) + OFF_BY for each in ordered],
        )
        return [row["servant"] for row in rows]

    async def store(self, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Stores what is new and returns it."""
        driver = await self._transaction.driver()
        rows = await driver.fetch(
            _STORE,
            [each.device for each in passages],
            [each.event_key for each in passages],
            [each.wall_time for each in passages],
            [each.utc_offset for each in passages],
            [each.badge_system for each in passages],
            [each.badge_number for each in passages],
            [int(each.direction) for each in passages],
            [each.verify_method for each in passages],
            [each.received_at for each in passages],
            [each.live for each in passages],
            [each.previous_event_number for each in passages],
            [each.raw for each in passages],
            [each.raw_digest for each in passages],
        )
        new = {tuple(row) for row in rows}
        fresh: dict[PassageKey, Passage] = {}
        for each in passages:
            if each.key in new:
                fresh.setdefault(each.key, each)
        return list(fresh.values())

    async def count(self, passages: Sequence[Passage], fresh: Sequence[Passage]) -> None:
        """Counts every passage for its device and day as stored or repeated.

        Last in a transaction: whoever records for the same device waits from here to its end.
        """
        driver = await self._transaction.driver()
        counts: dict[tuple[str, date], list[int]] = {}
        for each in passages:
            counts.setdefault((each.device, each.wall_time.date()), [0, 0])[0] += 1
        for each in fresh:
            counts[each.device, each.wall_time.date()][1] += 1
        ordered = sorted(counts.items())  # everyone writes these rows in one order, so that nobody waits in a circle
        await driver.execute(
            _COUNT,
            [device for (device, _), _ in ordered],
            [day for (_, day), _ in ordered],
            [received for _, (received, _) in ordered],
            [stored for _, (_, stored) in ordered],
            [received - stored for _, (received, stored) in ordered],
        )

    async def instants(self, passages: Sequence[Passage]) -> Mapping[str, Collection[int]]:
        """The instants of the reads that the passages are for their holders."""
        driver = await self._transaction.driver()
        spans: dict[tuple[str, str], list[Any]] = {}
        for row in await driver.fetch(_SPANS, *_columns({each.badge for each in passages})):
            spans.setdefault((row["badge_system"], row["badge_number"]), []).append(row)
        devices = await devices_of(driver, {each.device for each in passages})
        found: dict[str, set[int]] = {}
        for each in passages:
            held = devices.get(each.device)
            if held is None or each.badge not in spans:
                continue
            device, zone = held
            read, _ = read_of(device, zone or self._default_zone, each.event_key, each.wall_time, each.utc_offset, each.direction)
            for span in spans[each.badge]:
                if (span["since"] is None or span["since"] <= read.at) and (span["until"] is None or read.at < span["until"]):
                    found.setdefault(span["servant"], set()).add(read.at)
        return found


def _columns(badges: Collection[tuple[str, str]]) -> tuple[list[str], list[str]]:
    ordered = sorted(badges)
    return [system for system, _ in ordered], [number for _, number in ordered]
