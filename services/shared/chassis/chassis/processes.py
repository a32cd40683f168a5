"""The processes that every service has: serve answers RPCs, consume follows topics, work relays events and runs jobs.

A service says what is its own: its RPCs, its subscriptions, its jobs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from kernel.faults import Unavailable
from lawbook import Lawbook

from chassis.access import Relationships
from chassis.audit_log.refusals import RefusalLog
from chassis.audit_log.sealing import Sealing
from chassis.auth import TokenVerifier
from chassis.clock import clock_from
from chassis.database import Database
from chassis.delivery import Subscription
from chassis.jobs import Job, Jobs, Left
from chassis.messages import Messages
from chassis.process import Admin
from chassis.projections import follow_topics
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.requests import RequestLedger, purge_answers
from chassis.server import Served, Server
from chassis.settings import Settings
from chassis.snapshots import Snapshots
from chassis.supervision import closing, said, until, watch

if TYPE_CHECKING:
    from chassis.tail import Tail

log = structlog.get_logger(__name__)

# The settings that each process cannot do without.
SERVE = ("database_url", "issuer", "listen", "admin_listen", "page_key")
CONSUME = ("database_url", "kafka", "admin_listen")
WORK = ("database_url", "kafka", "admin_listen")

# Deletes what is old, a transaction at a time; how much it was.
Purge = Callable[[Database], Awaitable[int]]


async def serve(
    service: str,
    settings: Settings,
    stop: asyncio.Event,
    law: Lawbook,
    rpcs: Callable[[Database], Sequence[Served]],
    relationships: Callable[[Database], Relationships],
) -> None:
    """Answers the RPCs of `service` until `stop`."""
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name=f"{service} serve", role="app")
    admin.expect("database", "issuer", "server")
    verifier = TokenVerifier(settings.issuer, settings.audience, allow_demo_issuer=settings.allow_demo_issuer, ca=settings.issuer_ca)
    refusals, related = RefusalLog(database), relationships(database)
    async with admin.running(), closing(database), verifier.running(), refusals.written():
        ledger, messages = RequestLedger(database, settings.page_key.get_secret_value()), Messages.load(service)
        server = Server(settings, rpcs(database), verifier, messages, law, ledger, relationships=related, refused=refusals.note)
        async with server.running():
            admin.met("server")
            watches = (watch(admin, "database", database.reachable), watch(admin, "issuer", said(lambda: verifier.ready)))
            await until(stop, beside=watches)
            admin.stopping("server")


async def consume(
    service: str,
    settings: Settings,
    stop: asyncio.Event,
    projected: Collection[str],
    subscriptions: Callable[[Database], Sequence[Subscription[Any]]],
    work_beside: Callable[[Database, Callable[[str], bool]], Awaitable[None]] | None = None,
) -> None:
    """Follows topics as the group `service` until `stop`; calls learn how far the topics in `projected` are.

    `work_beside` goes on with what the subscriptions leave to be done, until `stop` too; it may ask whether a topic presses.
    """
    from chassis.streams import Consumer  # Faust would cost every other process half a second of its start

    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name=f"{service} consume", role="worker")
    admin.expect("database", "stream")
    publisher = Publisher(settings.brokers)
    timeout_s, clock = settings.session_timeout_s, clock_from(settings.clock)
    consumer = Consumer(service, settings.brokers, subscriptions(database), publisher.send, session_timeout_s=timeout_s, clock=clock)
    async with admin.running(), closing(database, publisher):
        following = follow_topics(database, settings.brokers, service, projected, lambda: consumer.positions, stop)
        watches = (watch(admin, "database", database.reachable), watch(admin, "stream", said(lambda: consumer.ready)))
        further = [work_beside(database, consumer.pressed)] if work_beside is not None else []
        await until(stop, consumer.run(stop), following, *further, beside=(*watches, publisher.unbroken()))


async def work(
    service: str,
    settings: Settings,
    stop: asyncio.Event,
    jobs: Callable[[Database], Sequence[Job]] = lambda _: (),
    purges: Mapping[str, Purge] | None = None,
    readers: Callable[[Database], Sequence["Tail"]] = lambda _: (),
    left: Callable[[Database], Left] | None = None,
) -> None:
    """Relays the outbox to Kafka, seals the audit, runs the jobs, deletes what is old and reads topics from beside until `stop`.

    Of several such processes one relays. `left` says whether something is due still that other processes work on.
    """
    admin, database = Admin(settings.admin_listen), Database(settings.database_url, name=f"{service} work", role="worker")
    tails = {f"reader {each.name}": each for each in readers(database)}
    admin.expect("database", "relay", *tails)
    publisher = Publisher(settings.brokers)
    relay, sealing = Relay(database, publisher), Sealing(service, database, settings.audit_checkpoint_every_s)
    seen = Snapshots(database)
    others_left = left(database) if left is not None else None
    turns = Jobs(jobs(database), clock_from(settings.clock), lambda: relay.drained_at, others_left, seen)
    purging = _purge(database, {"answers": purge_answers, **(purges or {})}, settings.purge_every_s)
    async with admin.running(), closing(database, publisher, seen):
        relays = watch(admin, "relay", said(lambda: relay.ready))
        reading = (watch(admin, name, said(partial(getattr, tail, "ready"))) for name, tail in tails.items())
        beside = (watch(admin, "database", database.reachable), relays, *reading, purging, publisher.unbroken())
        await until(stop, relay.run(stop), sealing.run(stop), turns.run(stop), *(each.run(stop) for each in tails.values()), beside=beside)


async def _purge(database: Database, purges: Mapping[str, Purge], every_s: float) -> None:
    while True:
        try:
            log.info("purged", **{name: await purge(database) for name, purge in purges.items()})
        except Unavailable:
            log.warning("the purge waits for the database")
        except Exception:
            log.exception("the purge failed; what is old waits for the next one")
        await asyncio.sleep(every_s)
