"""Publishing the plans once more, for a consumer that lost its projection or a topic that was lost."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from chassis.database import Database, Transaction
from chassis.republish import republish as publish_again
from chassis.republish import tell_again
from google.protobuf.message import Message
from kernel.days import Month

from regimes.plans.domain import ServantMonth
from regimes.plans.messages import month_plan_changed
from regimes.plans.repository import StoredPlans
from regimes.unit_of_work import PLANS

TOPICS = (PLANS,)


async def republish(database: Database, since: datetime | None = None) -> int:
    """Publishes every plan that became so at `since` or later (all where None) as it stands; how many there were."""

    async def keys_after(transaction: Transaction, after: str, limit: int) -> Sequence[str]:
        told = await StoredPlans(transaction.session).told_since(since, _key(after) if after else None, limit)
        return [f"{servant}/{month}" for servant, month in told]

    return await publish_again(database, PLANS, "plan", keys_after, _states_of)


async def tell_plans_again(database: Database, keys: Sequence[str]) -> int:
    """Publishes the plans of these keys as they stand; how many there were."""
    return await tell_again(database, PLANS, "plan", keys, _states_of)


async def revisions(transaction: Transaction, keys: Sequence[str]) -> Mapping[str, int]:
    """The revisions of those of the plans that were ever published, by key."""
    found = await StoredPlans(transaction.session).find(map(_key, keys))
    return {told.plan.key: told.revision for told in found.values()}


async def _states_of(transaction: Transaction, keys: Sequence[str]) -> Sequence[tuple[str, Message]]:
    found = await StoredPlans(transaction.session).find(map(_key, keys))
    return [(told.plan.key, month_plan_changed(told)) for _, told in sorted(found.items())]


def _key(text: str) -> ServantMonth:
    servant, _, month = text.rpartition("/")
    return servant, Month.of(date.fromisoformat(f"{month}-01"))
