"""Passages in PostgreSQL: inserted in bulk, once each; the counters of no loss beside them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from chassis.database import Database, Transaction

from timetracking.devices.domain import Device
from timetracking.devices.repository import devices_of
from timetracking.passages.domain import BadgeKey, Held, Passage, PassageKey, Reader
from timetracking.workdays.domain import Direction, Read

# Dates whose reads are loaded around those that something is asked of: their windows and those beside, in any zone.
AROUND = 2
# An enumeration's member costs more to look up than a read costs to make.
DIRECTIONS = {int(each): each for each in Direction}

_SPANS = """
SELECT b.badge_system, b.badge_number, b.servant,
       ceil(extract(epoch FROM lower(b.span)))::bigint AS since, ceil(extract(epoch FROM upper(b.span)))::bigint AS until
FROM unnest($1::text[], $2::text[], $3::date[], $4::date[]) AS badge (system, number, first, last)
JOIN badges b ON b.badge_system = badge.system AND b.badge_number = badge.number
    AND b.span && tstzrange((badge.first - 1)::timestamptz, (badge.last + 2)::timestamptz, '[]')
"""
# The bounds of all say which months are looked into at all, however many there are.
_READ = """
SELECT badge.place, p.device, p.event_key, p.wall_time, p.utc_offset, p.direction
FROM unnest($1::integer[], $2::text[], $3::text[], $4::timestamp[], $5::timestamp[]) AS badge (place, system, number, since, until)
JOIN passages p ON p.badge_system = badge.system AND p.badge_number = badge.number AND p.wall_time >= badge.since AND p.wall_time < badge.until
    AND p.wall_time >= $6::timestamp AND p.wall_time < $7::timestamp
"""
# Almost always all are new: then no key comes back.
_STORE = """
WITH stored AS (
INSERT INTO passages (device, event_key, wall_time, utc_offset, badge_system, badge_number, direction, verify_method,
                      received_at, live, previous_event_number, raw, raw_digest)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamp[], $4::integer[], $5::text[], $6::text[], $7::smallint[], $8::smallint[],
                     $9::timestamptz[], $10::boolean[], $11::bigint[], $12::text[], $13::bytea[])
ON CONFLICT DO NOTHING
RETURNING device, event_key, wall_time, utc_offset, badge_system, badge_number, direction
), counted AS (SELECT count(*) AS many FROM stored)
SELECT counted.many = cardinality($1::text[]) AS all_new, stored.*
FROM counted LEFT JOIN stored ON counted.many < cardinality($1::text[])
"""
_COUNT = """
INSERT INTO device_days AS held (device, date, received, stored, repeated)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[])
ON CONFLICT (device, date) DO UPDATE SET
    received = held.received + excluded.received, stored = held.stored + excluded.stored, repeated = held.repeated + excluded.repeated,
    changed_at = clock_timestamp(),
    pending_since = CASE WHEN held.stored = held.looked_at_stored THEN clock_timestamp() ELSE held.pending_since END
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

    def __init__(self, transaction: Transaction, reads: "StoredReads") -> None:
        self._transaction = transaction
        self.reads = reads

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
        if rows[0]["all_new"]:
            return passages
        new = {tuple(row)[1:] for row in rows}
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
            passages = [each for each, was in zip(passages, again, strict=True) if not was]
            counted = {each.key for each in passages}
            passages += [each for each in fresh if each.key not in counted]
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
        # What is computed wants the reads of the dates around as well.
        around = {badge: (_start(min(read[badge]), -AROUND), _start(max(read[badge]), AROUND + 1)) for badge in holders}
        await self.reads.load(around)
        found: dict[str, set[int]] = {}
        for badge, held in holders.items():
            dates = set(read[badge])
            for each, wall_time, _ in self.reads.of(badge):
                if wall_time.date() in dates:
                    for one in held:
                        if one.at(each.at):
                            found.setdefault(one.servant, set()).add(each.at)
        return found


class StoredReads:
    """The reads of badges as the settings of their devices make them, each loaded once a transaction.

    Whoever loads them holds the settings; a passage of a device that is not enrolled is no read, and waits for it.
    """

    def __init__(self, transaction: Transaction, default_zone: str) -> None:
        self._transaction = transaction
        self._default_zone = default_zone
        self._loaded: dict[BadgeKey, tuple[datetime, datetime]] = {}
        self._reads: dict[BadgeKey, list[tuple[Read, datetime, bool]]] = {}
        self._readers: dict[str, Reader | None] = {}

    async def load(self, wanted: Mapping[BadgeKey, tuple[datetime, datetime]]) -> None:
        """Loads the reads of badges between two wall times as sent, as far as they are not here already."""
        wider: dict[BadgeKey, tuple[datetime, datetime]] = {}
        for badge, (since, until) in wanted.items():
            held = self._loaded.get(badge)
            if held is None:
                wider[badge] = since, until
            elif since < held[0] or held[1] < until:
                wider[badge] = min(since, held[0]), max(until, held[1])
        if not wider:
            return
        driver, badges = await self._transaction.driver(), list(wider)
        rows = await driver.fetch(
            _READ,
            range(len(badges)),
            [system for system, _ in badges],
            [number for _, number in badges],
            [wider[badge][0] for badge in badges],
            [wider[badge][1] for badge in badges],
            min(since for since, _ in wider.values()),
            max(until for _, until in wider.values()),
        )
        await self._meet(driver, {row[1] for row in rows})
        found: list[list[tuple[Read, datetime, bool]]] = [[] for _ in badges]
        readers = self._readers
        for place, serial, event_key, wall_time, utc_offset, sent in rows:
            reader = readers[serial]
            if reader is not None:
                read, twice = reader.read(event_key, wall_time, utc_offset, DIRECTIONS[sent])
                found[place].append((read, wall_time, twice))
        self._reads.update(zip(badges, found, strict=True))
        self._loaded.update(wider)

    def of(self, badge: BadgeKey) -> Sequence[tuple[Read, datetime, bool]]:
        """Its loaded reads, each with its wall time as sent and whether the clock showed that twice."""
        return self._reads.get(badge, ())

    def device(self, serial: str) -> Device:
        """The device of a loaded read."""
        reader = self._readers[serial]
        assert reader is not None
        return reader.device

    async def _meet(self, driver: Any, serials: Collection[str]) -> None:
        fresh = serials - self._readers.keys()
        if fresh:
            known = await devices_of(driver, fresh)
            for serial in fresh:
                device, zone = known.get(serial, (None, None))
                self._readers[serial] = Reader(device, zone or self._default_zone) if device is not None else None


def _start(day: date, offset: int) -> datetime:
    """The midnight so many dates after a date."""
    return datetime.fromordinal(day.toordinal() + offset)
