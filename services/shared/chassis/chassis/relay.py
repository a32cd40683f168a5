"""Takes what transactions left in the outbox to Kafka, in order, at least once.

Order is by transaction number, then by place: a row is taken only when every transaction with a lower number has ended
(`pg_snapshot_xmin`), so nothing that commits late is overtaken or skipped. One relay is active a database, under an
advisory lock of the very connection that reads and deletes; the others wait.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from kernel.faults import Unavailable

from chassis.database import Database
from chassis.metrics import counter, gauge
from chassis.publisher import Outgoing
from chassis.supervision import TOGETHER_S, paused

RELAYING = 0x7A72_7469_7002
POLL_S = 0.05
STANDBY_S = 0.5
BACK_OFF_S = 0.5
AGE_EVERY_S = 1.0
# A batch travels together and is deleted together: larger ones double more after a crash, smaller ones wait more often.
BATCH = 2_000
# What of a batch is held in memory at once; a single larger row goes alone.
BATCH_BYTES = 16_000_000
# How long a stop waits for the confirmations of the batch on its way.
GRACE_S = 5.0

_READ = """
SELECT xid::text AS xid, id, topic, key, payload, headers::text AS headers, partition FROM (
    SELECT *, sum(coalesce(octet_length(payload), 0)) OVER (ORDER BY xid, id) - coalesce(octet_length(payload), 0) AS before FROM (
        SELECT * FROM outbox WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id LIMIT $1
    ) AS oldest
) AS row WHERE before < $2
ORDER BY row.xid, row.id
"""
_EMPTY = "SELECT NOT EXISTS (SELECT FROM outbox)"
# Every row up to the last one read was read: the transactions before it had all ended.
_DELETE = "DELETE FROM outbox WHERE (xid, id) <= ($1::text::xid8, $2)"
_AGE = "SELECT extract(epoch FROM clock_timestamp() - occurred_at)::float8 FROM outbox ORDER BY xid, id LIMIT 1"

OLDEST = gauge("tartip_outbox_oldest_seconds", "seconds", "Age of the oldest row that waits to be published")
DRAINED = gauge("tartip_relay_drained_at_seconds", "seconds", "Real time at which the last look that found the outbox empty began")
ACTIVE = gauge("tartip_relay_active", "relays", "1 while this relay is the active one of its database")
PUBLISHED = counter("tartip_relay_published_total", "messages", "Outbox rows published and deleted")

log = structlog.get_logger(__name__)


class Sender(Protocol):
    """What the relay needs of a publisher."""

    async def send_all(self, messages: Iterable[Outgoing]) -> object:
        """Sends in order; returns when all have arrived, raises if one may not have."""

    def forget(self) -> None:
        """Lets go of what still waits to be sent."""


@dataclass(slots=True)
class Relay:
    """The relay of one database; `run` works until it is told to stop.

    `drained_at` is the real time (seconds since 1970) at which the last look that found the outbox empty began: what was
    committed before it has been published.
    """

    database: Database
    publisher: Sender
    poll_s: float = POLL_S
    standby_s: float = STANDBY_S
    batch: int = BATCH
    batch_bytes: int = BATCH_BYTES
    active: bool = False
    standing_by: bool = False
    drained_at: float = 0.0
    polls: int = 0
    _aged_at: float = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Publishes until `stop`; an absent database or broker is waited for."""
        while not stop.is_set():
            try:
                async with self.database.apart() as driver:
                    await self._serve(driver, stop)
            except Unavailable:
                log.warning("the relay waits for what is away", exc_info=True)
                await paused(stop, BACK_OFF_S)
            finally:
                self._turn(active=False)

    @property
    def ready(self) -> bool:
        """Whether it relays, or would take over from the one that does."""
        return self.active or self.standing_by

    async def _serve(self, driver: Any, stop: asyncio.Event) -> None:
        while not await driver.fetchval("SELECT pg_try_advisory_lock($1)", RELAYING):
            self.standing_by = True
            if await paused(stop, self.standby_s):
                return
        lost = asyncio.Event()
        driver.add_termination_listener(lambda _: lost.set())
        self._turn(active=True)
        while not stop.is_set():
            began = time.monotonic()
            taken = await self._step(driver, stop, lost)
            if taken < self.batch:
                await paused(stop, self.poll_s if not taken else began + TOGETHER_S - time.monotonic())

    async def _step(self, driver: Any, stop: asyncio.Event, lost: asyncio.Event) -> int:
        began = time.time()
        rows = await driver.fetch(_READ, self.batch, self.batch_bytes)
        if rows:
            if not await self._published(rows, stop, lost):
                return 0
            await driver.execute(_DELETE, rows[-1]["xid"], rows[-1]["id"])
            PUBLISHED.inc(len(rows))
            began = time.time()  # of the next look: where much is written, polls that find nothing are rare
        if len(rows) < self.batch and await driver.fetchval(_EMPTY):
            self.drained_at = began
            DRAINED.set(began)
        self.polls += 1
        await self._tell_age(driver)
        return len(rows)

    async def _published(self, rows: Sequence[Any], stop: asyncio.Event, lost: asyncio.Event) -> bool:
        """Sends the rows in their order; whether Kafka has them all.

        A stop waits for them for a short while only, and the loss of the connection, with which the lock goes, not at all.
        """
        messages = [_outgoing(row) for row in rows]
        sending = asyncio.ensure_future(self.publisher.send_all(messages))
        stopping, losing = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(lost.wait())
        try:
            await asyncio.wait((sending, stopping, losing), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                await asyncio.wait((sending, losing), timeout=GRACE_S, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                return False
            await sending
            return True
        finally:
            stopping.cancel()
            losing.cancel()
            if not sending.done():
                # Sent after another relay has taken over, it would overtake what that one sends.
                self.publisher.forget()
                sending.cancel()
                with suppress(asyncio.CancelledError, Unavailable):
                    await sending

    async def _tell_age(self, driver: Any) -> None:
        if time.monotonic() - self._aged_at >= AGE_EVERY_S:
            self._aged_at = time.monotonic()
            OLDEST.set(await driver.fetchval(_AGE) or 0.0)

    def _turn(self, *, active: bool) -> None:
        self.active, self.standing_by = active, False
        ACTIVE.set(int(active))


def _outgoing(row: Any) -> Outgoing:
    key = row["key"].encode() if row["partition"] is None else None
    return Outgoing(row["topic"], key, row["payload"], json.loads(row["headers"]), row["partition"])
