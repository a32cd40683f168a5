"""Civil servants and their appointments in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.access import Caller, Reach
from chassis.database import Transaction
from chassis.personal_data.erasure import erased_among
from chassis.tables import FRESH
from kernel.days import DaySpan
from kernel.faults import NotFound
from kernel.names import servant_name
from sqlalchemy import ColumnElement, and_, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from registry.bodies.tables import StateBodyRow
from registry.positions.domain import Position
from registry.positions.tables import PositionRow
from registry.servants.domain import Appointment, AppointmentKind, AppointmentTerms, Servant
from registry.servants.iin import Iin
from registry.servants.tables import AppointmentRow, ServantRow


@dataclass(frozen=True, slots=True)
class StoredServants:
    """The recorded civil servants, whole with their appointments; what is saved has been so since `at`."""

    transaction: Transaction
    at: datetime

    @property
    def session(self) -> AsyncSession:
        """SQLAlchemy's session of the transaction."""
        return self.transaction.session

    async def get(self, servant: str, visible_to: Caller) -> Servant:
        """Returns the servant; NotFound if there is none within the caller's reach."""
        found = await self._where(and_(ServantRow.id == servant, _within(visible_to.reach)))
        if not found:
            raise NotFound(servant_name(servant))
        return found[0]

    async def page(self, body: str, after: str, limit: int, visible_to: Caller) -> Sequence[Servant]:
        """Returns at most `limit` servants within the caller's reach who have an appointment in the body and an ID above `after`, by ID."""
        serves = exists().where(AppointmentRow.servant == ServantRow.id, AppointmentRow.body == body)
        return await self._where(and_(ServantRow.id > after, serves, _within(visible_to.reach)), limit)

    async def known(self, ids: Collection[str], iins: Collection[Iin]) -> Sequence[Servant]:
        """Returns the servants with one of these IDs or IINs, whoever may see them."""
        digits = sorted(iin.digits for iin in iins)
        async with self.transaction.beyond_reach():
            return await self._where(or_(ServantRow.id.in_(sorted(ids)), ServantRow.iin.in_(digits)))

    async def visible(self, ids: Collection[str], visible_to: Caller) -> frozenset[str]:
        """Returns those of the IDs whose servants are within the caller's reach."""
        query = select(ServantRow.id).where(ServantRow.id.in_(sorted(ids)), _within(visible_to.reach))
        return frozenset(await self.session.scalars(query))

    async def erased(self, ids: Collection[str]) -> frozenset[str]:
        """Returns those of the IDs that belonged to somebody who was erased: they are never given again."""
        return await erased_among(self.transaction, ids)

    async def state(self, servant: str) -> tuple[Servant, datetime] | None:
        """Returns a recorded servant, and since when it is so; None where the servant was erased."""
        for found in await self._where(ServantRow.id == servant):
            changed_at = (await self.session.scalars(select(ServantRow.changed_at).where(ServantRow.id == servant))).one()
            return found, changed_at
        return None

    async def changed_since(self, since: datetime | None, after: str, limit: int) -> Sequence[str]:
        """Returns at most `limit` IDs above `after`, by ID, of the servants whose newest state is not older than `since`."""
        query = select(ServantRow.id).where(ServantRow.id > after)
        if since is not None:
            query = query.where(ServantRow.changed_at >= since)
        return list(await self.session.scalars(query.order_by(ServantRow.id).limit(limit)))

    async def save(self, changes: Sequence[tuple[Servant | None, Servant]]) -> None:
        """Records servants as they were (None: not at all) and became; of their appointments only what differs is written."""
        people = [(before is None, _servant_values(after, self.at)) for before, after in changes]
        held = [
            (one.id not in known, _appointment_values(after.id, one))
            for before, after in changes
            for known in [{one.id: one for one in before.appointments} if before is not None else {}]
            for one in after.appointments
            if known.get(one.id) != one
        ]
        for table, rows in ((ServantRow, people), (AppointmentRow, held)):
            new, changed = [row for is_new, row in rows if is_new], [row for is_new, row in rows if not is_new]
            if new:
                await self.session.execute(insert(table), new)
            if changed:
                await self.session.execute(update(table), changed)

    async def _where(self, condition: ColumnElement[bool], limit: int | None = None) -> list[Servant]:
        query = select(ServantRow).where(condition).order_by(ServantRow.id).limit(limit)
        people = (await self.session.scalars(query, execution_options=FRESH)).all()
        post = and_(PositionRow.body == AppointmentRow.body, PositionRow.id == AppointmentRow.position)
        held = select(AppointmentRow, PositionRow).join(PositionRow, post).where(AppointmentRow.servant.in_([row.id for row in people]))
        held = held.order_by(AppointmentRow.since, AppointmentRow.id)
        appointments: dict[str, list[Appointment]] = defaultdict(list)
        for row, position in await self.session.execute(held, execution_options=FRESH):
            appointments[row.servant].append(_appointment(row, position.position()))
        return [Servant(row.id, Iin(row.iin), row.display_name, tuple(appointments[row.id]), row.revision) for row in people]


def _within(reach: Reach) -> ColumnElement[bool]:
    """The condition that a servant is the caller or has an appointment where the caller's grants or control reach."""
    holds = exists().where(AppointmentRow.servant == ServantRow.id)
    ways: list[ColumnElement[bool]] = [holds.where(AppointmentRow.body == StateBodyRow.id, StateBodyRow.within(reach))]
    if reach.servant is not None:
        ways.append(ServantRow.id == reach.servant)
    if reach.control.units:
        post = and_(PositionRow.body == AppointmentRow.body, PositionRow.id == AppointmentRow.position)
        ways.append(holds.where(post, (PositionRow.body + "/" + PositionRow.unit).in_(sorted(reach.control.units))))
    if reach.control.people:
        ways.append(holds.where((AppointmentRow.body + "/" + AppointmentRow.servant).in_(sorted(reach.control.people))))
    return or_(*ways)


def _servant_values(servant: Servant, changed_at: datetime) -> dict[str, object]:
    if servant.iin is None:
        raise ValueError("a servant is saved with the IIN")
    values = {"id": servant.id, "iin": servant.iin.digits, "display_name": servant.display_name}
    return {**values, "revision": servant.revision, "changed_at": changed_at}


def _appointment_values(servant: str, appointment: Appointment) -> dict[str, object]:
    terms = appointment.terms
    where = {"id": appointment.id, "servant": servant, "body": terms.body, "position": terms.position, "kind": terms.kind.value}
    span = {"since": terms.span.since, "until": terms.span.until}
    return {**where, **span, "rate_percent": terms.rate_percent, "act": terms.act, "revision": appointment.revision}


def _appointment(row: AppointmentRow, post: Position) -> Appointment:
    span = DaySpan(row.since, row.until)
    terms = AppointmentTerms(row.body, row.position, AppointmentKind(row.kind), span, row.rate_percent, row.act)
    return Appointment(row.id, post, terms, row.revision)
