"""Parked records in PostgreSQL; seen by whom the scope of their device's body lets see them, or by operators alone."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.access import Caller
from chassis.database import Transaction
from chassis.outbox import OutboxRow
from chassis.parking import PARKED_RECORD
from chassis.projections import require_level
from chassis.tables import FRESH, outbox
from kernel.faults import NotFound
from sqlalchemy import ColumnElement, Uuid, and_, cast, false, func, or_, select

from timetracking.devices.tables import DeviceRow
from timetracking.names import parked_name
from timetracking.parking.domain import OWN, ParkedRecord, Selection, State, reason_named
from timetracking.parking.tables import ParkedRow
from timetracking.parking.use_cases import Seen
from timetracking.people.repository import BODIES
from timetracking.people.tables import BodyRow

# Contents that are forgotten at once: a transaction ends well within its five seconds.
FORGOTTEN_AT_ONCE = 1_000

# What was taken up stays so; and what is read a second time is no new failure: that has more attempts.
_NOTE = """
INSERT INTO parked_records AS held (id, topic, key, partition, lay_partition, lay_offset, device, date, reason, error, origin,
                                    first_failed_at, parked_at, attempts, state, sendable, headers, size, value)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::bigint[], $7::text[], $8::date[], $9::text[],
                     $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::integer[], $15::text[], $16::boolean[],
                     $17::text[], $18::bigint[], $19::bytea[])
ON CONFLICT (id) DO UPDATE SET
    state = excluded.state, reason = excluded.reason, error = excluded.error, origin = excluded.origin,
    parked_at = excluded.parked_at, attempts = excluded.attempts
WHERE held.state <> 'taken_up' AND held.attempts < excluded.attempts
RETURNING id, xmax = 0 AS new
"""
_WAITING = "SELECT topic, reason, count(*) AS many FROM parked_records WHERE state = 'parked' GROUP BY topic, reason"
_SENT = """
UPDATE parked_records held SET state = 'sent_again', attempts = sent.attempts
FROM unnest($1::uuid[], $2::integer[]) AS sent (id, attempts) WHERE held.id = sent.id
"""
# States of others are noted without their contents; an older version of the program kept those, and they need no time to be over.
_FORGET = """
WITH old AS (
    SELECT id FROM parked_records WHERE (value IS NOT NULL OR key <> '') AND (parked_at < $1 OR topic <> ALL ($3::text[]))
    ORDER BY parked_at LIMIT $2
)
UPDATE parked_records held SET key = '', value = NULL, headers = '{}', sendable = false FROM old WHERE held.id = old.id
"""


@dataclass(frozen=True, slots=True)
class StoredParking:
    """The parked records as a transaction sees them."""

    transaction: Transaction

    async def note(self, records: Sequence[ParkedRecord]) -> Collection[UUID]:
        """Keeps what is new, and what was parked once more after it was sent again; returns the IDs of the new ones."""
        newest: dict[UUID, ParkedRecord] = {}
        for each in records:
            if each.id not in newest or newest[each.id].attempts < each.attempts:
                newest[each.id] = each
        rows = [_columns(each) for each in newest.values()]
        found = await (await self.transaction.driver()).fetch(_NOTE, *(list(column) for column in zip(*rows, strict=True)))
        return {row["id"] for row in found if row["new"]}

    async def waiting(self) -> Mapping[tuple[str, str], int]:
        """How many records wait, by topic and reason as it is listed."""
        found = Counter[tuple[str, str]]()
        for topic, reason, many in await (await self.transaction.driver()).fetch(_WAITING):
            found[topic, reason_named(reason)] += many
        return found

    async def page(self, selection: Selection, before: int | None, limit: int, visible_to: Caller) -> Sequence[Seen]:
        """Returns at most so many records that came before a place (None: of all), the last ones first."""
        await self._require_reach(visible_to)
        query = _seen(visible_to).where(*_selected(selection)).order_by(ParkedRow.place.desc()).limit(limit)
        if before is not None:
            query = query.where(ParkedRow.place < before)
        return [_told(*row) for row in await self.transaction.session.execute(query, execution_options=FRESH)]

    async def get(self, record: UUID, visible_to: Caller) -> Seen:
        """Returns the record; NotFound if there is none within the caller's reach, Unavailable while that is not known."""
        await self._require_reach(visible_to)
        query = _seen(visible_to).where(ParkedRow.id == record)
        row = (await self.transaction.session.execute(query, execution_options=FRESH)).one_or_none()
        if row is None:
            raise NotFound(parked_name(record))
        return _told(*row)

    async def hold(self, selection: Selection, limit: int, visible_to: Caller) -> Sequence[ParkedRecord]:
        """Returns at most so many records, the first ones first, and holds them: nobody else sends them meanwhile."""
        await self._require_reach(visible_to)
        query = select(ParkedRow).outerjoin(DeviceRow, DeviceRow.serial == ParkedRow.device)
        query = query.where(_reached(visible_to), *_selected(selection))
        if not selection.ids:
            query = query.where(ParkedRow.sendable)
        query = query.order_by(ParkedRow.place).limit(limit).with_for_update(of=ParkedRow)
        return [_record(row) for row in await self.transaction.session.scalars(query, execution_options=FRESH)]

    async def gone_out(self, selection: Selection, limit: int, visible_to: Caller) -> tuple[Sequence[UUID], int]:
        """Returns at most so many of the records that have left for Kafka, and how many of all have not."""
        await self._require_reach(visible_to)
        record = cast(outbox.c.headers[PARKED_RECORD].astext, Uuid)
        going = select(record).where(outbox.c.topic.in_(OWN), outbox.c.headers.has_key(PARKED_RECORD))
        wanted = select(ParkedRow.id).outerjoin(DeviceRow, DeviceRow.serial == ParkedRow.device)
        wanted = wanted.where(_reached(visible_to), *_selected(selection))
        gone = wanted.where(ParkedRow.id.not_in(going)).order_by(ParkedRow.place).limit(limit)
        waiting = select(func.count()).select_from(wanted.where(ParkedRow.id.in_(going)).subquery())
        session = self.transaction.session
        return list(await session.scalars(gone)), await session.scalar(waiting) or 0

    async def kept_back(self, selection: Selection, visible_to: Caller) -> int:
        """Says how many parked records match that cannot be sent."""
        query = select(func.count()).select_from(ParkedRow).outerjoin(DeviceRow, DeviceRow.serial == ParkedRow.device)
        query = query.where(_reached(visible_to), *_selected(selection), ~ParkedRow.sendable)
        return await self.transaction.session.scalar(query) or 0

    async def _require_reach(self, caller: Caller) -> None:
        """Whose reach hangs on bodies must wait for them; who operates everything needs the list most when nothing comes through."""
        if not caller.reach.nation:
            await require_level(self.transaction, BODIES)

    async def send(self, records: Sequence[ParkedRecord]) -> None:
        """Keeps the records as sent again and lets their messages go out when the transaction commits."""
        driver = await self.transaction.driver()
        await driver.execute(_SENT, [each.id for each in records], [each.attempts for each in records])
        for each in records:
            headers = {**each.headers_again, PARKED_RECORD: str(each.id)}
            self.transaction.publish_again(OutboxRow(each.topic, each.key, each.value, headers, each.partition))


async def forget_parked(transaction: Transaction, before: datetime, most: int = FORGOTTEN_AT_ONCE) -> int:
    """Deletes the contents of at most so many records that were parked before an instant; how many there were. Their counts stay."""
    told = await (await transaction.driver()).execute(_FORGET, before, most, list(OWN))
    return int(told.rpartition(" ")[2])


def _seen(caller: Caller) -> Any:
    query = select(ParkedRow, DeviceRow.body, _in_clear(caller)).outerjoin(DeviceRow, DeviceRow.serial == ParkedRow.device)
    return query.where(_reached(caller))


def _reached(caller: Caller) -> ColumnElement[bool]:
    """The condition that the caller may know of the record: its device's body is reached, or it has none and they operate a region."""
    operates = any(grant.role == "operator" and grant.scope_kind != "state-body" for grant in caller.grants)
    of_no_body = DeviceRow.body.is_(None) if operates else false()
    return or_(and_(DeviceRow.body.is_not(None), BodyRow.reached(DeviceRow.body, caller.reach)), of_no_body)


def _in_clear(caller: Caller) -> ColumnElement[bool]:
    """The condition that the record is one of the caller's own body, whose HR service may read it."""
    officer = replace(caller, grants=tuple(grant for grant in caller.grants if grant.role == "hr-officer"))
    return and_(DeviceRow.body.is_not(None), BodyRow.reached(DeviceRow.body, officer.reach))


def _selected(selection: Selection) -> Sequence[ColumnElement[bool]]:
    equal = {"topic": selection.topic, "reason": selection.reason, "device": selection.device, "state": selection.state}
    conditions: list[ColumnElement[bool]] = [getattr(ParkedRow, name) == str(value) for name, value in equal.items() if value]
    if selection.body:
        conditions.append(DeviceRow.body == selection.body)
    if selection.since is not None:
        conditions.append(ParkedRow.parked_at >= selection.since)
    if selection.until is not None:
        conditions.append(ParkedRow.parked_at < selection.until)
    if selection.ids:
        conditions.append(ParkedRow.id.in_(selection.ids))
    return conditions


def _columns(record: ParkedRecord) -> tuple[Any, ...]:
    return (
        record.id,
        record.topic,
        record.key,
        record.partition,
        *(record.lay or (None, None)),
        record.device,
        record.date,
        record.reason,
        record.error,
        record.origin,
        record.first_failed_at,
        record.parked_at,
        record.attempts,
        record.state.value,
        record.sendable,
        json.dumps(dict(record.headers)),
        record.size,
        record.value,
    )


def _told(row: ParkedRow, body: str | None, clear: bool | None) -> Seen:
    return Seen(_record(row), row.place, body, bool(clear))


def _record(row: ParkedRow) -> ParkedRecord:
    return ParkedRecord(
        id=row.id,
        topic=row.topic,
        key=row.key,
        partition=row.partition,
        lay=(row.lay_partition, row.lay_offset) if row.lay_partition is not None and row.lay_offset is not None else None,
        device=row.device,
        date=row.date,
        reason=row.reason,
        error=row.error,
        origin=row.origin,
        first_failed_at=row.first_failed_at,
        parked_at=row.parked_at,
        attempts=row.attempts,
        sendable=row.sendable,
        headers=json.loads(row.headers),
        value=row.value,
        size=row.size,
        state=State(row.state),
    )
