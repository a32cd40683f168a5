"""The processes of timetracking, put together: serve, gateway, consume, work."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from chassis import processes
from chassis.audit_log.refusals import RefusalLog
from chassis.auth import TokenVerifier
from chassis.clock import Clock, clock_from
from chassis.database import Database, Transaction
from chassis.delivery import Subscription
from chassis.heads import StoredRelationships, control_projected
from chassis.jobs import Job, keep_doing
from chassis.messages import Messages
from chassis.personal_data.retention import Known, KnownLately, Retention, followed, rests_until
from chassis.process import Admin
from chassis.publisher import Publisher
from chassis.server import Served
from chassis.supervision import FIRST_CHECKS_S, closing, said, until, watch
from chassis.topics import parked
from kernel.faults import Unavailable
from lawbook import load

from timetracking.accounts import consumer as accounts
from timetracking.accounts.use_cases import Complete, Forget, TakeReceipts, TakeRefusals
from timetracking.device_findings.repository import StoredLooks
from timetracking.device_findings.use_cases import LookAtDevices, Pace, full_hour
from timetracking.due.report import report_by
from timetracking.due.repository import StoredDueReads
from timetracking.due.use_cases import ComputeDueDays, ComputeDueReads, SpreadDueDevices
from timetracking.gateway.batches import LATE_PASSAGES, PASSAGES
from timetracking.gateway.door import Gateway
from timetracking.gateway.no_passages import NoPassages
from timetracking.gateway.refusals import RefusedRequests
from timetracking.gateway.repository import StoredAllowList
from timetracking.gateway.settings import GatewaySettings
from timetracking.overview.report import show
from timetracking.overview.use_cases import ShowOverview
from timetracking.parking import consumer as parking
from timetracking.parking.domain import OWN
from timetracking.parking.repository import forget_parked
from timetracking.parking.use_cases import NoteParked
from timetracking.passages.consumer import LATE, TOPIC, passages
from timetracking.passages.repository import Months
from timetracking.passages.use_cases import MakeMonthsAhead, RecordPassages
from timetracking.people import consumer as people
from timetracking.people.use_cases import EraseServants, TakeBodies, TakeServants
from timetracking.personal_data import DATA_CLASSES
from timetracking.plans import consumer as plans
from timetracking.plans.use_cases import Compute, ForgetPlans, TakeOrders, TakePlans
from timetracking.reconciliation.report import report
from timetracking.reconciliation.use_cases import CompareDays, ReconcileAtNight
from timetracking.server import services
from timetracking.settings import TimetrackingSettings
from timetracking.unit_of_work import Begin, begin
from timetracking.workdays.closing import CloseDays
from timetracking.workdays.repository import purge_changes
from timetracking.workdays.use_cases import ComputeDays

if TYPE_CHECKING:
    from chassis.tail import Tail

# What answers follow from beside our own tables.
PROJECTED = (people.BODIES, people.SERVANTS, plans.PLANS)
# Who follows days may be away for so long and still resume.
CHANGES_KEPT = timedelta(days=30)
# A gate with a hundred passages is looked at a second after the last time when it pauses, one with a thousand ten seconds after.
PACE = Pace(paused_s=0.5, passage_s=0.01, longest_s=300.0, failed_s=2.0)
# As long as Kafka keeps the parking lots (infra/kafka/topics.yaml): then nobody can send it again.
PARKED_KEPT = timedelta(days=180)


async def serve(settings: TimetrackingSettings, stop: asyncio.Event) -> None:
    """Answers RPCs until `stop`."""
    page_key, clock, law = settings.page_key.get_secret_value(), clock_from(settings.clock), load()

    def rpcs(database: Database) -> list[Served]:
        return services(database, page_key, clock, law, settings.default_zone, stop)

    await processes.serve(
        "timetracking",
        settings,
        stop,
        law,
        rpcs,
        lambda database: StoredRelationships(database, clock, control_projected("body_states", "body")),
    )


async def gateway(settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Takes what devices send until `stop`."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name="timetracking gateway", role="app")
    admin.expect("database", "kafka", "issuer", "gateway")
    publisher, clock = Publisher(settings.brokers), clock_from(settings.clock)
    verifier = TokenVerifier(settings.issuer, settings.audience, allow_demo_issuer=settings.allow_demo_issuer, ca=settings.issuer_ca)
    async with admin.running(), closing(database, publisher), verifier.running():
        law, allowed, messages = load(), StoredAllowList(database), Messages.load("timetracking")
        work, refusals = begin(database, law, clock, settings.gateway_zone), RefusalLog(database)
        others, refused = NoPassages(TakeReceipts(work), settings.gateway_zone), RefusedRequests(TakeRefusals(work))
        door = Gateway(settings, publisher, allowed, clock, law, verifier, messages, others.note, refused.note, refusals.note)
        async with others.written(), refused.written(), refusals.written(), door.running():
            admin.met("gateway")
            topics = PASSAGES, LATE_PASSAGES, parked(PASSAGES)
            found = (_found(admin, "database", database.reachable), _found(admin, "kafka", lambda: _there(publisher, topics)))
            issuer = watch(admin, "issuer", said(lambda: verifier.ready))
            writing = others.keep_writing(), refused.keep_writing()
            await until(stop, beside=(*found, issuer, publisher.unbroken(), *writing))
            admin.stopping("gateway")


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

    def computing(database: Database, pressed: Callable[[str], bool]) -> Awaitable[None]:
        begun = begin(database, law, clock, settings.default_zone)
        compute = ComputeDueReads(begun, ComputeDays(law, clock), computed=report_by(clock))
        # Late passages hold up nobody's live day; live ones that press are stored before days are computed.
        return keep_doing(Job("due-reads", compute), recorded, stop, lambda: pressed(TOPIC))

    await processes.consume("timetracking", settings, stop, PROJECTED, subscriptions, computing)


async def work(settings: TimetrackingSettings, stop: asyncio.Event) -> None:
    """Computes what is due, relays the outbox to Kafka and deletes what is old until `stop`; of several such processes one relays."""
    clock, law = clock_from(settings.clock), load()

    def known(database: Database) -> Known:
        return followed(database, settings.brokers, people.BODIES)

    def jobs(database: Database) -> Sequence[Job]:
        work, compute = begin(database, law, clock, settings.default_zone), ComputeDays(law, clock)
        return (
            Job("make-months", MakeMonthsAhead(Months(database), clock)),
            # Before the days: what devices show says what may be found on a day.
            Job("device-findings", LookAtDevices(work, law, clock, PACE)),
            Job("due-devices", SpreadDueDevices(work)),
            Job("due-days", ComputeDueDays(work, compute)),
            Job("close-days", CloseDays(work, compute, clock)),
            Job("overview", ShowOverview(work, clock, show)),
            Job("retention", Retention(database, DATA_CLASSES, law, clock, known(database))),
            # Last: what is due is computed before days are compared with what is kept of them.
            Job("reconcile", _reconcile(settings, work, compute, clock)),
        )

    def left(database: Database) -> Callable[[], Awaitable[bool]]:
        async def any_left() -> bool:
            async with database.transaction() as transaction:
                looks = StoredLooks(transaction, settings.default_zone)
                return await StoredDueReads(transaction).any() or bool(await looks.next(full_hour(clock()), Pace()))

        return any_left

    purges: Mapping[str, processes.Purge] = {
        "changes": partial(forget_changes, now=clock, known=known),
        "parked": partial(forget_contents, now=clock, known=known),
    }
    await processes.work("timetracking", settings, stop, jobs, purges, lambda database: beside(settings, database), left)


def _reconcile(settings: TimetrackingSettings, work: Begin, compute: ComputeDays, clock: Clock) -> ReconcileAtNight:
    compare = CompareDays(work, compute)
    return ReconcileAtNight(work, compare, clock, settings.default_zone, settings.reconcile_days, report)


def beside(settings: TimetrackingSettings, database: Database) -> "Sequence[Tail]":
    """Returns what reads the topics of passages and the parking lots from beside those who apply them."""
    from chassis.tail import Tail  # its client would cost every other process a part of a second of its start

    work, zone = begin(database, load(), clock_from(settings.clock), settings.default_zone), settings.default_zone
    return (
        Tail(parking.READER, database, settings.brokers, parking.LOTS, parking.parked_records(NoteParked(work), zone)),
        Tail(
            accounts.READER,
            database,
            settings.brokers,
            OWN,
            accounts.receipts(TakeReceipts(work), zone),
            Forget(work),
            Complete(work),
        ),
    )


def people_told(work: Begin, default_zone: str) -> list[Subscription[Any]]:
    """Returns all that the projection of people follows."""
    return [people.bodies(TakeBodies(work, default_zone)), people.servants(TakeServants(work), EraseServants(work))]


def plans_told(work: Begin, compute: Compute) -> list[Subscription[Any]]:
    """Returns all that the projection of plans follows."""
    return [plans.plans(TakePlans(work, compute), ForgetPlans(work)), plans.orders(TakeOrders(work, compute))]


async def forget_changes(database: Database, now: Clock, known: Callable[[Database], Known], real: Callable[[], float] = monotonic) -> int:
    """Deletes the changes of days that nobody can resume from any more; how many there were. It rests with legal holds."""
    return await _forget(database, purge_changes, datetime.now(UTC) - CHANGES_KEPT, now, KnownLately(known(database), real))


async def forget_contents(database: Database, now: Clock, known: Callable[[Database], Known], real: Callable[[], float] = monotonic) -> int:
    """Deletes the contents of what was parked longer ago than its topic keeps it; how many there were. It rests with legal holds."""
    return await _forget(database, forget_parked, now() - PARKED_KEPT, now, KnownLately(known(database), real))


async def _forget(
    database: Database, some_before: Callable[[Transaction, datetime], Awaitable[int]], before: datetime, now: Clock, known: Known
) -> int:
    """Deletes piece by piece, as the job `retention` does: before each a hold is looked for, and once a minute whether all are known."""
    forgotten, some = 0, 1
    while some and await known():
        async with database.transaction() as transaction:
            some = 0 if await rests_until(transaction, now()) is not None else await some_before(transaction, before)
        forgotten += some
    return forgotten


async def _found(admin: Admin, condition: str, holds: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what the gateway begins with; where it is away later, the gateway goes on and tells each device what to do."""
    while not await holds():
        admin.unmet(condition, "away")
        await asyncio.sleep(FIRST_CHECKS_S)
    admin.met(condition)


async def _there(publisher: Publisher, topics: Collection[str]) -> bool:
    try:
        return all([await publisher.partitions(topic) > 0 for topic in topics])
    except Unavailable:
        return False
