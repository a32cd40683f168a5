"""Protected facts in PostgreSQL, as they are sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.database import Transaction
from chassis.tables import FRESH
from kernel.faults import NotFound
from sqlalchemy import Date, DateTime, and_, cast, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from registry.bodies.tables import StateBodyRow
from registry.names import protected_fact_name
from registry.positions.tables import PositionRow
from registry.protected.domain import KeptFact, ProtectedFact, SealedFact
from registry.protected.keys import SensitiveKeys
from registry.protected.sealing import opened, sealed
from registry.protected.tables import ProtectedFactRow
from registry.servants.tables import AppointmentRow


@dataclass(frozen=True, slots=True)
class StoredProtectedFacts:
    """The stored protected facts, read and written with the keys; today is the date of `at` in a body's zone."""

    transaction: Transaction
    at: datetime
    keys: SensitiveKeys

    @property
    def session(self) -> AsyncSession:
        """SQLAlchemy's session of the transaction."""
        return self.transaction.session

    @property
    def key(self) -> str:
        """The name of the key under which facts are stored now; SENSITIVE_KEYS_ABSENT where the platform was told none."""
        return self.keys.current

    def opened(self, stored: SealedFact) -> KeptFact:
        """Returns a stored fact, or why it cannot be read."""
        return opened(stored, self.keys)

    async def posts(self, servant: str) -> Sequence[tuple[str, str]]:
        """Returns body and unit of each post in which the servant's time is kept today or will be, as far as its body is within reach."""
        today = cast(func.timezone(StateBodyRow.zone, literal(self.at, DateTime(timezone=True))), Date)
        post = and_(PositionRow.body == AppointmentRow.body, PositionRow.id == AppointmentRow.position)
        query = select(PositionRow.body, PositionRow.unit).join(AppointmentRow, post)
        query = query.join(StateBodyRow, StateBodyRow.id == PositionRow.body)
        goes_on = or_(AppointmentRow.until.is_(None), AppointmentRow.until >= today)
        query = query.where(AppointmentRow.servant == servant, AppointmentRow.keeping_time(), goes_on)
        found = await self.session.execute(query.order_by(AppointmentRow.since, AppointmentRow.id))
        return [(body, unit) for body, unit in found]

    async def stored(self, servant: str, fact: str) -> SealedFact:
        """Returns a servant's fact as it is stored; NotFound if there is none."""
        query = select(ProtectedFactRow).where(ProtectedFactRow.servant == servant, ProtectedFactRow.id == fact)
        row = (await self.session.scalars(query, execution_options=FRESH)).one_or_none()
        if row is None:
            raise NotFound(protected_fact_name(servant, fact))
        return _sealed(row)

    async def page(self, servant: str, after: str, limit: int) -> Sequence[KeptFact]:
        """Returns at most `limit` facts of the servant with an ID above `after`, by ID."""
        query = select(ProtectedFactRow).where(ProtectedFactRow.servant == servant, ProtectedFactRow.id > after)
        found = await self.session.scalars(query.order_by(ProtectedFactRow.id).limit(limit), execution_options=FRESH)
        return [self.opened(_sealed(row)) for row in found]

    async def behind_limits(self, servant: str) -> Sequence[KeptFact]:
        """Returns all facts of the servant, for limits that are shown to those who may not see the facts."""
        query = select(ProtectedFactRow).where(ProtectedFactRow.servant == servant)
        async with self.transaction.beyond_reach():
            found = (await self.session.scalars(query, execution_options=FRESH)).all()
        return [self.opened(_sealed(row)) for row in found]

    async def add(self, fact: ProtectedFact) -> SealedFact:
        """Stores a new fact; as what."""
        stored = sealed(fact, self.keys)
        await self.session.execute(insert(ProtectedFactRow), [_values(stored)])
        return stored

    async def save(self, fact: ProtectedFact) -> SealedFact:
        """Stores a known fact as it is now, under the current key; as what."""
        stored = sealed(fact, self.keys)
        await self.session.execute(update(ProtectedFactRow), [_values(stored)])
        return stored

    async def under_other_keys(self, after: str, limit: int) -> Sequence[SealedFact]:
        """Returns at most `limit` facts with an ID above `after`, by ID, that another key sealed; they are held from changes by others."""
        query = select(ProtectedFactRow).where(ProtectedFactRow.id > after, ProtectedFactRow.key != self.key)
        query = query.order_by(ProtectedFactRow.id).limit(limit).with_for_update()
        return [_sealed(row) for row in await self.session.scalars(query, execution_options=FRESH)]

    async def counts(self) -> Mapping[str, int]:
        """Returns how many facts are stored under each key that sealed any."""
        query = select(ProtectedFactRow.key, func.count()).group_by(ProtectedFactRow.key)
        found = await self.session.execute(query.order_by(ProtectedFactRow.key))
        return {row.key: row[1] for row in found}


def _sealed(row: ProtectedFactRow) -> SealedFact:
    return SealedFact(row.id, row.servant, row.key, row.content, row.revision)


def _values(stored: SealedFact) -> dict[str, object]:
    return {"id": stored.id, "servant": stored.servant, "key": stored.key, "content": stored.content, "revision": stored.revision}
