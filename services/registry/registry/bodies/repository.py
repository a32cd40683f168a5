"""State bodies, units and heads in PostgreSQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chassis.access import Caller
from chassis.database import Transaction
from chassis.tables import FRESH
from kernel.days import DaySpan
from kernel.faults import NotFound
from kernel.holds import Hold
from kernel.names import body_name, unit_name
from kernel.text import LocalizedText
from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from registry.bodies.domain import BodyState, Headship, HrMember, StateBody, StateBodyKind, Unit, hr_members
from registry.bodies.tables import StateBodyRow, UnitHeadRow, UnitRow
from registry.holds.tables import LegalHoldRow
from registry.positions.tables import PositionRow
from registry.servants.tables import AppointmentRow


@dataclass(frozen=True, slots=True)
class StoredBodies:
    """The recorded state bodies; what is saved has been so since `at`."""

    transaction: Transaction
    at: datetime

    @property
    def session(self) -> AsyncSession:
        """SQLAlchemy's session of the transaction."""
        return self.transaction.session

    async def get(self, body: str, visible_to: Caller) -> StateBody:
        """Returns the body; NotFound if there is none within the caller's reach."""
        query = select(StateBodyRow).where(StateBodyRow.id == body, StateBodyRow.within(visible_to.reach))
        row = await self.session.scalar(query, execution_options=FRESH)
        if row is None:
            raise NotFound(body_name(body))
        return _body(row)

    async def page(self, visible_to: Caller, after: str, limit: int) -> Sequence[StateBody]:
        """Returns at most `limit` bodies within the caller's reach whose ID is above `after`, by ID."""
        query = select(StateBodyRow).where(StateBodyRow.id > after, StateBodyRow.within(visible_to.reach))
        rows = await self.session.scalars(query.order_by(StateBodyRow.id).limit(limit), execution_options=FRESH)
        return [_body(row) for row in rows]

    async def exists(self, body: str) -> bool:
        """Says whether the body is recorded, whoever may see it."""
        async with self.transaction.beyond_reach():
            return await self.session.scalar(select(StateBodyRow.id).where(StateBodyRow.id == body)) is not None

    async def add(self, body: StateBody) -> None:
        """Records a body; its ID is free and its key's lock held."""
        values = {"title_kk": body.title.kk, "title_ru": body.title.ru, "title_en": body.title.en, "kind": body.kind.value}
        fields = ("id", "region", "zone", "parent", "head", "hr_service_body", "revision")
        values |= {field: getattr(body, field) for field in fields}
        await self.session.execute(insert(StateBodyRow).values(**values, changed_at=self.at))

    async def raised(self, body: str) -> BodyState:
        """Raises the body's revision and returns its whole state; its key's lock is held."""
        raised = {"revision": StateBodyRow.revision + 1, "changed_at": self.at}
        await self.session.execute(
            update(StateBodyRow).where(StateBodyRow.id == body).values(raised), execution_options={"synchronize_session": False}
        )
        state, _ = await self.state(body)
        return state

    async def state(self, body: str) -> tuple[BodyState, datetime]:
        """Returns the whole state of a recorded body, and since when it is so."""
        row = (await self.session.scalars(select(StateBodyRow).where(StateBodyRow.id == body), execution_options=FRESH)).one()
        units = tuple(await _units(self.session, body, "", None))
        return BodyState(_body(row), units, await self._hr_members(body), await self._holds(body, row.changed_at)), row.changed_at

    async def changed_since(self, since: datetime | None, after: str, limit: int) -> Sequence[str]:
        """Returns at most `limit` IDs above `after`, by ID, of the bodies whose newest state is not older than `since`."""
        query = select(StateBodyRow.id).where(StateBodyRow.id > after)
        if since is not None:
            query = query.where(StateBodyRow.changed_at >= since)
        return list(await self.session.scalars(query.order_by(StateBodyRow.id).limit(limit)))

    async def _holds(self, body: str, at: datetime) -> tuple[Hold, ...]:
        """The holds over the body's data that stood when it changed, whoever changed it: not everyone who does may see them."""
        query = select(LegalHoldRow).where(LegalHoldRow.body == body, LegalHoldRow.standing(at)).order_by(LegalHoldRow.id)
        async with self.transaction.beyond_reach():
            rows = await self.session.scalars(query, execution_options=FRESH)
        return tuple(Hold(row.id, DaySpan(row.since, row.until)) for row in rows)

    async def _hr_members(self, body: str) -> tuple[HrMember, ...]:
        post = and_(PositionRow.body == AppointmentRow.body, PositionRow.id == AppointmentRow.position)
        unit = and_(UnitRow.body == PositionRow.body, UnitRow.id == PositionRow.unit, UnitRow.hr_service)
        query = select(AppointmentRow.servant, AppointmentRow.since, AppointmentRow.until).join(PositionRow, post).join(UnitRow, unit)
        rows = await self.session.execute(query.where(AppointmentRow.body == body, AppointmentRow.keeping_time()))
        return hr_members(HrMember(row.servant, DaySpan(row.since, row.until)) for row in rows)


@dataclass(frozen=True, slots=True)
class StoredUnits:
    """The recorded units of the bodies."""

    session: AsyncSession

    async def get(self, body: str, unit: str, visible_to: Caller) -> Unit:
        """Returns the unit; NotFound if there is none within the caller's reach."""
        query = select(UnitRow).join(StateBodyRow, StateBodyRow.id == UnitRow.body)
        query = query.where(UnitRow.body == body, UnitRow.id == unit, StateBodyRow.within(visible_to.reach))
        row = await self.session.scalar(query, execution_options=FRESH)
        if row is None:
            raise NotFound(unit_name(body, unit))
        return _unit(row, await _heads(self.session, body, [unit]))

    async def page(self, body: str, after: str, limit: int) -> Sequence[Unit]:
        """Returns at most `limit` units of the body whose ID is above `after`, by ID."""
        return await _units(self.session, body, after, limit)

    async def exists(self, body: str, unit: str) -> bool:
        """Says whether the unit is recorded."""
        return await self.session.scalar(select(UnitRow.id).where(UnitRow.body == body, UnitRow.id == unit)) is not None

    async def hr_units(self, bodies: Collection[str]) -> frozenset[tuple[str, str]]:
        """Returns body and ID of each unit that is (part of) the HR service of one of the bodies."""
        rows = await self.session.execute(select(UnitRow.body, UnitRow.id).where(UnitRow.body.in_(sorted(bodies)), UnitRow.hr_service))
        return frozenset((row.body, row.id) for row in rows)

    async def add(self, unit: Unit) -> None:
        """Records a unit (revision 1); its ID is free."""
        title = {"title_kk": unit.title.kk, "title_ru": unit.title.ru, "title_en": unit.title.en}
        rest = {"parent_unit": unit.parent_unit, "hr_service": unit.hr_service, "revision": unit.revision}
        await self.session.execute(insert(UnitRow).values(body=unit.body, id=unit.id, **title, **rest))

    async def save(self, unit: Unit) -> None:
        """Replaces the heads and the revision of a recorded unit."""
        unsynchronised = {"synchronize_session": False}
        where = and_(UnitRow.body == unit.body, UnitRow.id == unit.id)
        await self.session.execute(update(UnitRow).where(where).values(revision=unit.revision), execution_options=unsynchronised)
        heads = and_(UnitHeadRow.body == unit.body, UnitHeadRow.unit == unit.id)
        await self.session.execute(delete(UnitHeadRow).where(heads), execution_options=unsynchronised)
        key = {"body": unit.body, "unit": unit.id}
        rows = [{**key, "servant": head.servant, "since": head.span.since, "until": head.span.until} for head in unit.heads]
        if rows:
            await self.session.execute(insert(UnitHeadRow), rows)


@dataclass(frozen=True, slots=True)
class StoredService:
    """Who serves where."""

    session: AsyncSession

    async def days_in_body(self, servant: str, body: str, on: date) -> bool | None:
        """Says whether the servant is appointed in the body on that day; None if there is no appointment there at all."""
        holds = and_(AppointmentRow.since <= on, or_(AppointmentRow.until.is_(None), AppointmentRow.until >= on))
        query = select(func.bool_or(holds)).where(AppointmentRow.servant == servant, AppointmentRow.body == body)
        appointed: bool | None = await self.session.scalar(query)
        return appointed


async def _units(session: AsyncSession, body: str, after: str, limit: int | None) -> list[Unit]:
    query = select(UnitRow).where(UnitRow.body == body, UnitRow.id > after).order_by(UnitRow.id).limit(limit)
    rows = (await session.scalars(query, execution_options=FRESH)).all()
    heads = await _heads(session, body, [row.id for row in rows])
    return [_unit(row, heads) for row in rows]


async def _heads(session: AsyncSession, body: str, units: Sequence[str]) -> Sequence[UnitHeadRow]:
    query = select(UnitHeadRow).where(UnitHeadRow.body == body, UnitHeadRow.unit.in_(units)).order_by(UnitHeadRow.since)
    return (await session.scalars(query, execution_options=FRESH)).all()


def _body(row: StateBodyRow) -> StateBody:
    title = LocalizedText(row.title_kk, row.title_ru, row.title_en)
    kind = StateBodyKind(row.kind)
    return StateBody(row.id, title, kind, row.region, row.zone, row.parent, row.head, row.hr_service_body, row.revision)


def _unit(row: UnitRow, heads: Sequence[UnitHeadRow]) -> Unit:
    title = LocalizedText(row.title_kk, row.title_ru, row.title_en)
    own = tuple(Headship(head.servant, DaySpan(head.since, head.until)) for head in heads if head.unit == row.id)
    return Unit(row.body, row.id, title, row.parent_unit, row.hr_service, own, row.revision)
