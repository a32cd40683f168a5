"""Legal holds in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chassis.database import Transaction
from chassis.personal_data.retention import rests_until
from chassis.tables import FRESH
from kernel.days import DaySpan
from kernel.faults import NotFound
from sqlalchemy import insert, select, update

from registry.holds.domain import Hold
from registry.holds.tables import LegalHoldRow
from registry.names import hold_name


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

    async def add(self, hold: Hold) -> None:
        """Records a hold."""
        span = {"since": hold.span.since, "until": hold.span.until}
        values = {"body": hold.body, "id": hold.id, "ground": hold.ground, "released": hold.released, "revision": hold.revision, **span}
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
    return Hold(row.body, row.id, row.ground, DaySpan(row.since, row.until), row.released, row.revision)
