"""The projection of bodies and servants in PostgreSQL."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from chassis.access import Caller
from chassis.database import Transaction
from chassis.heads import save_headships
from chassis.personal_data.erasure import erased_among
from chassis.personal_data.holds import save_holds
from chassis.projections import require_level
from chassis.tables import FRESH
from kernel.faults import NotFound
from kernel.names import body_name, servant_name
from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from regimes.people.domain import Appointment, Body, Servant
from regimes.people.tables import AppointmentRow, BodyRow, ServantRow
from regimes.projections import BODIES, SERVANTS

UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class StoredBodies:
    """The bodies that the registry told of."""

    transaction: Transaction

    async def get(self, body: str, visible_to: Caller) -> Body:
        """Returns the body; NotFound if there is none within the caller's reach, Unavailable while it may still be told of."""
        await require_level(self.transaction, BODIES)
        query = select(BodyRow).where(BodyRow.id == body, BodyRow.reached(BodyRow.id, visible_to.reach))
        row = await self.transaction.session.scalar(query, execution_options=FRESH)
        if row is None:
            raise NotFound(body_name(body))
        return row.told()

    async def find(self, bodies: Iterable[str]) -> Mapping[str, Body]:
        """Returns those of the IDs that are known, whoever may see them."""
        query = select(BodyRow).where(BodyRow.id.in_(sorted(bodies)))
        async with self.transaction.beyond_reach():
            rows = await self.transaction.session.scalars(query, execution_options=FRESH)
        return {row.id: row.told() for row in rows}

    async def within(self, bodies: Iterable[str], visible_to: Caller) -> frozenset[str]:
        """Returns those of the IDs that the caller's grants reach."""
        wanted = frozenset(bodies)
        reach = visible_to.reach
        if reach.nation or wanted <= reach.bodies:
            return wanted
        rows = await self.transaction.session.scalars(
            select(BodyRow.id).where(BodyRow.id.in_(sorted(wanted)), BodyRow.reached(BodyRow.id, reach))
        )
        return frozenset(rows) | (wanted & reach.bodies)

    async def save(self, bodies: Sequence[Body]) -> None:
        """Records each with its units and their heads, in place of an older state; a newer one that is there stays."""
        if not bodies:
            return
        rows = [
            {
                "id": body.body,
                "region": body.region,
                "zone": body.zone,
                "units": [[unit.unit, unit.parent] for unit in body.units],
                "revision": body.revision,
            }
            for body in bodies
        ]
        statement = upsert(BodyRow).values(rows)
        told = statement.excluded
        newer = {"region": told.region, "zone": told.zone, "units": told.units, "revision": told.revision}
        written = await self.transaction.session.scalars(
            statement.on_conflict_do_update(index_elements=[BodyRow.id], set_=newer, where=BodyRow.revision < told.revision).returning(
                BodyRow.id
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

    async def get(self, servant: str, visible_to: Caller) -> Servant:
        """Returns the servant; NotFound if there is none within the caller's reach, Unavailable while it may still be told of."""
        await require_level(self.transaction, SERVANTS, BODIES)
        query = select(ServantRow.id).where(ServantRow.id == servant, AppointmentRow.reached(ServantRow.id, visible_to.reach))
        if await self.transaction.session.scalar(query) is None:
            raise NotFound(servant_name(servant))
        return (await self.find([servant]))[servant]

    async def find(self, servants: Iterable[str]) -> Mapping[str, Servant]:
        """Returns those of the IDs that are known, whoever may see them."""
        wanted = sorted(servants)
        known = {
            row.id: row.revision
            for row in await self.transaction.session.execute(select(ServantRow.id, ServantRow.revision).where(ServantRow.id.in_(wanted)))
        }
        query = select(AppointmentRow).where(AppointmentRow.servant.in_(wanted)).order_by(AppointmentRow.servant, AppointmentRow.id)
        rows = await self.transaction.session.scalars(query, execution_options=FRESH)
        held = {servant: tuple(row.told() for row in own) for servant, own in groupby(rows, key=lambda row: row.servant)}
        return {servant: Servant(servant, held.get(servant, ()), revision) for servant, revision in known.items()}

    async def erased(self, servants: Collection[str]) -> frozenset[str]:
        """Returns those of the IDs that belonged to somebody who was erased."""
        return await erased_among(self.transaction, servants)

    async def save(self, servants: Sequence[Servant]) -> None:
        """Records each with the appointments, in place of an older state; the locks of their keys are held."""
        if not servants:
            return
        statement = upsert(ServantRow).values([{"id": servant.servant, "revision": servant.revision} for servant in servants])
        told = statement.excluded
        newer = statement.on_conflict_do_update(
            index_elements=[ServantRow.id], set_={"revision": told.revision}, where=ServantRow.revision < told.revision
        )
        written = frozenset(await self.transaction.session.scalars(newer.returning(ServantRow.id), execution_options=UNSYNCHRONISED))
        fresh = [servant for servant in servants if servant.servant in written]
        await self.transaction.session.execute(
            delete(AppointmentRow).where(AppointmentRow.servant.in_(sorted(written))), execution_options=UNSYNCHRONISED
        )
        rows = [_values(servant.servant, appointment) for servant in fresh for appointment in servant.appointments]
        if rows:
            await self.transaction.session.execute(insert(AppointmentRow), rows)


def _values(servant: str, appointment: Appointment) -> dict[str, object]:
    return {
        "servant": servant,
        "id": appointment.appointment,
        "since": appointment.span.since,
        "until": appointment.span.until,
        "body": appointment.body,
        "unit": appointment.unit,
        "kind": appointment.kind.value,
        "keeps_time": appointment.keeps_time,
        "hours_set_by_regulation": appointment.hours_set_by_regulation,
        "position": appointment.position,
        "supervising_position": appointment.supervising_position,
    }
