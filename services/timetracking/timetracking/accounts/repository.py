"""The accounts of devices in PostgreSQL: what came, counted from Kafka, and what became of it, counted where it happened."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from chassis.database import Transaction
from chassis.parking import Origin, record_id
from chassis.positions import Partition

from timetracking.accounts.domain import Counts, DeviceDate, Receipts, Recorded, Refusals, Spot, WrittenOff
from timetracking.accounts.use_cases import Place, Suspect

_RECEIVE = """
INSERT INTO device_receipts AS held (device, date, received, repeated, no_passages)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[])
ON CONFLICT (device, date) DO UPDATE SET
    received = held.received + excluded.received,
    repeated = held.repeated + excluded.repeated,
    no_passages = held.no_passages + excluded.no_passages
"""
_REFUSE = """
INSERT INTO device_refusals AS held (device, reason, requests, last_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[])
ON CONFLICT (device, reason) DO UPDATE SET
    requests = held.requests + excluded.requests,
    last_at = greatest(held.last_at, excluded.last_at)
"""
_REFUSALS = "SELECT reason, requests, last_at FROM device_refusals WHERE device = $1 ORDER BY reason"
_COMPLETE = """
INSERT INTO account_levels (one, at) VALUES (true, clock_timestamp() - make_interval(secs => $1))
ON CONFLICT (one) DO UPDATE SET at = excluded.at
"""
_PARTS = """
(
    SELECT device, date, received, 0 AS stored, repeated, 0 AS parked, no_passages, 0 AS sent_again, written_off FROM device_receipts
    UNION ALL
    SELECT device, date, 0, stored, repeated, 0, 0, 0, 0 FROM device_days
    UNION ALL
    SELECT device, date, 0, 0, 0, (state = 'parked')::integer, 0, (state = 'sent_again')::integer, 0 FROM parked_records
    WHERE topic IN ('timetracking.passages.v1', 'timetracking.late-passages.v1')
) AS part
"""
_SUMS = """
sum(received)::bigint AS received, sum(stored)::bigint AS stored, sum(repeated)::bigint AS repeated, sum(parked)::bigint AS parked,
sum(no_passages)::bigint AS no_passages, sum(sent_again)::bigint AS sent_again, sum(written_off)::bigint AS written_off
"""
_MISSING = "received - stored - repeated - parked - no_passages"
# Of what was written off and came to something after all nothing is left to write off; what is missing of one date stays that of its own.
_ACCOUNTS = f"""
(
    SELECT device, date, received, stored, repeated, parked, no_passages, sent_again,
        least(written_off, greatest({_MISSING}, 0)) AS written_off
    FROM (SELECT device, date, {_SUMS} FROM {_PARTS} GROUP BY device, date) AS summed
) AS account
"""
_TOTAL = f"SELECT {_SUMS} FROM {_ACCOUNTS} WHERE device = $1 HAVING count(*) > 0"
_DAYS = f"SELECT * FROM {_ACCOUNTS} WHERE device = $1 AND date BETWEEN $2 AND $3 ORDER BY date"
# What is missing of one gate is not made good by another, of which more was stored already than is known to have come.
_IN_FLIGHT = f"SELECT coalesce(sum(greatest({_MISSING} - written_off, 0)), 0)::bigint FROM {_ACCOUNTS}"
_PAGE = f"SELECT device, {_SUMS} FROM {_ACCOUNTS} WHERE $1::text IS NULL OR device > $1 GROUP BY device ORDER BY device LIMIT $2"
# What was sent again has a way of its own back.
_LOST = f"{_MISSING} - sent_again - written_off"
_SUSPECTS = f"SELECT device, date, received FROM {_ACCOUNTS} WHERE ($1::text IS NULL OR device = $1) AND {_LOST} > 0"
_READ = "SELECT topic, partition, next_offset FROM read_positions WHERE reader = $1"
# In the order in which everybody takes them.
_HOLD_RECEIPTS = """
SELECT FROM device_receipts JOIN unnest($1::text[], $2::date[]) AS suspect (device, date) USING (device, date)
ORDER BY device, date FOR UPDATE OF device_receipts
"""
# What came since the suspicion may be on its way.
_WRITE_OFF = f"""
WITH lost AS MATERIALIZED (
    SELECT device, date, least(came - received, 0) + {_LOST} AS records
    FROM unnest($1::text[], $2::date[], $3::bigint[]) AS suspect (device, date, came) JOIN {_ACCOUNTS} USING (device, date)
)
UPDATE device_receipts held SET written_off = held.written_off + lost.records
FROM lost LEFT JOIN devices d ON d.serial = lost.device
WHERE held.device = lost.device AND held.date = lost.date AND lost.records > 0
RETURNING held.device, d.body, held.date, lost.records
"""
# Of what is stored, or parked, it is certain that it came.
COUNT_WHAT_CAME_TO_SOMETHING = f"""
INSERT INTO device_receipts AS held (device, date, received, repeated, no_passages)
SELECT device, date, -({_MISSING}), 0, 0 FROM {_ACCOUNTS} WHERE {_MISSING} < 0 ORDER BY device, date
ON CONFLICT (device, date) DO UPDATE SET received = held.received + excluded.received
"""

_BEGIN = """
INSERT INTO recorded_positions (topic, partition, end_offset, end_index)
SELECT topic, partition, 0, 0 FROM unnest($1::text[], $2::integer[]) AS place (topic, partition) ON CONFLICT DO NOTHING
"""
_HOLD = """
SELECT held.topic, held.partition, held.end_offset, held.end_index
FROM unnest($1::text[], $2::integer[]) AS place (topic, partition)
JOIN recorded_positions held ON held.topic = place.topic AND held.partition = place.partition
ORDER BY held.topic, held.partition FOR UPDATE OF held
"""
_GAPS = """
SELECT gap.topic, gap.partition, gap.first_offset, gap.first_index, gap.after_offset, gap.after_index
FROM unnest($1::text[], $2::integer[]) AS place (topic, partition)
JOIN recorded_gaps gap ON gap.topic = place.topic AND gap.partition = place.partition
"""
# After the positions are held: who notes what was parked holds them too, so that nothing comes in between.
_MOVE = """
UPDATE recorded_positions held SET end_offset = place.end_offset, end_index = place.end_index
FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::integer[]) AS place (topic, partition, before, end_offset, end_index)
WHERE held.topic = place.topic AND held.partition = place.partition
RETURNING held.topic, held.partition, ARRAY(
    SELECT id FROM parked_records p WHERE p.topic = place.topic AND p.lay_partition = place.partition AND p.lay_offset >= place.before
) AS parked
"""
_CLOSE = "DELETE FROM recorded_gaps WHERE topic = $1 AND partition = $2"
_OPEN = """
INSERT INTO recorded_gaps (topic, partition, first_offset, first_index, after_offset, after_index)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::integer[], $5::bigint[], $6::integer[])
"""
_FORGET = "DELETE FROM recorded_positions WHERE topic = $1 AND partition = $2"
# By their places, as everyone else holds them.
_STATES = "SELECT id, state FROM parked_records WHERE id = ANY ($1::uuid[]) ORDER BY place FOR UPDATE"
_TAKE_UP = "UPDATE parked_records SET state = 'taken_up' WHERE id = ANY ($1::uuid[])"


@dataclass(frozen=True, slots=True)
class StoredAccounts:
    """The accounts as a transaction sees them."""

    transaction: Transaction

    async def receive(self, receipts: Mapping[DeviceDate, Receipts]) -> None:
        """Adds what came."""
        if receipts:
            ordered = sorted(receipts.items())
            await (await self.transaction.driver()).execute(
                _RECEIVE,
                [device for (device, _), _ in ordered],
                [day for (_, day), _ in ordered],
                [each.received for _, each in ordered],
                [each.repeated for _, each in ordered],
                [each.no_passages for _, each in ordered],
            )

    async def refuse(self, refusals: Mapping[tuple[str, str], Refusals]) -> None:
        """Adds what was refused, by device and reason."""
        ordered = sorted(refusals.items())
        await (await self.transaction.driver()).execute(
            _REFUSE,
            [device for (device, _), _ in ordered],
            [reason for (_, reason), _ in ordered],
            [each.requests for _, each in ordered],
            [each.last_at for _, each in ordered],
        )

    async def refusals(self, device: str) -> Mapping[str, Refusals]:
        """What was refused in the name of a device, by reason."""
        rows = await (await self.transaction.driver()).fetch(_REFUSALS, device)
        return {row["reason"]: Refusals(row["requests"], row["last_at"]) for row in rows}

    async def complete(self, at: float) -> None:
        """Everything is counted that was in Kafka at this real time (seconds since 1970)."""
        driver = await self.transaction.driver()  # it may be waited for
        await driver.execute(_COMPLETE, max(0.0, time.time() - at))

    async def in_flight(self) -> int:
        """How many records of all devices became of nothing yet."""
        return int(await (await self.transaction.driver()).fetchval(_IN_FLIGHT))

    async def total(self, device: str) -> Counts:
        """What became of all records of a device."""
        row = await (await self.transaction.driver()).fetchrow(_TOTAL, device)
        return _counts(row) if row else Counts()

    async def days(self, device: str, since: date, until: date) -> Sequence[tuple[date, Counts]]:
        """What became of a device's records of these dates, both included, by date; dates without any are left out."""
        rows = await (await self.transaction.driver()).fetch(_DAYS, device, since, until)
        return [(row["date"], _counts(row)) for row in rows]

    async def suspects(self, device: str | None) -> Sequence[Suspect]:
        """The accounts with records in flight that were not sent again, of a device or of all."""
        rows = await (await self.transaction.driver()).fetch(_SUSPECTS, device)
        return [Suspect(row["device"], row["date"], row["received"]) for row in rows]

    async def read_up_to(self, reader: str) -> Mapping[Partition, int]:
        """Up to where a reader has read each partition."""
        rows = await (await self.transaction.driver()).fetch(_READ, reader)
        return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def write_off(self, suspects: Sequence[Suspect]) -> Sequence[WrittenOff]:
        """Writes off what of the suspects is still in flight, and had come when they were suspected."""
        await self.transaction.lock("write-off", ("",))
        columns = [each.device for each in suspects], [each.date for each in suspects], [each.received for each in suspects]
        driver = await self.transaction.driver()
        await driver.execute(_HOLD_RECEIPTS, *columns[:2])
        rows = await driver.fetch(_WRITE_OFF, *columns)
        return sorted((WrittenOff(row["device"], row["body"], row["date"], row["records"]) for row in rows), key=lambda each: each.name)

    async def page(self, after: str | None, most: int) -> Sequence[tuple[str, Counts]]:
        """What became of all records of at most so many devices with a serial above `after`, by serial."""
        rows = await (await self.transaction.driver()).fetch(_PAGE, after, most)
        return [(row["device"], _counts(row)) for row in rows]


def _counts(row: Any) -> Counts:
    return Counts(
        received=row["received"],
        stored=row["stored"],
        repeated=row["repeated"],
        parked=row["parked"],
        no_passages=row["no_passages"],
        sent_again=row["sent_again"],
        written_off=row["written_off"],
    )


@dataclass(frozen=True, slots=True)
class StoredRecorded:
    """What was recorded of the topics of passages, so that each passage is counted once, however often it is delivered.

    Kafka delivers again what a consumer had not acknowledged when it died. What was recorded then must not count as repeated,
    and what was parked then may be recorded now. Their places tell them apart. Normally they go on where the last ones ended,
    and one row a partition is read and written.
    """

    transaction: Transaction

    async def again(self, places: Sequence[Place]) -> Sequence[bool]:
        """For each passage of these messages whether it was accounted for before; () if none was. From here on all are recorded.

        What was parked and is recorded now is taken up. The messages of a partition come in their order.
        """
        if not places:
            return ()
        before = await self._held({_partition(place.origin): (place.origin.offset, place.origin.index) for place in reversed(places)})
        parked = await self._move(before, places)
        if all(_is_new(place, before, parked) for place in places):
            return ()
        records = [_parked_as(place, before[_partition(place.origin)], parked[_partition(place.origin)]) for place in places]
        states = await self._states({record for some in records for record in some if record is not None})
        done = {record for record, state in states.items() if state == "taken_up"}
        found: list[bool] = []
        for place, some in zip(places, records, strict=True):
            for spot, record in zip(place.spots, some, strict=True):
                if record is None:
                    found.append(before[_partition(place.origin)].has(spot))
                else:
                    found.append(record in done or (place.parked_record is not None and record not in states))
                    done.add(record)
        await self._take_up([record for record in done if states.get(record, "taken_up") != "taken_up"])
        return found if any(found) else ()

    async def have(self, origins: Sequence[str]) -> Collection[str]:
        """Those of the origins of which the passage was recorded after all; whoever records there waits for our end."""
        lay = {text: origin for text in origins if (origin := Origin.parse(text)) is not None}
        held = await self._held({_partition(origin): (0, 0) for origin in lay.values()}, begin=False)
        nothing = Recorded()
        return {text for text, origin in lay.items() if held.get(_partition(origin), nothing).has((origin.offset, origin.index))}

    async def forget(self, partition: Partition) -> None:
        """Nothing was recorded of the partition: its topic was born anew."""
        driver = await self.transaction.driver()
        await driver.execute(_CLOSE, *partition)
        await driver.execute(_FORGET, *partition)

    async def _held(self, firsts: Mapping[Partition, Spot], *, begin: bool = True) -> dict[Partition, Recorded]:
        """What was recorded of the partitions, held to the end; the gaps only where something lies before the end."""
        driver, columns = await self.transaction.driver(), _columns(sorted(firsts))
        rows = await driver.fetch(_HOLD, *columns)
        if begin and len(rows) < len(firsts):
            await driver.execute(_BEGIN, *columns)
            rows = await driver.fetch(_HOLD, *columns)
        held = {(row["topic"], row["partition"]): Recorded((row["end_offset"], row["end_index"])) for row in rows}
        behind = sorted(partition for partition, first in firsts.items() if partition in held and first < held[partition].end)
        gaps: dict[Partition, list[tuple[Spot, Spot]]] = {}
        for topic, number, *bounds in await driver.fetch(_GAPS, *_columns(behind)) if behind else ():
            gaps.setdefault((topic, number), []).append(((bounds[0], bounds[1]), (bounds[2], bounds[3])))
        return {partition: replace(each, gaps=tuple(sorted(gaps.get(partition, ())))) for partition, each in held.items()}

    async def _states(self, records: Collection[UUID]) -> Mapping[UUID, str]:
        if not records:
            return {}
        return {row["id"]: row["state"] for row in await (await self.transaction.driver()).fetch(_STATES, list(records))}

    async def _take_up(self, records: Collection[UUID]) -> None:
        if records:
            await (await self.transaction.driver()).execute(_TAKE_UP, list(records))

    async def _move(self, before: Mapping[Partition, Recorded], places: Sequence[Place]) -> Mapping[Partition, Collection[UUID]]:
        """Goes on to behind the messages; returns the records that were parked at or behind the end before that."""
        now = dict(before)
        for place in places:
            partition = _partition(place.origin)
            now[partition] = now[partition].recording((place.origin.offset, place.origin.index), place.after)
        driver, ordered = await self.transaction.driver(), sorted(now)
        ends = [before[each].end[0] for each in ordered], [now[each].end[0] for each in ordered], [now[each].end[1] for each in ordered]
        rows = await driver.fetch(_MOVE, *_columns(ordered), *ends)
        opened: list[tuple[Any, ...]] = []
        for partition, each in now.items():
            if each.gaps != before[partition].gaps:
                if before[partition].gaps:
                    await driver.execute(_CLOSE, *partition)
                opened += [(*partition, *first, *after) for first, after in each.gaps]
        if opened:
            await driver.execute(_OPEN, *(list(column) for column in zip(*opened, strict=True)))
        return {(row["topic"], row["partition"]): row["parked"] for row in rows}


def _is_new(place: Place, before: Mapping[Partition, Recorded], parked: Mapping[Partition, Collection[UUID]]) -> bool:
    """Whether the message was never delivered before, as almost all were not: then nobody looks at its parts."""
    partition, first = _partition(place.origin), (place.origin.offset, place.origin.index)
    return place.parked_record is None and first >= before[partition].end and not parked[partition]


def _partition(origin: Origin) -> Partition:
    return origin.topic, origin.partition


def _columns(partitions: Sequence[Partition]) -> tuple[list[str], list[int]]:
    return [topic for topic, _ in partitions], [number for _, number in partitions]


def _parked_as(place: Place, before: Recorded, parked: Collection[UUID]) -> Sequence[UUID | None]:
    """For each passage the parked record that it is, or may be: it was rejected if it lies in a gap, or if it is among the parked."""
    if place.parked_record is not None:
        return [place.parked_record] * place.passages
    topic, number = _partition(place.origin)
    found: list[UUID | None] = []
    for spot in place.spots:
        in_gap = before.in_gap(spot)
        record = record_id(str(Origin(topic, number, *spot))) if in_gap or (parked and spot >= before.end) else None
        found.append(record if in_gap or record in parked else None)
    return found
