"""Who is to be erased, and erasing them, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chassis.database import Transaction
from chassis.personal_data.erasure import erase_people
from sqlalchemy import func, select, union, update

from registry.bodies.tables import StateBodyRow, UnitHeadRow
from registry.personal_data import DATA_CLASSES
from registry.servants.tables import AppointmentRow


@dataclass(frozen=True, slots=True)
class StoredErasure:
    """The people whose rows are erased, as a transaction sees them."""

    transaction: Transaction

    async def due(self, before: date, after: str, most: int) -> Sequence[str]:
        """Returns at most so many of those whose last appointment ended before the date and whose ID is above `after`, by ID."""
        ended = func.bool_and(AppointmentRow.until.is_not(None) & (AppointmentRow.until < before))
        query = select(AppointmentRow.servant).where(AppointmentRow.servant > after).group_by(AppointmentRow.servant).having(ended)
        return list(await self.transaction.session.scalars(query.order_by(AppointmentRow.servant).limit(most)))

    async def named_by(self, servant: str) -> Sequence[str]:
        """Returns the bodies whose state names the servant: as a head, of the body or of a unit, or by an appointment there."""
        query = union(
            select(StateBodyRow.id).where(StateBodyRow.head == servant),
            select(UnitHeadRow.body).where(UnitHeadRow.servant == servant),
            select(AppointmentRow.body).where(AppointmentRow.servant == servant),
        )
        return sorted(await self.transaction.session.scalars(query))

    async def erase(self, servant: str) -> int:
        """Erases all that is kept of the servant; how many rows. The locks of the servant and the bodies are held."""
        rows = await erase_people(self.transaction, DATA_CLASSES, [servant])
        headless = update(StateBodyRow).where(StateBodyRow.head == servant).values(head=None)
        await self.transaction.session.execute(headless, execution_options={"synchronize_session": False})
        return rows
