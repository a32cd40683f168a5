"""The processes of timetracking, put together: serve, gateway, consume, work."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from chassis import projections
from chassis.auth import TokenVerifier
from chassis.clock import Clock, clock_from
from chassis.database import Database
from chassis.jobs import Job, Jobs
from chassis.messages import Messages
from chassis.process import Admin
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.requests import RequestLedger, purge_answers
from chassis.server import Server
from chassis.streams import Consumer, Subscription
from chassis.supervision import FIRST_CHECKS_S, closing, said, until, watch
from chassis.survey import survey
from kernel.faults import Unavailable
from lawbook import Lawbook, load

from timetracking.due.use_cases import ComputeDueDays, SpreadDueDevices
from timetracking.gateway.batches import PASSAGES
from timetracking.gateway.door import Gateway
from timetracking.gateway.repository import StoredAllowList
from timetracking.gateway.settings import GatewaySettings
from timetracking.passages.consumer import LATE, passages
from timetracking.passages.repository import Months
from timetracking.passages.use_cases import MakeMonthsAhead, RecordPassages
from timetracking.people import consumer as people
from timetracking.people.use_cases import TakeBodies, TakeServants
from timetracking.plans import consumer as plans
from timetracking.plans.use_cases import Compute, TakeOrders, TakePlans
from timetracking.server import services
from timetracking.settings import TimetrackingSettings
from timetracking.unit_of_work import Begin, begin
from timetracking.workdays.closing import CloseDays
from timetracking.workdays.repository import purge_changes
from timetracking.workdays.use_cases import ComputeDays

LOOK_AGAIN_S = 1.0
GROUP = "timetracking"
# What answers follow from beside our own tables.
PROJECTIONS = (people.BODIES, people.SERVANTS, plans.PLANS)
# Who follows days may be away for so long and still resume.
CHANGES_KEPT = timedelta(days=30)

log = structlog.get_logger("timetracking")


async def serve(settings: TimetrackingSettings, stop: asyncio.Event) -> None:
    """Answers RPCs until `stop`."""
    admin, database, law = Admin(settings.admin_listen), Database(settings.database_url, name="timetracking serve"), load()
    admin.expect("database", "issuer", "server")
    verifier = TokenVerifier(settings.issuer, settings.audience, allow_demo_issuer=settings.allow_demo_issuer)
    async with admin.running(), closing(database), verifier.running():
        page_key, clock = settings.page_key.get_secret_value(), clock_from(settings.clock)
        rpcs = services(database, page_key, clock, law, settings.default_zone, stop)
        server = Server(settings, rpcs, verifier, Messages.load("timetracking"), law, RequestLedger(database))
        async with server.running():
            admin.met("server")
            watches = (watch(admin, "database", database.reachable), watch(admin, "issuer", said(lambda: verifier.ready)))
            await until(stop, beside=watches)
            admin.unmet("server", "stopping")


async def gateway(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Takes what devices send until `stop`."""
    admin, database, law = Admin(settings.admin_listen), Database(settings.database_url, name="timetracking gateway"), load()
    admin.expect("database", "kafka", "issuer", "gateway")
    publisher = Publisher(settings.kafka)
    verifier = TokenVerifier(settings.issuer, settings.audience, allow_demo_issuer=settings.allow_demo_issuer)
    door = Gateway(
        settings, publisher, StoredAllowList(database), clock_from(settings.clock), law, verifier, Messages.load("timetracking")
    )
    async with admin.running(), closing(database, publisher), verifier.running(), door.running():
        admin.met("gateway")
        met_once = (_met_once(admin, "database", database.reachable), _met_once(admin, "kafka", lambda: _has_topic(publisher, PASSAGES)))
        await until(stop, beside=(*met_once, watch(admin, "issuer", said(lambda: verifier.ready))))
        admin.unmet("gateway", "stopping")


async def consume(settings: TimetrackingSettings, stop: asyncio.Event) -> None:
    """Follows registry and regimes and records passages until `stop`."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="timetracking consume")
    admin.expect("database", "stream")
    publisher, law, clock = Publisher(settings.kafka), load(), clock_from(settings.clock)
    work, compute = begin(database, law, clock, settings.default_zone), ComputeDays(law, clock)
    record = RecordPassages(work, compute, law, Months(database))
    subscriptions = [
        *people_told(work, settings.default_zone),
        *plans_told(work, compute),
        passages(record),
        passages(record, LATE),
    ]
    consumer = Consumer(GROUP, settings.kafka, subscriptions, publisher.send)
    async with admin.running(), closing(database, publisher):
        watches = (watch(admin, "database", database.reachable), watch(admin, "stream", said(lambda: consumer.ready)))
        await until(stop, consumer.run(stop), _record_progress(settings.kafka, database, consumer, stop), beside=watches)


async def work(settings: TimetrackingSettings, stop: asyncio.Event) -> None:
    """Computes what is due, relays the outbox to Kafka and deletes what is old until `stop`; of several such processes one relays."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="timetracking work")
    admin.expect("database", "relay")
    publisher, law, clock = Publisher(settings.kafka), load(), clock_from(settings.clock)
    relay = Relay(database, publisher)
    jobs = Jobs(_jobs(database, law, clock, settings.default_zone), clock, lambda: relay.drained_at)
    async with admin.running(), closing(database, publisher):
        # A standby is ready to take over.
        relays = said(lambda: relay.active or relay.polls == 0)
        beside = (watch(admin, "database", database.reachable), watch(admin, "relay", relays), _purge(database, settings.purge_every_s))
        await until(stop, relay.run(stop), jobs.run(stop), beside=beside)


def people_told(work: Begin, default_zone: str) -> list[Subscription[Any]]:
    """Returns all that the projection of people follows."""
    return [people.bodies(TakeBodies(work, default_zone)), people.servants(TakeServants(work))]


def plans_told(work: Begin, compute: Compute) -> list[Subscription[Any]]:
    """Returns all that the projection of plans follows."""
    return [plans.plans(TakePlans(work, compute)), plans.orders(TakeOrders(work, compute))]


def _jobs(database: Database, law: Lawbook, clock: Clock, default_zone: str) -> tuple[Job, ...]:
    work, compute = begin(database, law, clock, default_zone), ComputeDays(law, clock)
    return (
        Job("make-months", MakeMonthsAhead(Months(database), clock)),
        Job("due-devices", SpreadDueDevices(work)),
        Job("due-days", ComputeDueDays(work, compute)),
        Job("close-days", CloseDays(work, compute, clock)),
    )


async def _met_once(admin: Admin, condition: str, holds: Any) -> None:
    """Waits for what the gateway begins with; when it is away later, the gateway goes on and tells each device what it can do."""
    while not await holds():
        admin.unmet(condition, "away")
        await asyncio.sleep(FIRST_CHECKS_S)
    admin.met(condition)


async def _has_topic(publisher: Publisher, topic: str) -> bool:
    try:
        return await publisher.partitions(topic) > 0
    except Unavailable:
        return False


async def _record_progress(bootstrap: str, database: Database, consumer: Consumer, stop: asyncio.Event) -> None:
    """Lets calls know how far the projections are; a broker that is away is asked again."""
    while not stop.is_set():
        try:
            extents = await survey(bootstrap, GROUP, PROJECTIONS)
        except Exception as error:
            log.warning("the start of the projections is not to be seen", error=type(error).__name__)
            await asyncio.sleep(LOOK_AGAIN_S)
            continue
        positions = lambda: {place: next_ for place, next_ in consumer.positions.items() if place[0] in PROJECTIONS}  # noqa: E731
        await projections.follow(database, extents, positions, stop)


async def _purge(database: Database, every_s: float) -> None:
    while True:
        try:
            log.info("purged", answers=await purge_answers(database), changes=await _purge_changes(database))
        except Unavailable:
            log.warning("the purge waits for the database")
        await asyncio.sleep(every_s)


async def _purge_changes(database: Database) -> int:
    before, purged = datetime.now(UTC) - CHANGES_KEPT, 0
    while True:
        async with database.transaction() as transaction:
            forgotten = await purge_changes(transaction, before)
        if not forgotten:
            return purged
        purged += forgotten
