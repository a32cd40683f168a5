"""The processes and commands of the regimes: `python -m regimes serve | consume | work | migrate | republish`."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial

import structlog
from chassis import process, settings, telemetry
from chassis.auth import TokenVerifier
from chassis.clock import clock_from
from chassis.database import Database
from chassis.messages import Messages
from chassis.migrations import migrate
from chassis.pages import PageTokens
from chassis.process import Admin
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.requests import RequestLedger, purge_answers
from chassis.server import Served, Server
from chassis.streams import Consumer
from chassis.survey import survey
from kernel.faults import Unavailable
from lawbook import Lawbook, load
from tartip.regimes.v1 import (
    assignment_service_pb2,
    assignment_service_pb2_grpc,
    labour_order_rules_service_pb2,
    labour_order_rules_service_pb2_grpc,
    law_service_pb2,
    law_service_pb2_grpc,
    plan_service_pb2,
    plan_service_pb2_grpc,
)

from regimes.assignments.servicer import AssignmentServicer
from regimes.law.servicer import LawServicer
from regimes.listing import Listing
from regimes.people import consumer as people
from regimes.plans.jobs import RollingJob
from regimes.plans.servicer import PlanServicer
from regimes.plans.use_cases import ActivateLaw, ComposeDuePlans, RepublishPlans, RollPlans
from regimes.projections import BODIES, SERVANTS, follow
from regimes.rules.servicer import LabourOrderRulesServicer
from regimes.settings import Settings
from regimes.unit_of_work import PLANS, units_of_work

Run = Callable[[asyncio.Event], Awaitable[None]]
LOOK_AGAIN_S = 0.5
PURGE_EVERY_S = 3600.0
GROUP = "regimes"

log = structlog.get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m regimes", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="answers RPCs")
    commands.add_parser("consume", help="follows the registry")
    commands.add_parser("work", help="composes plans, and takes what is to be published to Kafka")
    commands.add_parser("migrate", help="brings the schema to the newest version")
    again = commands.add_parser("republish", help="publishes plans once more, with their revisions as they are")
    again.add_argument("--topic", choices=[PLANS], required=True)
    again.add_argument("--since", type=_instant, default=None, help="only what became so at this instant (RFC 3339) or later")
    chosen = parser.parse_args(arguments)
    command = chosen.command
    environment = settings.read(Settings, need=NEEDS[command])
    telemetry.start(f"regimes {command}", environment)
    match command:
        case "migrate":
            asyncio.run(migrate(environment.migrator_database_url, "regimes.migrations"))
        case "republish":
            asyncio.run(_republish(environment, chosen.since))
        case _:
            process.run({"serve": _serve, "consume": _consume, "work": _work}[command](environment))


_COMMON = ("database_url", "admin_listen")
NEEDS = {
    "serve": (*_COMMON, "issuer", "listen", "page_key"),
    "consume": (*_COMMON, "kafka"),
    "work": (*_COMMON, "kafka"),
    "migrate": ("migrator_database_url",),
    "republish": ("database_url",),
}


def served(database: Database, environment: Settings, law: Lawbook) -> list[Served]:
    """Returns the services of the regimes over a database."""
    clock = clock_from(environment.clock)
    work = units_of_work(database, clock, law)
    listing = Listing(PageTokens(environment.page_key.get_secret_value()), clock)
    return [
        (
            labour_order_rules_service_pb2_grpc.add_LabourOrderRulesServiceServicer_to_server,
            LabourOrderRulesServicer(work, law, listing),
            labour_order_rules_service_pb2.DESCRIPTOR.services_by_name["LabourOrderRulesService"],
        ),
        (
            assignment_service_pb2_grpc.add_AssignmentServiceServicer_to_server,
            AssignmentServicer(work, law, listing),
            assignment_service_pb2.DESCRIPTOR.services_by_name["AssignmentService"],
        ),
        (
            plan_service_pb2_grpc.add_PlanServiceServicer_to_server,
            PlanServicer(work, law),
            plan_service_pb2.DESCRIPTOR.services_by_name["PlanService"],
        ),
        (
            law_service_pb2_grpc.add_LawServiceServicer_to_server,
            LawServicer(law, listing),
            law_service_pb2.DESCRIPTOR.services_by_name["LawService"],
        ),
    ]


def _serve(environment: Settings) -> Run:
    async def run(stop: asyncio.Event) -> None:
        law = load()
        verifier = TokenVerifier(environment.issuer, environment.audience, allow_demo_issuer=environment.allow_demo_issuer)
        async with _prepared(environment) as (admin, database), verifier.running():
            services = served(database, environment, law)
            server = Server(environment, services, verifier, Messages.load("regimes"), law, ledger=RequestLedger(database))
            watching = asyncio.create_task(_watch(admin, {"database": database.reachable, "issuer": _said(lambda: verifier.ready)}))
            try:
                await server.run(stop)
            finally:
                watching.cancel()

    return run


def _consume(environment: Settings) -> Run:
    async def run(stop: asyncio.Event) -> None:
        law, publisher = load(), Publisher(environment.kafka)
        async with _prepared(environment) as (admin, database):
            work = units_of_work(database, clock_from(environment.clock), law)
            consumer = Consumer(GROUP, environment.kafka, [people.bodies(work), people.servants(work)], publisher.send)
            conditions = {"database": database.reachable, "stream": _said(lambda: consumer.ready)}
            beside = [
                asyncio.create_task(_watch(admin, conditions)),
                asyncio.create_task(_record_progress(environment.kafka, database, consumer, stop)),
            ]
            try:
                await consumer.run(stop)
            finally:
                await _end(beside)
                await publisher.close()

    return run


def _work(environment: Settings) -> Run:
    async def run(stop: asyncio.Event) -> None:
        law, clock, publisher = load(), clock_from(environment.clock), Publisher(environment.kafka)
        async with _prepared(environment) as (admin, database):
            work = units_of_work(database, clock, law)
            relay = Relay(database, publisher)
            compose = ComposeDuePlans(work, law, clock)
            job = RollingJob(ActivateLaw(work, law), RollPlans(work), compose, clock, lambda: relay.drained_at)
            watching = asyncio.create_task(_watch(admin, {"database": database.reachable}))
            try:
                async with asyncio.TaskGroup() as group:
                    for each in (relay.run, job.run, partial(_purge, database)):
                        group.create_task(each(stop))
            finally:
                await _end([watching])
                await publisher.close()

    return run


async def _republish(environment: Settings, since: datetime | None) -> None:
    database = Database(environment.database_url, name="regimes republish")
    again = RepublishPlans(units_of_work(database, clock_from(environment.clock), load()))
    try:
        after = await again(since)
        while after is not None:
            after = await again(since, after)
    finally:
        await database.close()


async def _record_progress(bootstrap: str, database: Database, consumer: Consumer, stop: asyncio.Event) -> None:
    """Lets calls know when the projection has reached its start; what is away is asked again."""
    while not stop.is_set():
        try:
            extents = await survey(bootstrap, GROUP, (BODIES, SERVANTS))
            return await follow(database, extents, lambda: consumer.positions, stop)
        except Exception as error:
            log.warning("the progress of the projection is not to be seen", error=type(error).__name__)
            await asyncio.sleep(LOOK_AGAIN_S)


async def _purge(database: Database, stop: asyncio.Event) -> None:
    """Deletes stored answers after their day, once an hour."""
    while not stop.is_set():
        with suppress(Unavailable):
            await purge_answers(database)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PURGE_EVERY_S)


@asynccontextmanager
async def _prepared(environment: Settings) -> AsyncIterator[tuple[Admin, Database]]:
    database = Database(environment.database_url, name="regimes")
    admin = Admin(environment.admin_listen)
    try:
        async with admin.running():
            yield admin, database
    finally:
        await database.close()


async def _watch(admin: Admin, conditions: Mapping[str, Callable[[], Awaitable[bool]]]) -> None:
    """Tells the probes which conditions of readiness hold."""
    admin.expect(*conditions)
    while True:
        for name, holds in conditions.items():
            if await holds():
                admin.met(name)
            else:
                admin.unmet(name, "away")
        await asyncio.sleep(LOOK_AGAIN_S if admin.waiting_for else 10 * LOOK_AGAIN_S)


def _said(holds: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def said() -> bool:
        return holds()

    return said


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant has an offset, as in 2026-11-22T09:00:00+05:00")
    return instant


if __name__ == "__main__":
    main()
