"""Passages in PostgreSQL: inserted in bulk, once each; the counters of no loss beside them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from chassis.database import Database, Transaction

from timetracking.devices.repository import devices_of
from timetracking.passages.domain import BadgeKey, Held, Passage, PassageKey, read_of
from timetracking.workdays.domain import Direction

_SPANS = """
SELECT b.badge_system, b.badge_number, b.servant,
       ceil(extract(epoch FROM lower(b.span)))::bigint AS since, ceil(extract(epoch FROM upper(b.span)))::bigint AS until
FROM unnest($1::text[], $2::text[], $3::date[], $4::date[]) AS badge (system, number, first, last)
JOIN badges b ON b.badge_system = badge.system AND b.badge_number = badge.number
    AND b.span && tstzrange((badge.first - 1)::timestamptz, (badge.last + 2)::timestamptz, '[]')
"""
_READ_ON = """
SELECT p.badge_system, p.badge_number, p.device, p.event_key, p.wall_time, p.utc_offset, p.direction
FROM unnest($1::text[], $2::text[], $3::date[]) AS badge (system, number, date)
JOIN passages p ON p.badge_system = badge.system AND p.badge_number = badge.number
    AND p.wall_time >= badge.date AND p.wall_time < badge.date + 1
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

    async def count(self, passages: Sequence[Passage], fresh: Sequence[Passage], again: Sequence[bool] = ()) -> None:
        """Counts every passage for its device and day as stored or repeated, but those that were counted before.

        Last in a transaction: whoever records for the same device waits from here to its end.
        """
        driver = await self._transaction.driver()
        counts: dict[tuple[str, date], list[int]] = {}
        if again:
            new = {each.key for each in fresh}
            passages = [each for each, was in zip(passages, again, strict=True) if not was or each.key in new]
        for each in passages:
            counts.setdefault((each.device, each.wall_time.date()), [0, 0])[0] += 1
        for each in fresh:
            counts[each.device, each.wall_time.date()][1] += 1
        if not counts:
            return
        ordered = sorted(counts.items())  # everyone writes these rows in one order, so that nobody waits in a circle
        await driver.execute(
            _COUNT,
            [device for (device, _), _ in ordered],
            [day for (_, day), _ in ordered],
            [received for _, (received, _) in ordered],
            [stored for _, (_, stored) in ordered],
            [received - stored for _, (received, stored) in ordered],
        )

    async def holders(self, read: Mapping[BadgeKey, Collection[date]]) -> Mapping[BadgeKey, Sequence[Held]]:
        """Who held the badges when they were read, if it was on these dates as sent, whatever the time policies make of that."""
        driver, badges = await self._transaction.driver(), list(read)
        rows = await driver.fetch(
            _SPANS,
            [system for system, _ in badges],
            [number for _, number in badges],
            [min(read[badge]) for badge in badges],
            [max(read[badge]) for badge in badges],
        )
        found: dict[BadgeKey, list[Held]] = {}
        for row in rows:
            found.setdefault((row["badge_system"], row["badge_number"]), []).append(Held(row["servant"], row["since"], row["until"]))
        return found

    async def instants(
        self, read: Mapping[BadgeKey, Collection[date]], holders: Mapping[BadgeKey, Sequence[Held]]
    ) -> Mapping[str, Collection[int]]:
        """The instants of the reads of these badges on dates as sent, for their holders; those of unknown devices are none."""
        driver = await self._transaction.driver()
        held = [(badge, day) for badge in holders for day in read[badge]]
        columns = [system for (system, _), _ in held], [number for (_, number), _ in held], [day for _, day in held]
        rows = await driver.fetch(_READ_ON, *columns)
        devices = await devices_of(driver, {row["device"] for row in rows})
        found: dict[str, set[int]] = {}
        for system, number, serial, event_key, wall_time, utc_offset, sent in rows:
            if serial in devices:
                device, zone = devices[serial]
                read_, _ = read_of(device, zone or self._default_zone, event_key, wall_time, utc_offset, Direction(sent))
                for each in holders[system, number]:
                    if each.at(read_.at):
                        found.setdefault(each.servant, set()).add(read_.at)
        return found
