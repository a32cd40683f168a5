"""Plans, what they follow from, and the months that are due, in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from chassis.access import Caller
from chassis.database import Transaction
from chassis.projections import require_level
from chassis.tables import FRESH
from kernel.days import DaySpan, Month
from kernel.faults import NotFound
from kernel.names import servant_name
from sqlalchemy import select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from regimes.assignments.tables import AssignmentRow
from regimes.people.domain import Servant
from regimes.people.tables import AppointmentRow, BodyRow, ServantRow
from regimes.plans.domain import Grounds, PublishedPlan, ServantMonth
from regimes.plans.tables import MonthPlanRow, RollingRow, days_json
from regimes.projections import BODIES, SERVANTS
from regimes.rules.tables import LabourOrderRulesRow


@dataclass(frozen=True, slots=True)
class StoredGrounds:
    """What plans follow from: people, rules and assignments."""

    transaction: Transaction

    async def of(self, servants: Iterable[str]) -> Mapping[str, Grounds]:
        """Returns the grounds of each servant; of one that was never told of, grounds without an appointment."""
        wanted = sorted(set(servants))
        query = select(AppointmentRow).where(AppointmentRow.servant.in_(wanted)).order_by(AppointmentRow.servant, AppointmentRow.id)
        rows = (await self.transaction.session.scalars(query, execution_options=FRESH)).all()
        appointments = {servant: tuple(row.told() for row in own) for servant, own in groupby(rows, key=lambda row: row.servant)}
        owners = sorted({row.body for row in rows})
        told = await self.transaction.session.scalars(select(BodyRow).where(BodyRow.id.in_(owners)), execution_options=FRESH)
        bodies = {row.id: row.told() for row in told}
        ruled = select(LabourOrderRulesRow).where(LabourOrderRulesRow.body.in_(owners)).order_by(LabourOrderRulesRow.body)
        ruling = await self.transaction.session.scalars(ruled, execution_options=FRESH)
        rules = {body: tuple(row.recorded() for row in own) for body, own in groupby(ruling, key=lambda row: row.body)}
        assigned = select(AssignmentRow).where(AssignmentRow.servant.in_(wanted)).order_by(AssignmentRow.servant, AssignmentRow.place)
        assigning = await self.transaction.session.scalars(assigned, execution_options=FRESH)
        assignments = {servant: tuple(row.recorded() for row in own) for servant, own in groupby(assigning, key=lambda row: row.servant)}
        return {
            servant: Grounds(
                Servant(servant, held),
                bodies,
                tuple(each for body in sorted({one.body for one in held}) for each in rules.get(body, ())),
                assignments.get(servant, ()),
            )
            for servant in wanted
            for held in [appointments.get(servant, ())]
        }

    async def visible(self, servant: str, visible_to: Caller) -> Grounds:
        """Returns the grounds of one servant; NotFound if there is none within the caller's reach, Unavailable while it may be told of."""
        await require_level(self.transaction, SERVANTS, BODIES)
        query = select(ServantRow.id).where(ServantRow.id == servant, AppointmentRow.reached(ServantRow.id, visible_to.reach))
        if await self.transaction.session.scalar(query) is None:
            raise NotFound(servant_name(servant))
        # What others decided of the servant, for a time elsewhere, takes part in what the plan is here.
        async with self.transaction.beyond_reach():
            return (await self.of([servant]))[servant]


@dataclass(frozen=True, slots=True)
class StoredPlans:
    """The plans as they were told."""

    session: AsyncSession

    async def find(self, keys: Iterable[ServantMonth]) -> Mapping[ServantMonth, PublishedPlan]:
        """Returns those that were ever published."""
        wanted = [(servant, month.first) for servant, month in keys]
        query = select(MonthPlanRow).where(tuple_(MonthPlanRow.servant, MonthPlanRow.month).in_(wanted))
        rows = await self.session.scalars(query, execution_options=FRESH)
        return {(row.servant, Month.of(row.month)): row.told() for row in rows}

    async def save(self, plans: Sequence[PublishedPlan]) -> None:
        """Records each in place of the state before; the locks of their keys are held."""
        if not plans:
            return
        statement = upsert(MonthPlanRow)
        told = statement.excluded
        fields = ("revision", "event_id", "occurred_at", "edition", "days")
        replaced = statement.on_conflict_do_update(
            index_elements=[MonthPlanRow.servant, MonthPlanRow.month], set_={field: told[field] for field in fields}
        )
        await self.session.execute(replaced, [_values(plan) for plan in plans])

    async def told_since(self, since: datetime | None, after: ServantMonth | None, limit: int) -> Sequence[ServantMonth]:
        """Returns at most `limit` keys after a key, by servant and month, of the plans that became so at `since` or later."""
        query = select(MonthPlanRow.servant, MonthPlanRow.month)
        if since is not None:
            query = query.where(MonthPlanRow.occurred_at >= since)
        if after is not None:
            query = query.where(tuple_(MonthPlanRow.servant, MonthPlanRow.month) > (after[0], after[1].first))
        rows = await self.session.execute(query.order_by(MonthPlanRow.servant, MonthPlanRow.month).limit(limit))
        return [(row.servant, Month.of(row.month)) for row in rows]


# The months a span touches: those from the oldest that a passage can still concern up to the horizon, and besides every
# month that was ever published, however old it is.
_ASK = """
WITH spans AS ({spans})
INSERT INTO due_months (servant, month)
SELECT servant, month FROM (
    SELECT spans.servant, step::date AS month FROM spans,
        generate_series(date_trunc('month', greatest(spans.since, :oldest)::timestamp),
                        date_trunc('month', least(spans.until, :newest)::timestamp), '1 month') AS step
    UNION
    SELECT plans.servant, plans.month FROM spans JOIN month_plans AS plans ON plans.servant = spans.servant
    WHERE plans.month + interval '1 month' > spans.since AND plans.month <= spans.until
) AS months ORDER BY servant, month
"""
_OF_SERVANTS = """
SELECT servant, since, coalesce(until, 'infinity'::date) AS until
FROM unnest(CAST(:servants AS text[]), CAST(:sinces AS date[]), CAST(:untils AS date[])) AS row (servant, since, until)
"""
_OF_BODIES = """
SELECT servant, greatest(since, CAST(:since AS date)) AS since, coalesce(until, 'infinity'::date) AS until
FROM appointments WHERE body = ANY(CAST(:bodies AS text[])) AND coalesce(until, 'infinity'::date) >= CAST(:since AS date)
"""
_OF_EVERYONE = """
SELECT servant, greatest(since, CAST(:since AS date)) AS since, coalesce(until, 'infinity'::date) AS until
FROM appointments WHERE coalesce(until, 'infinity'::date) >= CAST(:since AS date)
"""


@dataclass(frozen=True, slots=True)
class StoredDueMonths:
    """The months of servants whose plans are to be composed anew.

    `oldest` is the first month that a passage can still concern, `newest` the last whose plans are published. Whoever asks holds the horizon still until their
    commit (FOR SHARE), so that a horizon raised meanwhile sees what they wrote.
    """

    session: AsyncSession
    oldest: Month
    newest: Month

    async def ask_bodies(self, bodies: Iterable[str], since: DaySpan) -> None:
        """Asks for the months of everyone ever appointed in one of the bodies."""
        wanted = sorted(bodies)
        if wanted:
            await self._ask(_OF_BODIES, self.oldest.first, bodies=wanted, since=since.since)

    async def ask_servants(self, spans: Iterable[tuple[str, DaySpan]], however_old: bool = False) -> None:
        """Asks for the months that each servant's span touches; those too old for any passage only where told to."""
        wanted = list(spans)
        if wanted:
            columns = {
                "servants": [servant for servant, _ in wanted],
                "sinces": [span.since for _, span in wanted],
                "untils": [span.until for _, span in wanted],
            }
            await self._ask(_OF_SERVANTS, date.min if however_old else self.oldest.first, **columns)

    async def _ask(self, spans: str, oldest: date, **parameters: Any) -> None:
        rolled = await self.session.scalar(select(RollingRow.until).with_for_update(read=True))
        newest = max(self.newest.last, Month.of(rolled).last if rolled is not None else date.min)
        await self.session.execute(text(_ASK.format(spans=spans)), {"oldest": oldest, "newest": newest, **parameters})

    async def waiting(self, limit: int) -> Sequence[ServantMonth]:
        """Returns at most `limit` of them, each once, those asked for first."""
        rows = await self.session.execute(text("SELECT servant, month FROM due_months ORDER BY id LIMIT :limit"), {"limit": limit})
        return list(dict.fromkeys((row.servant, Month.of(row.month)) for row in rows))

    async def take(self, keys: Iterable[ServantMonth]) -> frozenset[ServantMonth]:
        """Takes every asking for the keys away and returns the keys for which there still was one."""
        wanted = list(keys)
        taken = await self.session.execute(
            text(
                "DELETE FROM due_months USING unnest(CAST(:servants AS text[]), CAST(:months AS date[])) AS wanted (servant, month) "
                "WHERE due_months.servant = wanted.servant AND due_months.month = wanted.month "
                "RETURNING due_months.servant, due_months.month"
            ),
            {"servants": [servant for servant, _ in wanted], "months": [month.first for _, month in wanted]},
        )
        return frozenset((row.servant, Month.of(row.month)) for row in taken)

    async def roll(self) -> bool:
        """Raises the horizon to the newest month and asks for everyone's months up to it; False where it is there already."""
        if not self._ahead_of(await self.session.scalar(select(RollingRow.until))):
            return False
        before = await self.session.scalar(select(RollingRow.until).with_for_update())
        if not self._ahead_of(before):
            return False
        await self.session.execute(text("UPDATE rolling SET until = :until"), {"until": self.newest.first})
        since = Month.of(before).next().first if before is not None else self.oldest.first
        await self._ask(_OF_EVERYONE, since, since=since)
        return True

    def _ahead_of(self, until: date | None) -> bool:
        return until is None or until < self.newest.first

    async def edition(self) -> str:
        """Returns the edition of the law under which plans are composed."""
        return str(await self.session.scalar(select(RollingRow.edition)))

    async def activate(self, edition: str) -> None:
        """Composes plans under that edition from now on; where it is another than before, all plans are due."""
        before = await self.session.scalar(select(RollingRow.edition).with_for_update())
        if before != edition:
            await self.session.execute(text("UPDATE rolling SET edition = :edition"), {"edition": edition})
            await self._ask(_OF_EVERYONE, self.oldest.first, since=date.min)


def _values(published: PublishedPlan) -> dict[str, Any]:
    return {
        "servant": published.plan.servant,
        "month": published.plan.month.first,
        "revision": published.revision,
        "event_id": published.event_id,
        "occurred_at": published.occurred_at,
        "edition": published.edition,
        "days": days_json(published.plan.days),
    }
