"""The projection of bodies and servants in PostgreSQL."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chassis.access import Caller
from chassis.database import Transaction
from chassis.heads import save_headships
from chassis.personal_data.erasure import erased_among
from chassis.personal_data.holds import save_holds
from chassis.projections import require_level
from chassis.tables import FRESH
from kernel.days import DaySpan
from kernel.faults import NotFound
from kernel.names import body_name, servant_name
from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from timetracking.people.domain import Body, Servant
from timetracking.people.tables import AppointmentRow, BodyRow, ServantRow

BODIES, SERVANTS = "registry.bodies.v1", "registry.servants.v1"
UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class StoredBodies:
    """The bodies that the registry told of."""

    transaction: Transaction

    async def get(self, body: str, visible_to: Caller) -> Body:
        """Returns the body; NotFound if there is none within the caller's reach, Unavailable while it may still be told of."""
        await require_level(self.transaction, BODIES)
        query = select(BodyRow).where(BodyRow.body == body, BodyRow.reached(BodyRow.body, visible_to.reach))
        row = await self.transaction.session.scalar(query, execution_options=FRESH)
        if row is None:
            raise NotFound(body_name(body))
        return row.told()

    async def find(self, bodies: Iterable[str]) -> Mapping[str, Body]:
        """Returns those of the IDs that are known, whoever may see them."""
        rows = await self.transaction.session.scalars(select(BodyRow).where(BodyRow.body.in_(sorted(bodies))), execution_options=FRESH)
        return {row.body: row.told() for row in rows}

    async def save(self, bodies: Sequence[Body]) -> None:
        """Records each with the heads of its units, in place of an older state; a newer one that is there stays."""
        if not bodies:
            return
        rows = [{"body": each.body, "region": each.region, "zone": each.zone, "revision": each.revision} for each in bodies]
        statement = upsert(BodyRow).values(rows)
        told = statement.excluded
        newer = {"region": told.region, "zone": told.zone, "revision": told.revision}
        written = await self.transaction.session.scalars(
            statement.on_conflict_do_update(index_elements=[BodyRow.body], set_=newer, where=BodyRow.revision < told.revision).returning(
                BodyRow.body
            ),
            execution_options=UNSYNCHRONISED,
        )
        told_now, fresh = {body.body: body for body in bodies}, list(written)
        await save_headships(self.transaction, {body: told_now[body].heads for body in fresh})
        await save_holds(self.transaction, {body: told_now[body].holds for body in fresh})


@dataclass(frozen=True, slots=True)
class StoredServants:
    """The servants that the registry told of."""

    transaction: Transaction

    async def require(self, servant: str, visible_to: Caller, during: DaySpan | None = None) -> None:
        """Returns if the servant is within the caller's reach, by an appointment in the span if one is given; NotFound otherwise.

        Unavailable PROJECTION_BEHIND while the registry's word may still be on its way.
        """
        await require_level(self.transaction, SERVANTS, BODIES)
        conditions = AppointmentRow.during(during) if during is not None else ()
        query = select(ServantRow.servant).where(
            ServantRow.servant == servant, AppointmentRow.reached(ServantRow.servant, visible_to.reach, *conditions)
        )
        if await self.transaction.session.scalar(query) is None:
            raise NotFound(servant_name(servant))

    async def find(self, servants: Iterable[str]) -> Mapping[str, Servant]:
        """Returns those of the IDs that are known, with their appointments."""
        wanted, session = sorted(servants), self.transaction.session
        query = (
            select(AppointmentRow).where(AppointmentRow.servant.in_(wanted)).order_by(AppointmentRow.servant, AppointmentRow.appointment)
        )
        held: dict[str, list[AppointmentRow]] = {}
        for row in await session.scalars(query, execution_options=FRESH):
            held.setdefault(row.servant, []).append(row)
        rows = await session.scalars(select(ServantRow).where(ServantRow.servant.in_(wanted)), execution_options=FRESH)
        return {row.servant: Servant(row.servant, tuple(one.told() for one in held.get(row.servant, ())), row.revision) for row in rows}

    async def erased(self, servants: Collection[str]) -> frozenset[str]:
        """Returns those of the IDs that belonged to somebody who was erased."""
        return await erased_among(self.transaction, servants)

    async def save(self, servants: Sequence[Servant]) -> None:
        """Records each with the appointments, in place of an older state; the locks of their keys are held."""
        if not servants:
            return
        session = self.transaction.session
        statement = upsert(ServantRow).values([{"servant": each.servant, "revision": each.revision} for each in servants])
        told = statement.excluded
        newer = statement.on_conflict_do_update(
            index_elements=[ServantRow.servant], set_={"revision": told.revision}, where=ServantRow.revision < told.revision
        )
        written = frozenset(await session.scalars(newer.returning(ServantRow.servant), execution_options=UNSYNCHRONISED))
        await session.execute(delete(AppointmentRow).where(AppointmentRow.servant.in_(sorted(written))), execution_options=UNSYNCHRONISED)
        rows = [_values(each) for each in servants if each.servant in written]
        if any(rows):
            await session.execute(insert(AppointmentRow), [row for own in rows for row in own])


def _values(servant: Servant) -> list[dict[str, object]]:
    return [
        {
            "servant": servant.servant,
            "appointment": each.appointment,
            "since": each.span.since,
            "until": each.span.until,
            "body": each.body,
            "unit": each.unit,
            "kind": each.kind,
            "keeps_time": each.keeps_time,
            "position": each.position,
            "supervising_position": each.supervising_position,
        }
        for each in servant.appointments
    ]
