"""Legal holds in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chassis.database import Transaction
from chassis.personal_data.retention import rests_until
from chassis.tables import FRESH
from kernel.days import DaySpan
from kernel.faults import NotFound
from sqlalchemy import func, insert, select, update

from registry.bodies.tables import StateBodyRow
from registry.holds.domain import Hold
from registry.holds.tables import LegalHoldRow
from registry.names import hold_name

# One lock, of which nobody has a second: whoever deletes shares it, whoever places a hold has it alone.
DELETING, ANYTHING = "deleting", "anything"


@dataclass(frozen=True, slots=True)
class StoredHolds:
    """The recorded holds; which are in force is asked `at` an instant."""

    transaction: Transaction
    at: datetime

    async def get(self, body: str, hold: str) -> Hold:
        """Returns the hold; NotFound if the body has none such. The caller reaches the body."""
        query = select(LegalHoldRow).where(LegalHoldRow.body == body, LegalHoldRow.id == hold)
        row = await self.transaction.session.scalar(query, execution_options=FRESH)
        if row is None:
            raise NotFound(hold_name(body, hold))
        return _hold(row)

    async def page(self, body: str, after: str, limit: int | None) -> Sequence[Hold]:
        """Returns at most `limit` holds over the body's data whose ID is above `after`, by ID."""
        query = select(LegalHoldRow).where(LegalHoldRow.body == body, LegalHoldRow.id > after).order_by(LegalHoldRow.id).limit(limit)
        return [_hold(row) for row in await self.transaction.session.scalars(query, execution_options=FRESH)]

    async def of(self, bodies: Collection[str]) -> Mapping[str, Collection[str]]:
        """Returns the IDs of the holds over each of the bodies that are recorded, released ones too."""
        query = select(StateBodyRow.id, func.array_remove(func.array_agg(LegalHoldRow.id), None).label("holds"))
        query = (
            query.outerjoin(LegalHoldRow, LegalHoldRow.body == StateBodyRow.id).where(StateBodyRow.id.in_(bodies)).group_by(StateBodyRow.id)
        )
        return {row.id: row.holds for row in await self.transaction.session.execute(query)}

    async def standing(self, body: str) -> int:
        """Returns how many holds over the body's data are neither released nor over; the body's lock is held."""
        query = select(func.count()).where(LegalHoldRow.body == body, LegalHoldRow.standing(self.at))
        return await self.transaction.session.scalar(query) or 0

    async def while_nothing_is_deleted(self) -> None:
        """Waits for those who delete, and lets none begin before this transaction ends; before the first write, and other locks."""
        await self.transaction.lock(DELETING, [ANYTHING])

    async def while_none_is_placed(self) -> None:
        """Waits for those who place holds, and lets none begin before this transaction ends; before the first write, and other locks."""
        await self.transaction.lock(DELETING, [ANYTHING], shared=True)

    async def add(self, hold: Hold) -> None:
        """Records a hold."""
        values = {field: getattr(hold, field) for field in ("body", "id", "ground", "of_nation", "released", "revision")}
        values |= {"since": hold.span.since, "until": hold.span.until}
        await self.transaction.session.execute(insert(LegalHoldRow).values(values))

    async def save(self, hold: Hold) -> None:
        """Records whether a hold was released."""
        changed = update(LegalHoldRow).where(LegalHoldRow.body == hold.body, LegalHoldRow.id == hold.id)
        values = changed.values(released=hold.released, revision=hold.revision)
        await self.transaction.session.execute(values, execution_options={"synchronize_session": False})

    async def in_force_until(self) -> date | None:
        """Returns the last day of the holds in force over whichever body, None where none is; operators are told when it changes."""
        return await rests_until(self.transaction, self.at)


def _hold(row: LegalHoldRow) -> Hold:
    return Hold(row.body, row.id, row.ground, DaySpan(row.since, row.until), row.of_nation, row.released, row.revision)
