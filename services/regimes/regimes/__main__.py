"""Commands of the regimes: serve, consume, work, migrate, republish, rebuild."""

import argparse
import asyncio
import sys
from datetime import datetime

import structlog
from chassis import projections
from chassis.auth import TokenVerifier
from chassis.clock import clock_from
from chassis.database import Database
from chassis.jobs import Job, Jobs
from chassis.messages import Messages
from chassis.migrations import migrate
from chassis.process import Admin, run
from chassis.publisher import Publisher
from chassis.rebuild import Projection, rebuild
from chassis.relay import Relay
from chassis.requests import RequestLedger, purge_answers
from chassis.server import Server
from chassis.settings import SettingsError, read
from chassis.streams import Consumer
from chassis.supervision import closing, said, until, watch
from chassis.survey import survey
from chassis.telemetry import start
from kernel.faults import Unavailable
from lawbook import load

from regimes.people import consumer as people
from regimes.plans.use_cases import ActivateLaw, ComposeDuePlans, RepublishPlans, RollPlans
from regimes.projections import BODIES, SERVANTS
from regimes.server import services
from regimes.settings import CONSUME, MIGRATE, REBUILD, REPUBLISH, SERVE, WORK, RegimesSettings
from regimes.unit_of_work import PLANS, units_of_work

LOOK_AGAIN_S = 1.0
PEOPLE = ("bodies", "servants", "appointments")
GROUP = "regimes"

log = structlog.get_logger("regimes")


async def serve(settings: RegimesSettings, stop: asyncio.Event) -> None:
    """Answers RPCs until `stop`."""
    admin, database, law = Admin(settings.admin_listen), Database(settings.database_url, name="regimes serve"), load()
    admin.expect("database", "issuer", "server")
    verifier = TokenVerifier(settings.issuer, settings.audience, allow_demo_issuer=settings.allow_demo_issuer)
    async with admin.running(), closing(database), verifier.running():
        rpcs = services(database, settings.page_key.get_secret_value(), clock_from(settings.clock), law)
        server = Server(settings, rpcs, verifier, Messages.load("regimes"), law, RequestLedger(database))
        async with server.running():
            admin.met("server")
            watches = (watch(admin, "database", database.reachable), watch(admin, "issuer", said(lambda: verifier.ready)))
            await until(stop, beside=watches)
            admin.unmet("server", "stopping")


async def consume(settings: RegimesSettings, stop: asyncio.Event) -> None:
    """Follows the registry until `stop`."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="regimes consume")
    admin.expect("database", "stream")
    publisher = Publisher(settings.kafka)
    work = units_of_work(database, clock_from(settings.clock), load())
    consumer = Consumer(GROUP, settings.kafka, people.subscriptions(work), publisher.send)
    async with admin.running(), closing(database, publisher):
        watches = (watch(admin, "database", database.reachable), watch(admin, "stream", said(lambda: consumer.ready)))
        await until(stop, consumer.run(stop), _record_progress(settings.kafka, database, consumer, stop), beside=watches)


async def work(settings: RegimesSettings, stop: asyncio.Event) -> None:
    """Composes plans, relays the outbox to Kafka and deletes old answers until `stop`; of several such processes one relays."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="regimes work")
    admin.expect("database", "relay")
    publisher, law, clock = Publisher(settings.kafka), load(), clock_from(settings.clock)
    begin, relay = units_of_work(database, clock, law), Relay(database, publisher)
    steps = (
        Job("activate-law", ActivateLaw(begin, law)),
        Job("roll-plans", RollPlans(begin)),
        Job("compose-plans", ComposeDuePlans(begin, law, clock)),
    )
    jobs = Jobs(steps, clock, lambda: relay.drained_at)
    async with admin.running(), closing(database, publisher):
        # A standby is ready to take over.
        relays = said(lambda: relay.active or relay.polls == 0)
        beside = (watch(admin, "database", database.reachable), watch(admin, "relay", relays), _purge(database, settings.purge_every_s))
        await until(stop, relay.run(stop), jobs.run(stop), beside=beside)


async def _record_progress(bootstrap: str, database: Database, consumer: Consumer, stop: asyncio.Event) -> None:
    """Lets calls know how far the projection is; a broker that is away is asked again."""
    while not stop.is_set():
        try:
            extents = await survey(bootstrap, GROUP, (BODIES, SERVANTS))
        except Exception as error:
            log.warning("the start of the projection is not to be seen", error=type(error).__name__)
            await asyncio.sleep(LOOK_AGAIN_S)
            continue
        await projections.follow(database, extents, lambda: consumer.positions, stop)


async def _purge(database: Database, every_s: float) -> None:
    while True:
        try:
            log.info("purged", answers=await purge_answers(database))
        except Unavailable:
            log.warning("the purge waits for the database")
        await asyncio.sleep(every_s)


async def _rebuild(settings: RegimesSettings) -> None:
    clock, law = clock_from(settings.clock), load()
    shown = Projection(PEOPLE, lambda database: people.subscriptions(units_of_work(database, clock, law)))
    read_ = await rebuild(shown, settings.kafka, settings.migrator_database_url, settings.database_url)
    print(f"people: built anew from {read_} messages")


async def _republish(settings: RegimesSettings, since: datetime | None) -> None:
    database = Database(settings.database_url, name="regimes republish")
    async with closing(database):
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
    anew = commands.add_parser("rebuild", help="build a projection anew from its topics")
    anew.add_argument("projection", choices=["people"])
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
        elif arguments.command == "rebuild":
            asyncio.run(_rebuild(read(RegimesSettings, need=REBUILD)))
        else:
            asyncio.run(_republish(read(RegimesSettings, need=REPUBLISH), arguments.since))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
