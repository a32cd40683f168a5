"""Commands of the regimes: serve, consume, work, migrate, republish."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
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
from chassis.streams import Consumer
from chassis.survey import survey
from chassis.telemetry import start
from kernel.faults import Unavailable
from lawbook import load

from regimes.people import consumer as people
from regimes.plans.jobs import RollingJob
from regimes.plans.use_cases import ActivateLaw, ComposeDuePlans, RepublishPlans, RollPlans
from regimes.projections import BODIES, SERVANTS, follow
from regimes.server import services
from regimes.settings import CONSUME, MIGRATE, REPUBLISH, SERVE, WORK, RegimesSettings
from regimes.unit_of_work import PLANS, units_of_work

CHECK_EVERY_S = 1.0  # as often as probes ask
GROUP = "regimes"

log = structlog.get_logger("regimes")


async def serve(settings: RegimesSettings, stop: asyncio.Event) -> None:
    """Answers RPCs until `stop`."""
    admin, database, law = Admin(settings.admin_listen), Database(settings.database_url, name="regimes serve"), load()
    admin.expect("database", "issuer", "server")
    verifier = TokenVerifier(settings.issuer, settings.audience, allow_demo_issuer=settings.allow_demo_issuer)
    async with admin.running(), _closing(database), verifier.running():
        rpcs = services(database, settings.page_key.get_secret_value(), clock_from(settings.clock), law)
        grpc = Server(settings, rpcs, verifier, Messages.load("regimes"), law, RequestLedger(database))
        async with grpc.running():
            admin.met("server")
            await _until(stop, _watch(admin, "database", database.reachable), _watch(admin, "issuer", _said(lambda: verifier.ready)))
            admin.unmet("server", "stopping")


async def consume(settings: RegimesSettings, stop: asyncio.Event) -> None:
    """Follows the registry until `stop`."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="regimes consume")
    admin.expect("database", "stream")
    publisher = Publisher(settings.kafka)
    work = units_of_work(database, clock_from(settings.clock), load())
    consumer = Consumer(GROUP, settings.kafka, [people.bodies(work), people.servants(work)], publisher.send)
    async with admin.running(), _closing(database), _closing(publisher):
        consuming = asyncio.create_task(consumer.run(stop), name="consumer")
        watches = (_watch(admin, "database", database.reachable), _watch(admin, "stream", _said(lambda: consumer.ready)))
        await _until(stop, _finished(consuming), *watches, _record_progress(settings.kafka, database, consumer))
        await consuming


async def work(settings: RegimesSettings, stop: asyncio.Event) -> None:
    """Composes plans, relays the outbox to Kafka and deletes old answers until `stop`; of several such processes one relays."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="regimes work")
    admin.expect("database", "relay")
    publisher, law, clock = Publisher(settings.kafka), load(), clock_from(settings.clock)
    begin, relay = units_of_work(database, clock, law), Relay(database, publisher)
    compose = ComposeDuePlans(begin, law, clock)
    job = RollingJob(ActivateLaw(begin, law), RollPlans(begin), compose, clock, lambda: relay.drained_at)
    async with admin.running(), _closing(database), _closing(publisher):
        relaying = asyncio.create_task(relay.run(stop), name="relay")
        rolling = asyncio.create_task(job.run(stop), name="rolling job")
        watches = (
            _watch(admin, "database", database.reachable),
            # A standby is ready to take over.
            _watch(admin, "relay", _said(lambda: relay.active or relay.polls == 0)),
        )
        await _until(stop, _finished(relaying), _finished(rolling), *watches, _purge(database, settings.purge_every_s))
        await asyncio.gather(relaying, rolling)


async def _record_progress(bootstrap: str, database: Database, consumer: Consumer) -> None:
    """Lets calls know when the projection has reached its start, then rests; what is away is asked again."""
    while True:
        try:
            extents = await survey(bootstrap, GROUP, (BODIES, SERVANTS))
            await follow(database, extents, lambda: consumer.positions)
            break
        except Exception as error:
            log.warning("the progress of the projection is not to be seen", error=type(error).__name__)
            await asyncio.sleep(CHECK_EVERY_S)
    await asyncio.Event().wait()


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


def _said(holds: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def said() -> bool:
        return holds()

    return said


async def _finished(task: "asyncio.Task[None]") -> None:
    await asyncio.wait({task})


async def _until(stop: asyncio.Event, *jobs: Awaitable[None]) -> None:
    """Works on the jobs until `stop`; one that ends or fails before ends them all."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    stopped = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
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


async def _republish(settings: RegimesSettings, since: datetime | None) -> None:
    database = Database(settings.database_url, name="regimes republish")
    async with _closing(database):
        again = RepublishPlans(units_of_work(database, clock_from(settings.clock), load()))
        after, published = None, 0
        while page := await again(since, after):
            after, published = page[-1], published + len(page)
    print(f"{published} states of {PLANS} will be published again")


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant has an offset: 2026-11-22T09:00:00+05:00")
    return instant


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m regimes", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("serve", help="answer RPCs")
    commands.add_parser("consume", help="follow what the registry tells")
    commands.add_parser("work", help="compose plans, relay events to Kafka and run the jobs")
    commands.add_parser("migrate", help="bring the database's schema to the newest version")
    again = commands.add_parser("republish", help="publish the newest states of a topic again")
    again.add_argument("--topic", required=True, choices=[PLANS])
    again.add_argument("--since", type=_instant, help="only states from this instant on (RFC 3339, with an offset)")
    return parser.parse_args()


PROCESSES = {"serve": (serve, SERVE), "consume": (consume, CONSUME), "work": (work, WORK)}


def main() -> int:
    """Reads the command line and does what it says."""
    arguments = _arguments()
    try:
        if arguments.command in PROCESSES:
            process, need = PROCESSES[arguments.command]
            settings = read(RegimesSettings, need=need)
            start(f"regimes {arguments.command}", settings)
            run(lambda stop: process(settings, stop))
        elif arguments.command == "migrate":
            asyncio.run(migrate(read(RegimesSettings, need=MIGRATE).migrator_database_url, "regimes.migrations"))
        else:
            asyncio.run(_republish(read(RegimesSettings, need=REPUBLISH), arguments.since))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
