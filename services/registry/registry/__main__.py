"""Commands of the registry: serve, work, migrate, republish."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import structlog
from chassis.auth import TokenVerifier
from chassis.clock import clock_from
from chassis.database import Database
from chassis.messages import Messages
from chassis.migrations import migrate
from chassis.process import Admin, run
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.requests import RequestLedger, purge_answers
from chassis.server import Server
from chassis.settings import SettingsError, read
from chassis.telemetry import start
from kernel.faults import Unavailable
from lawbook import load

from registry.republish import TOPICS, republish
from registry.server import services
from registry.settings import MIGRATE, REPUBLISH, SERVE, WORK, RegistrySettings
from registry.unit_of_work import begin

CHECK_EVERY_S = 1.0  # as often as probes ask

log = structlog.get_logger("registry")


async def serve(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Answers RPCs until `stop`."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="registry serve")
    admin.expect("database", "issuer", "server")
    verifier = TokenVerifier(settings.issuer, settings.audience, allow_demo_issuer=settings.allow_demo_issuer)
    async with admin.running(), _closing(database), verifier.running():
        rpcs = services(database, settings.page_key.get_secret_value(), clock_from(settings.clock))
        grpc = Server(settings, rpcs, verifier, Messages.load("registry"), load(), RequestLedger(database))
        async with grpc.running():
            admin.met("server")
            await _until(stop, _watch(admin, "database", database.reachable), _watch(admin, "issuer", lambda: _now(verifier.ready)))
            admin.unmet("server", "stopping")


async def work(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Relays the outbox to Kafka and deletes old answers until `stop`; of several such processes one relays."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="registry work")
    admin.expect("database")
    publisher = Publisher(settings.kafka)

    async with admin.running(), _closing(database), _closing(publisher):
        relaying = asyncio.create_task(Relay(database, publisher).run(stop), name="relay")
        await _until(stop, _finished(relaying), _watch(admin, "database", database.reachable), _purge(database, settings.purge_every_s))
        await relaying


async def _purge(database: Database, every_s: float) -> None:
    while True:
        try:
            purged = await purge_answers(database)
            log.info("purged", answers=purged)
        except Unavailable:
            log.warning("the purge waits for the database")
        await asyncio.sleep(every_s)


async def _watch(admin: Admin, condition: str, holds: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if await holds():
            admin.met(condition)
        else:
            admin.unmet(condition, "away")
        await asyncio.sleep(CHECK_EVERY_S)


async def _now(value: bool) -> bool:
    return value


async def _finished(task: "asyncio.Task[None]") -> None:
    await asyncio.wait({task})


async def _until(stop: asyncio.Event, *jobs: Awaitable[None]) -> None:
    """Works on the jobs until `stop`; one that ends or fails before ends them all."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    stopped = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (*tasks, stopped):
            task.cancel()
        for task in (*tasks, stopped):
            with suppress(asyncio.CancelledError, Exception):
                await task


@asynccontextmanager
async def _closing(resource: Database | Publisher) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await resource.close()


async def _republish(settings: RegistrySettings, topic: str, since: datetime | None) -> None:
    database = Database(settings.database_url, name="registry republish")
    async with _closing(database):
        published = await republish(begin(database, clock_from(settings.clock)), topic, since)
    print(f"{published} states of {topic} will be published again")


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant has an offset: 2026-11-22T09:00:00+05:00")
    return instant


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m registry", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="answer RPCs")
    commands.add_parser("work", help="relay events to Kafka and run the jobs")
    commands.add_parser("migrate", help="bring the database's schema to the newest version")
    again = commands.add_parser("republish", help="publish the newest states of a topic again")
    again.add_argument("--topic", choices=TOPICS, required=True)
    again.add_argument("--since", type=_instant, help="only states from this instant on (RFC 3339, with an offset)")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line and does what it says."""
    arguments = _arguments(given)
    try:
        if arguments.command == "serve":
            settings = read(RegistrySettings, need=SERVE)
            start("registry serve", settings)
            run(lambda stop: serve(settings, stop))
        elif arguments.command == "work":
            settings = read(RegistrySettings, need=WORK)
            start("registry work", settings)
            run(lambda stop: work(settings, stop))
        elif arguments.command == "migrate":
            asyncio.run(migrate(read(RegistrySettings, need=MIGRATE).migrator_database_url, "registry.migrations"))
        else:
            asyncio.run(_republish(read(RegistrySettings, need=REPUBLISH), arguments.topic, arguments.since))
    except (SettingsError, ValueError) as error:
        print(f"registry: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
