"""Assignments in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chassis.access import Caller, Reach
from chassis.tables import FRESH
from kernel.faults import NotFound
from sqlalchemy import ColumnElement, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from regimes.assignments.domain import Assignment
from regimes.assignments.tables import AssignmentRow, regime_json
from regimes.names import assignment_name
from regimes.people.tables import AppointmentRow


@dataclass(frozen=True, slots=True)
class StoredAssignments:
    """The recorded assignments; seen by whom the servant's appointments in their span let see them."""

    session: AsyncSession

    async def get(self, servant: str, assignment: str, visible_to: Caller) -> Assignment:
        """Returns the assignment; NotFound if there is none within the caller's reach."""
        query = select(AssignmentRow).where(AssignmentRow.servant == servant, AssignmentRow.id == assignment, _reached(visible_to.reach))
        row = await self.session.scalar(query, execution_options=FRESH)
        if row is None:
            raise NotFound(assignment_name(servant, assignment))
        return row.recorded()

    async def of_servant(self, servant: str) -> Sequence[Assignment]:
        """Returns all assignments of the servant, in the order of recording."""
        query = select(AssignmentRow).where(AssignmentRow.servant == servant).order_by(AssignmentRow.place)
        return [row.recorded() for row in await self.session.scalars(query, execution_options=FRESH)]

    async def page(self, servant: str, after: str, limit: int, visible_to: Caller) -> Sequence[Assignment]:
        """Returns at most `limit` assignments within the caller's reach with an ID above `after`, by ID."""
        query = select(AssignmentRow).where(AssignmentRow.servant == servant, AssignmentRow.id > after, _reached(visible_to.reach))
        rows = await self.session.scalars(query.order_by(AssignmentRow.id).limit(limit), execution_options=FRESH)
        return [row.recorded() for row in rows]

    async def add(self, assignment: Assignment) -> Assignment:
        """Records a new assignment and returns it with its place in the order of recording; the servant's lock is held."""
        values = {
            "servant": assignment.servant,
            "id": assignment.assignment,
            "since": assignment.since,
            "until": assignment.until,
            "act": assignment.act,
            "regime": regime_json(assignment.regime),
        }
        place = (await self.session.execute(insert(AssignmentRow).values(**values).returning(AssignmentRow.place))).scalar_one()
        return replace(assignment, order=place)


def _reached(reach: Reach) -> ColumnElement[bool]:
    began = AppointmentRow.since <= AssignmentRow.until
    not_ended = or_(AppointmentRow.until.is_(None), AppointmentRow.until >= AssignmentRow.since)
    return AppointmentRow.reached(AssignmentRow.servant, reach, began, not_ended)
