"""One transaction over everything that the regimes own; the only committer."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from chassis.access import Caller
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.personal_data.erasure import ERASED_AT_ONCE, erase_people
from kernel.names import servant_name
from lawbook import Lawbook

from regimes.assignments.repository import StoredAssignments
from regimes.people.repository import StoredBodies, StoredServants
from regimes.personal_data import DATA_CLASSES
from regimes.plans.domain import PublishedPlan, newest_month, oldest_month
from regimes.plans.messages import month_plan_changed
from regimes.plans.repository import StoredDueMonths, StoredGrounds, StoredPlans
from regimes.rules.repository import StoredRules

PLANS = "regimes.plans.v1"


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """What use cases do inside one transaction."""

    transaction: Transaction
    bodies: StoredBodies
    servants: StoredServants
    rules: StoredRules
    assignments: StoredAssignments
    grounds: StoredGrounds
    published: StoredPlans
    due_months: StoredDueMonths

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write: bodies first, then servants."""
        await self.transaction.lock("body", bodies)
        await self.transaction.lock("servant", servants)

    async def hold_servants(self, servants: Iterable[str]) -> None:
        """Shares with others what plans follow from: nobody is erased meanwhile. Before the plans' keys and the first write."""
        await self.transaction.lock("servant", servants, shared=True)

    async def lock_plans(self, keys: Iterable[str]) -> None:
        """Takes the locks of the plans' keys, before the first write."""
        await self.transaction.lock("plan", keys)

    def plan_changed(self, plan: PublishedPlan) -> None:
        """Publishes the plan when, and only when, this transaction commits."""
        self.transaction.publish(PLANS, plan.plan.key, month_plan_changed(plan))

    async def erase(self, servant: str) -> bool:
        """Erases a piece of what is kept of the servant, and takes back what was told of it; nothing is recorded where nothing was left.

        Returns whether there may be more. The servant's lock is held.
        """
        erased = await erase_people(self.transaction, DATA_CLASSES, [servant], ERASED_AT_ONCE)
        if erased:
            self.transaction.record("servant.erase", servant_name(servant))
        return erased > 0

    @property
    def record(self) -> Callable[..., None]:
        """Writes down what was done, as `Recording` says."""
        return self.transaction.record


def units_of_work(database: Database, clock: Clock, law: Lawbook) -> Callable[[Caller | None], AbstractAsyncContextManager[UnitOfWork]]:
    """Returns how a unit of work is begun."""

    @asynccontextmanager
    async def begin(caller: Caller | None) -> AsyncIterator[UnitOfWork]:
        now = clock()
        async with database.transaction(caller) as transaction:
            session = transaction.session
            yield UnitOfWork(
                transaction=transaction,
                bodies=StoredBodies(transaction),
                servants=StoredServants(transaction),
                rules=StoredRules(session),
                assignments=StoredAssignments(session),
                grounds=StoredGrounds(transaction),
                published=StoredPlans(session),
                due_months=StoredDueMonths(session, oldest_month(now, law), newest_month(now)),
            )

    return begin
