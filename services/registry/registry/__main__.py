"""Commands of the registry: serve, work, migrate, audit, republish, erase."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime

from chassis import commands, processes
from chassis.audit_log.commands import auditing
from chassis.clock import clock_from
from chassis.commands import Process
from chassis.database import Database
from chassis.heads import StoredRelationships
from chassis.jobs import Job
from chassis.server import Served
from chassis.settings import Settings
from chassis.supervision import closing
from lawbook import load

from registry.commands import erasing
from registry.erasure.use_cases import EraseWhoLeftLongAgo
from registry.relationships import CONTROL
from registry.republish import TOPICS, republish
from registry.server import services
from registry.unit_of_work import begin


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Answers RPCs until `stop`."""
    page_key, clock = settings.page_key.get_secret_value(), clock_from(settings.clock)

    def rpcs(database: Database) -> list[Served]:
        return services(database, page_key, clock)

    await processes.serve("registry", settings, stop, load(), rpcs, lambda database: StoredRelationships(database, clock, CONTROL))


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Relays the outbox to Kafka, deletes what is old and erases who left long ago until `stop`; of several such processes one relays."""
    clock, law = clock_from(settings.clock), load()

    def jobs(database: Database) -> Sequence[Job]:
        return (Job("erasure", EraseWhoLeftLongAgo(begin(database, clock), law, clock)),)

    await processes.work("registry", settings, stop, jobs)


async def _republish(settings: Settings, topic: str, since: datetime | None) -> int:
    database = Database(settings.database_url, name="registry republish", role="worker")
    async with closing(database):
        return await republish(database, clock_from(settings.clock), topic, since)


COMMANDS = (
    Process("serve", "answer RPCs", Settings, processes.SERVE, serve),
    Process("work", "relay events to Kafka, seal the audit and run the jobs", Settings, processes.WORK, work),
    commands.migration("registry", Settings),
    auditing("registry", Settings),
    commands.republication(Settings, TOPICS, _republish),
    erasing(),
)


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line and does what it says."""
    return commands.main("registry", __doc__, COMMANDS, given)


if __name__ == "__main__":
    sys.exit(main())
