"""Commands of the regimes: serve, consume, work, migrate, audit, republish, rebuild, restored."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chassis import commands, processes
from chassis.audit_log.commands import auditing
from chassis.clock import clock_from
from chassis.commands import Process
from chassis.database import Database
from chassis.heads import StoredRelationships, control_projected
from chassis.jobs import Job
from chassis.personal_data.retention import Retention, followed
from chassis.rebuild import Projection, rebuild
from chassis.restoration.commands import restoring
from chassis.server import Served
from chassis.settings import Settings
from chassis.supervision import closing
from lawbook import load

from regimes.people import consumer as people
from regimes.personal_data import DATA_CLASSES
from regimes.plans.use_cases import ActivateLaw, ComposeDuePlans, RollPlans
from regimes.projections import BODIES, SERVANTS
from regimes.republish import TOPICS, republish, revisions, tell_plans_again
from regimes.server import services
from regimes.unit_of_work import PLANS, units_of_work

if TYPE_CHECKING:
    from chassis.restoration.restoring import Restoration

PROJECTIONS = {"people": ("bodies", "unit_heads", "legal_holds", "servants", "appointments")}


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Answers RPCs until `stop`."""
    page_key, clock, law = settings.page_key.get_secret_value(), clock_from(settings.clock), load()

    def rpcs(database: Database) -> list[Served]:
        return services(database, page_key, clock, law)

    await processes.serve(
        "regimes", settings, stop, law, rpcs, lambda database: StoredRelationships(database, clock, control_projected("bodies", "id"))
    )


async def consume(settings: Settings, stop: asyncio.Event) -> None:
    """Follows the registry until `stop`."""
    clock, law = clock_from(settings.clock), load()
    following = (BODIES, SERVANTS)
    await processes.consume(
        "regimes", settings, stop, following, lambda database: people.subscriptions(units_of_work(database, clock, law))
    )


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Composes plans, relays the outbox to Kafka and deletes what is old until `stop`; of several such processes one relays."""
    clock, law = clock_from(settings.clock), load()

    def jobs(database: Database) -> Sequence[Job]:
        begin = units_of_work(database, clock, law)
        return (
            Job("activate-law", ActivateLaw(begin, law)),
            Job("roll-plans", RollPlans(begin)),
            Job("compose-plans", ComposeDuePlans(begin, law, clock)),
            Job("retention", Retention(database, DATA_CLASSES, law, clock, followed(database, settings.brokers, BODIES))),
        )

    await processes.work("regimes", settings, stop, jobs)


async def _republish(settings: Settings, _topic: str, since: datetime | None) -> int:
    database = Database(settings.database_url, name="regimes republish", role="worker")
    async with closing(database):
        return await republish(database, since)


async def _rebuild(settings: Settings, projection: str) -> int:
    clock, law = clock_from(settings.clock), load()
    shown = Projection(PROJECTIONS[projection], lambda database: people.subscriptions(units_of_work(database, clock, law)), BODIES)
    return await rebuild(shown, settings.brokers, settings.migrator_database_url, settings.database_url)


def restoration(settings: Settings) -> "Restoration":
    """What brings a database that came back from a backup and the topics together again."""
    from chassis.restoration.ahead import OwnTopic  # its client would cost every process a part of a second of its start
    from chassis.restoration.restoring import Followed, Restoration
    from tartip.regimes.v1.events_pb2 import MonthPlanChanged

    plans = OwnTopic(PLANS, MonthPlanChanged, revisions, tell_plans_again)
    return Restoration("regimes", settings.migrator_database_url, settings.brokers, [plans], Followed((BODIES, SERVANTS)))


COMMANDS = (
    Process("serve", "answer RPCs", Settings, processes.SERVE, serve),
    Process("consume", "follow what the registry tells", Settings, processes.CONSUME, consume),
    Process("work", "compose plans, relay events to Kafka, seal the audit and run the jobs", Settings, processes.WORK, work),
    commands.migration("regimes", Settings),
    auditing("regimes", Settings),
    commands.republication(Settings, TOPICS, _republish),
    commands.rebuilding(Settings, PROJECTIONS, _rebuild),
    restoring("regimes", Settings, restoration),
)


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line and does what it says."""
    return commands.main("regimes", __doc__, COMMANDS, given)


if __name__ == "__main__":
    sys.exit(main())
