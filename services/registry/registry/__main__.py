"""Commands of the registry: serve, work, migrate, audit, republish, restored, erase, reencrypt."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from chassis import commands, operators, processes
from chassis.audit_log.commands import auditing
from chassis.clock import clock_from
from chassis.commands import Errand, Process
from chassis.database import Database
from chassis.heads import StoredRelationships
from chassis.jobs import Job
from chassis.restoration.commands import restoring
from chassis.server import Served
from chassis.supervision import closing
from lawbook import load

from registry.commands import erasing
from registry.erasure.use_cases import EraseWhoLeftLongAgo
from registry.protected.keys import SensitiveKeys
from registry.reencrypt import reencrypt
from registry.relationships import CONTROL
from registry.republish import TOPICS, republish
from registry.server import services
from registry.settings import RegistrySettings
from registry.unit_of_work import begin

if TYPE_CHECKING:
    from chassis.restoration.restoring import Restoration


async def serve(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Answers RPCs until `stop`."""
    page_key, clock, law = settings.page_key.get_secret_value(), clock_from(settings.clock), load()
    keys = SensitiveKeys.told(settings.sensitive_keys.get_secret_value())

    def rpcs(database: Database) -> list[Served]:
        return services(database, page_key, clock, law, keys)

    await processes.serve("registry", settings, stop, law, rpcs, lambda database: StoredRelationships(database, clock, CONTROL))


async def work(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Relays the outbox to Kafka, deletes what is old and erases who left long ago until `stop`; of several such processes one relays."""
    clock, law = clock_from(settings.clock), load()

    def jobs(database: Database) -> Sequence[Job]:
        return (Job("erasure", EraseWhoLeftLongAgo(begin(database, clock), law, clock)),)

    await processes.work("registry", settings, stop, jobs)


async def _republish(settings: RegistrySettings, topic: str, since: datetime | None) -> int:
    database = Database(settings.database_url, name="registry republish", role="worker")
    async with closing(database):
        return await republish(database, clock_from(settings.clock), topic, since)


def _restoration(settings: RegistrySettings) -> "Restoration":
    from chassis.restoration.restoring import Restoration  # its client would cost every process a part of a second of its start

    from registry.restoration import own_topics

    return Restoration("registry", settings.migrator_database_url, settings.brokers, own_topics(clock_from(settings.clock)))


async def _reencrypt(settings: RegistrySettings, given: argparse.Namespace) -> str:
    keys, say = SensitiveKeys.told(settings.sensitive_keys.get_secret_value()), partial(print, file=sys.stderr)
    database = Database(settings.database_url, name="registry reencrypt", role="worker")
    async with closing(database):
        with operators.operating(given):
            return await reencrypt(database, clock_from(settings.clock), keys, say)


COMMANDS = (
    Process("serve", "answer RPCs", RegistrySettings, processes.SERVE, serve),
    Process("work", "relay events to Kafka, seal the audit and run the jobs", RegistrySettings, processes.WORK, work),
    commands.migration("registry", RegistrySettings),
    auditing("registry", RegistrySettings),
    commands.republication(RegistrySettings, TOPICS, _republish),
    restoring("registry", RegistrySettings, _restoration),
    Errand(
        "reencrypt",
        "encrypt protected facts anew under the first key",
        RegistrySettings,
        ("database_url",),
        _reencrypt,
        operators.arguments,
    ),
    erasing(),
)


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line and does what it says."""
    return commands.main("registry", __doc__, COMMANDS, given)


if __name__ == "__main__":
    sys.exit(main())
