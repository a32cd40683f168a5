"""The commands of timetracking: serve, gateway, consume, work, migrate, audit, republish, rebuild, restored; parked, redrive, accounts, reconcile."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from chassis import commands
from chassis.access import Caller
from chassis.audit_log.commands import auditing
from chassis.brokers import Brokers
from chassis.clock import Clock, clock_from
from chassis.commands import Process
from chassis.database import Database, Transaction
from chassis.delivery import Subscription
from chassis.operators import operating
from chassis.processes import CONSUME, SERVE, WORK
from chassis.restoration.commands import kafka_asked, restoring
from chassis.settings import SettingsError
from chassis.supervision import closing
from lawbook import load

from timetracking import processes
from timetracking.accounts import commands as device_accounts
from timetracking.accounts import consumer as receipts
from timetracking.accounts.use_cases import Arrivals, Done, WriteOffRecords
from timetracking.devices.repository import require_enrolled
from timetracking.findings.events import TOPIC as FINDINGS
from timetracking.findings.use_cases import RepublishFindings
from timetracking.gateway.settings import GATEWAY, GatewaySettings
from timetracking.parking import commands as parking
from timetracking.parking import consumer as parked_records
from timetracking.parking.domain import OWN
from timetracking.people.consumer import BODIES
from timetracking.reconciliation import commands as reconciliation
from timetracking.reconciliation.use_cases import CompareDays, Reconcile
from timetracking.settings import TimetrackingSettings
from timetracking.unit_of_work import Begin, begin
from timetracking.workdays.events import TOPIC as WORKDAYS
from timetracking.workdays.republishing import RepublishDays
from timetracking.workdays.use_cases import ComputeDays

if TYPE_CHECKING:
    from chassis.restoration.restoring import Restoration

# Those who record commit once a second where they are.
_MOMENT_S = 1.0

PROJECTIONS: Mapping[str, tuple[str, ...]] = {
    "people": ("body_states", "unit_heads", "legal_holds", "servants", "appointments"),
    "plans": ("plan_months", "plan_days", "orders"),
}


async def republish(settings: TimetrackingSettings, topic: str, since: datetime | None) -> int:
    """Publishes the states of a topic that became so at `since` or later (None: all) again; how many there were."""
    database = Database(settings.database_url, name="timetracking republish", role="worker")
    async with closing(database):
        work = _begin(settings, database)
        again: Any = RepublishDays(work) if topic == WORKDAYS else RepublishFindings(work)
        published, last = await again(since)
        while last is not None:
            told, last = await again(since, last)
            published += told
        return int(published)


async def rebuild(settings: TimetrackingSettings, projection: str) -> int:
    """Builds a projection anew from its topics; how many messages were read."""
    from chassis import rebuild as anew  # what it needs would cost every process a part of a second of its start

    def subscriptions(database: Database) -> Sequence[Subscription[Any]]:
        work = _begin(settings, database)
        if projection == "people":
            return processes.people_told(work, settings.default_zone)
        return processes.plans_told(work, _left_alone)

    shown = anew.Projection(PROJECTIONS[projection], subscriptions, BODIES, kept=projection == "plans")
    clock = clock_from(settings.clock)
    return await anew.rebuild(shown, settings.brokers, settings.migrator_database_url, settings.database_url, clock)


def restoration(settings: TimetrackingSettings) -> "Restoration":
    """What brings a database that came back from a backup and the topics together again."""
    from chassis.restoration.restoring import Restoration  # its client would cost every process a part of a second of its start

    from timetracking.restoration import FOLLOWED, own_topics

    topics = own_topics(partial(_begin, settings))
    return Restoration("timetracking", settings.migrator_database_url, settings.brokers, topics, FOLLOWED)


async def forget_places(transaction: Transaction) -> None:
    """Forgets what speaks of places in topics that were lost."""
    from timetracking import restoration as of_places

    await of_places.forget_places(transaction)


async def _left_alone(*_: Any, **__: Any) -> None:
    """Days are not computed from plans that are half there: the closing job looks at them once all are."""


def _begin(settings: TimetrackingSettings, database: Database) -> Begin:
    return begin(database, load(), clock_from(settings.clock), settings.default_zone)


async def reconcile(settings: TimetrackingSettings, database: Database, given: argparse.Namespace) -> str:
    """Compares days with what their facts give."""
    work, clock = _begin(settings, database), clock_from(settings.clock)
    compare = CompareDays(work, ComputeDays(load(), clock))
    return await reconciliation.reconcile(Reconcile(work, compare, clock, settings.default_zone), given)


async def accounts(settings: TimetrackingSettings, database: Database, given: argparse.Namespace) -> str:
    """Shows the accounts of devices, or writes off what of them is lost."""
    if not given.write_off:
        return await device_accounts.accounts(database, given)
    await _require_enrolled(database, given.device)
    with operating(given) as caller:
        lost = WriteOffRecords(_begin(settings, database), _arrivals(settings, database), receipts.READER)
        return await device_accounts.write_off(caller, lost, given)


def _arrivals(settings: TimetrackingSettings, database: Database) -> Arrivals:
    done, moment = partial(_done, settings.brokers), partial(asyncio.sleep, _MOMENT_S)
    return Arrivals(_begin(settings, database), done, moment, parked_records.READER)


async def _done(brokers: Brokers) -> Done:
    """What Kafka says of those who record passages."""
    if not brokers.servers:
        raise SettingsError("TARTIP_KAFKA: is not set; what may be on its way is asked of it")
    from chassis.survey import survey  # its client would cost every process a part of a second of its start

    with kafka_asked(brokers):
        recorded = await survey(brokers, "timetracking", OWN)
        lots = await survey(brokers, None, parked_records.LOTS)
    acknowledged = {place: each.start for place, each in recorded.items()}
    ends, parked = ({place: each.end for place, each in extents.items()} for extents in (recorded, lots))
    return Done(acknowledged, ends, parked)


Asked = Callable[[TimetrackingSettings, argparse.Namespace], Coroutine[Any, Any, str]]


def _errand(name: str, says: str, once: Asked, arguments: Callable[[argparse.ArgumentParser], object]) -> commands.Errand[Any]:
    return commands.Errand(name, says, TimetrackingSettings, ("database_url",), once, arguments)


def _in_database(do: Callable[[TimetrackingSettings, Database, argparse.Namespace], Awaitable[str]]) -> Asked:
    async def once(settings: TimetrackingSettings, given: argparse.Namespace) -> str:
        database = Database(settings.database_url, name=f"timetracking {given.command}", role="worker")
        async with closing(database):
            return await do(settings, database, given)

    return once


def _parked(do: Callable[[Caller, Begin, argparse.Namespace, Clock, Arrivals], Awaitable[str]]) -> Asked:
    """What is done with parked records, of everything that the database holds."""

    async def done(settings: TimetrackingSettings, database: Database, given: argparse.Namespace) -> str:
        await _require_enrolled(database, given.device)
        with operating(given, looks=given.dry_run) as caller:
            return await do(caller, _begin(settings, database), given, clock_from(settings.clock), _arrivals(settings, database))

    return _in_database(done)


async def _require_enrolled(database: Database, device: str | None) -> None:
    if device:
        async with database.transaction() as transaction:
            await require_enrolled(await transaction.driver(), device)


COMMANDS: tuple[commands.Command, ...] = (
    Process("serve", "answer RPCs", TimetrackingSettings, SERVE, processes.serve),
    Process("gateway", "take what devices send, over HTTP and gRPC", GatewaySettings, GATEWAY, processes.gateway),
    Process("consume", "follow registry and regimes, and record passages", TimetrackingSettings, CONSUME, processes.consume),
    Process(
        "work", "compute what is due, relay events to Kafka, seal the audit and run the jobs", TimetrackingSettings, WORK, processes.work
    ),
    commands.migration("timetracking", TimetrackingSettings),
    auditing("timetracking", TimetrackingSettings),
    commands.republication(TimetrackingSettings, (WORKDAYS, FINDINGS), republish),
    commands.rebuilding(TimetrackingSettings, PROJECTIONS, rebuild),
    restoring("timetracking", TimetrackingSettings, restoration, forget_places),
    _errand("parked", "list what waits in the parking lot", _parked(parking.parked), parking.parked_arguments),
    _errand("redrive", "send parked records again", _parked(parking.redrive), parking.redrive_arguments),
    _errand("reconcile", "compute days a second time and compare them", _in_database(reconcile), reconciliation.arguments),
    _errand(
        "accounts",
        "show what became of every record of each device; write off what is lost",
        _in_database(accounts),
        device_accounts.arguments,
    ),
)
