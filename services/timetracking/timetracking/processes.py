"""The processes of timetracking, put together: serve, gateway, consume, work."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis import processes
from chassis.auth import TokenVerifier
from chassis.clock import clock_from
from chassis.database import Database
from chassis.delivery import Subscription
from chassis.jobs import Job, keep_doing
from chassis.messages import Messages
from chassis.process import Admin
from chassis.publisher import Publisher
from chassis.supervision import FIRST_CHECKS_S, closing, said, until, watch
from kernel.faults import Unavailable
from lawbook import load

from timetracking.device_findings.use_cases import LookAtDevices
from timetracking.due.use_cases import ComputeDueDays, ComputeDueReads, SpreadDueDevices
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

# What answers follow from beside our own tables.
PROJECTED = (people.BODIES, people.SERVANTS, plans.PLANS)
# Who follows days may be away for so long and still resume.
CHANGES_KEPT = timedelta(days=30)


async def serve(settings: TimetrackingSettings, stop: asyncio.Event) -> None:
    """Answers RPCs until `stop`."""
    page_key, clock, law = settings.page_key.get_secret_value(), clock_from(settings.clock), load()
    await processes.serve(
        "timetracking", settings, stop, law, lambda database: services(database, page_key, clock, law, settings.default_zone, stop)
    )


async def gateway(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Takes what devices send until `stop`."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="timetracking gateway")
    admin.expect("database", "kafka", "issuer", "gateway")
    publisher, clock = Publisher(settings.kafka), clock_from(settings.clock)
    verifier = TokenVerifier(settings.issuer, settings.audience, allow_demo_issuer=settings.allow_demo_issuer)
    async with admin.running(), closing(database, publisher), verifier.running():
        door = Gateway(settings, publisher, StoredAllowList(database), clock, load(), verifier, Messages.load("timetracking"))
        async with door.running():
            admin.met("gateway")
            found = (_found(admin, "database", database.reachable), _found(admin, "kafka", lambda: _there(publisher, PASSAGES)))
            await until(stop, beside=(*found, watch(admin, "issuer", said(lambda: verifier.ready)), publisher.unbroken()))
            admin.unmet("gateway", "stopping")


async def consume(settings: TimetrackingSettings, stop: asyncio.Event) -> None:
    """Follows registry and regimes and records passages until `stop`."""
    clock, law, recorded = clock_from(settings.clock), load(), asyncio.Event()

    def subscriptions(database: Database) -> Sequence[Subscription[Any]]:
        work, compute = begin(database, law, clock, settings.default_zone), ComputeDays(law, clock)
        record = RecordPassages(work, law, Months(database), recorded.set)
        return (
            *people_told(work, settings.default_zone),
            *plans_told(work, compute),
            passages(record),
            passages(record, LATE),
        )

    def computing(database: Database) -> Awaitable[None]:
        compute = ComputeDueReads(begin(database, law, clock, settings.default_zone), ComputeDays(law, clock))
        return keep_doing(Job("due-reads", compute), recorded, stop)

    await processes.consume("timetracking", settings, stop, PROJECTED, subscriptions, computing)


async def work(settings: TimetrackingSettings, stop: asyncio.Event) -> None:
    """Computes what is due, relays the outbox to Kafka and deletes what is old until `stop`; of several such processes one relays."""
    clock, law = clock_from(settings.clock), load()

    def jobs(database: Database) -> Sequence[Job]:
        work, compute = begin(database, law, clock, settings.default_zone), ComputeDays(law, clock)
        return (
            Job("make-months", MakeMonthsAhead(Months(database), clock)),
            # Before the days: what devices show says what may be found on a day.
            Job("device-findings", LookAtDevices(work, law, clock)),
            Job("due-devices", SpreadDueDevices(work)),
            # The consumers do so too, at once; here it is done where one of them ended before it could.
            Job("due-reads", ComputeDueReads(work, compute)),
            Job("due-days", ComputeDueDays(work, compute)),
            Job("close-days", CloseDays(work, compute, clock)),
        )

    await processes.work("timetracking", settings, stop, jobs, {"changes": forget_changes})


def people_told(work: Begin, default_zone: str) -> list[Subscription[Any]]:
    """Returns all that the projection of people follows."""
    return [people.bodies(TakeBodies(work, default_zone)), people.servants(TakeServants(work))]


def plans_told(work: Begin, compute: Compute) -> list[Subscription[Any]]:
    """Returns all that the projection of plans follows."""
    return [plans.plans(TakePlans(work, compute)), plans.orders(TakeOrders(work, compute))]


async def forget_changes(database: Database) -> int:
    """Deletes the changes of days that nobody can resume from any more; how many there were."""
    before, forgotten = datetime.now(UTC) - CHANGES_KEPT, 0
    while True:
        async with database.transaction() as transaction:
            some = await purge_changes(transaction, before)
        if not some:
            return forgotten
        forgotten += some


async def _found(admin: Admin, condition: str, holds: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what the gateway begins with; where it is away later, the gateway goes on and tells each device what to do."""
    while not await holds():
        admin.unmet(condition, "away")
        await asyncio.sleep(FIRST_CHECKS_S)
    admin.met(condition)


async def _there(publisher: Publisher, topic: str) -> bool:
    try:
        return await publisher.partitions(topic) > 0
    except Unavailable:
        return False
