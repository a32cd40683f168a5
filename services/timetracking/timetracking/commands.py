"""The commands of timetracking: serve, gateway, consume, work, migrate, republish, rebuild."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chassis import commands
from chassis.clock import clock_from
from chassis.commands import Process
from chassis.database import Database
from chassis.delivery import Subscription
from chassis.processes import CONSUME, SERVE, WORK
from chassis.supervision import closing
from lawbook import load

from timetracking import processes
from timetracking.findings.events import TOPIC as FINDINGS
from timetracking.findings.use_cases import RepublishFindings
from timetracking.gateway.settings import GATEWAY, GatewaySettings
from timetracking.settings import TimetrackingSettings
from timetracking.unit_of_work import Begin, begin
from timetracking.workdays.events import TOPIC as WORKDAYS
from timetracking.workdays.republishing import RepublishDays

PROJECTIONS: Mapping[str, tuple[str, ...]] = {
    "people": ("body_states", "servants", "appointments"),
    "plans": ("plan_months", "plan_days", "orders"),
}


async def republish(settings: TimetrackingSettings, topic: str, since: datetime | None) -> int:
    """Publishes the states of a topic that became so at `since` or later (None: all) again; how many there were."""
    database = Database(settings.database_url, name="timetracking republish")
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

    shown = anew.Projection(PROJECTIONS[projection], subscriptions)
    return await anew.rebuild(shown, settings.kafka, settings.migrator_database_url, settings.database_url)


async def _left_alone(*_: Any, **__: Any) -> None:
    """Days are not computed from plans that are half there: the closing job looks at them once all are."""


def _begin(settings: TimetrackingSettings, database: Database) -> Begin:
    return begin(database, load(), clock_from(settings.clock), settings.default_zone)


COMMANDS: tuple[commands.Command, ...] = (
    Process("serve", "answer RPCs", TimetrackingSettings, SERVE, processes.serve),
    Process("gateway", "take what devices send, over HTTP and gRPC", GatewaySettings, GATEWAY, processes.gateway),
    Process("consume", "follow registry and regimes, and record passages", TimetrackingSettings, CONSUME, processes.consume),
    Process("work", "compute what is due, relay events to Kafka and run the jobs", TimetrackingSettings, WORK, processes.work),
    commands.migration("timetracking", TimetrackingSettings),
    commands.republication(TimetrackingSettings, (WORKDAYS, FINDINGS), republish),
    commands.rebuilding(TimetrackingSettings, PROJECTIONS, rebuild),
)
