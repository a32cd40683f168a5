"""Seals what was committed to the audit, and tells of the chain outside at intervals.

The database makes the seals and lets nobody else write them; here it is only asked to, some times a second, so that a record
is sealed within a second of its commit. What holds a transaction open holds sealing back, as it does the relay.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import structlog
from google.protobuf.message import Message
from kernel.faults import Unavailable
from kernel.identifiers import new_id
from tartip.audit.v1 import events_pb2

from chassis.audit_log.chain import BEGINNING, Seal
from chassis.database import Database, Transaction
from chassis.metrics import counter, gauge
from chassis.supervision import paused
from chassis.wire import instant_message

# A record waits so long at most for the next look, which takes the records of a second in less than a tenth of one.
POLL_S = 0.2
BACK_OFF_S = 0.5
BATCH = 1_000

_SEAL = "SELECT seal_audit_records($1)"
_NEWEST = "SELECT place, hash, sealed_at FROM audit_seals ORDER BY place DESC LIMIT 1"
_OLDEST = """
SELECT extract(epoch FROM clock_timestamp() - r.recorded_at)::float8 FROM audit_records r
WHERE (r.xid, r.id) > (SELECT s.xid, s.record FROM audit_seals s ORDER BY s.place DESC LIMIT 1) ORDER BY r.xid, r.id LIMIT 1
"""

SEALED = counter("tartip_audit_sealed_total", "records", "Audit records that were sealed")
WAITING = gauge("tartip_audit_unsealed_oldest_seconds", "seconds", "Age of the oldest audit record that is not sealed, 0 where all are")
CHECKPOINTS = counter("tartip_audit_checkpoints_total", "checkpoints", "Checkpoints of the audit's chain that were published")

log = structlog.get_logger(__name__)


def topic_of(service: str) -> str:
    """The topic of a service's checkpoints."""
    return f"{service}.audit-checkpoints.v1"


@dataclass(slots=True)
class Sealing:
    """Seals the audit of a service's database, entered as its worker, until it is told to stop.

    A checkpoint is published as soon as there is something new to tell of, but not within `checkpoint_every_s` of the one before.
    """

    service: str
    database: Database
    checkpoint_every_s: float
    poll_s: float = POLL_S
    _told: Seal = BEGINNING
    _told_at: float = field(default=float("-inf"))

    async def run(self, stop: asyncio.Event) -> None:
        """Seals until `stop`; an absent database is waited for, and a failure is logged and tried again."""
        while not stop.is_set():
            pause_s = self.poll_s
            try:
                if await self.seal() == BATCH:
                    continue
                await self.tell()
            except Unavailable:
                log.warning("sealing waits for the database")
                pause_s = BACK_OFF_S
            except Exception:
                log.exception("the audit could not be sealed; it is tried again")
                pause_s = BACK_OFF_S
            await paused(stop, pause_s)

    async def seal(self) -> int:
        """Seals a batch; how many records it was. What was committed while others are still at work waits for them."""
        async with self.database.transaction() as transaction:
            driver = await transaction.driver()
            sealed = int(await driver.fetchval(_SEAL, BATCH))
            WAITING.set(await driver.fetchval(_OLDEST) or 0.0)
        SEALED.inc(sealed)
        return sealed

    async def tell(self) -> None:
        """Publishes a checkpoint where it is time for one and the chain has grown."""
        if time.monotonic() - self._told_at < self.checkpoint_every_s:
            return
        async with self.database.transaction() as transaction:
            newest = await (await transaction.driver()).fetchrow(_NEWEST)
            if newest is None or newest["place"] == self._told.place:
                return
            publish_checkpoint(transaction, self.service, newest)
        self._told, self._told_at = Seal(newest["place"], newest["hash"]), time.monotonic()
        CHECKPOINTS.inc()


def publish_checkpoint(transaction: Transaction, service: str, newest: Any) -> None:
    """Publishes the newest seal, a row of `audit_seals`, when the transaction commits."""
    transaction.publish(topic_of(service), service, _message(service, newest))


def _message(service: str, newest: Any) -> Message:
    return events_pb2.AuditCheckpointTaken(
        event_id=new_id(),
        occurred_at=instant_message(newest["sealed_at"]),
        service=service,
        place=newest["place"],
        hash=newest["hash"],
    )
