"""Labour-order rules in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.access import Caller
from chassis.tables import FRESH
from kernel.faults import NotFound
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from regimes.names import rules_name
from regimes.people.tables import BodyRow
from regimes.rules.domain import LabourOrderRules
from regimes.rules.tables import LabourOrderRulesRow


@dataclass(frozen=True, slots=True)
class StoredRules:
    """The recorded labour-order rules."""

    session: AsyncSession

    async def get(self, body: str, rules: str, visible_to: Caller) -> LabourOrderRules:
        """Returns the rules; NotFound if there are none within the caller's reach."""
        reached = BodyRow.reached(LabourOrderRulesRow.body, visible_to.reach)
        query = select(LabourOrderRulesRow).where(LabourOrderRulesRow.body == body, LabourOrderRulesRow.id == rules, reached)
        row = await self.session.scalar(query, execution_options=FRESH)
        if row is None:
            raise NotFound(rules_name(body, rules))
        return row.recorded()

    async def of_body(self, body: str) -> Sequence[LabourOrderRules]:
        """Returns all rules of the body, by ID."""
        return await self.page(body, "", None)

    async def page(self, body: str, after: str, limit: int | None) -> Sequence[LabourOrderRules]:
        """Returns at most `limit` rules of the body with an ID above `after`, by ID."""
        query = select(LabourOrderRulesRow).where(LabourOrderRulesRow.body == body, LabourOrderRulesRow.id > after)
        rows = await self.session.scalars(query.order_by(LabourOrderRulesRow.id).limit(limit), execution_options=FRESH)
        return [row.recorded() for row in rows]

    async def add(self, rules: LabourOrderRules) -> None:
        """Records new rules; the body's lock is held."""
        values = {
            "body": rules.body,
            "id": rules.rules,
            "unit": rules.unit,
            "since": rules.since,
            "week": rules.week.value,
            "starts": rules.start,
            "ends": rules.end,
            "break_starts": rules.pause.start if rules.pause is not None else None,
            "break_ends": rules.pause.end if rules.pause is not None else None,
            "sixth_day_ends": rules.sixth_day_end,
            "grace": rules.grace,
            "premises": rules.premises,
            "act": rules.act,
        }
        await self.session.execute(insert(LabourOrderRulesRow).values(**values))
