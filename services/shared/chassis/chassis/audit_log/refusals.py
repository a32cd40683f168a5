"""Calls that were refused to somebody who is known, on their way into the audit.

The caller is answered at once; the record is written a moment later, in a transaction of its own with those that came with it.
A flood must not sink the database: so many wait at most, and of one subject no more than a tenth, so that nobody's flood
covers what others do; so many are written at once, some times a second. What does not find room is counted and not written. A process that is
killed loses those of its last moment.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from kernel.faults import Unavailable

from chassis.audit import AuditRecord
from chassis.database import Database
from chassis.metrics import counter
from chassis.supervision import TOGETHER_S

MOST_WAITING = 1_000
MOST_OF_ONE = 100
# With the pause between them, some 650 a second of one process: a third of what is sealed in time.
BATCH = 100
BACK_OFF_S = 0.5

DROPPED = counter(
    "tartip_audit_refusals_dropped_total", "calls", "Refused calls that found no room in the audit's queue and left no record"
)

log = structlog.get_logger(__name__)


class RefusalLog:
    """The refused calls of this process that are not written down yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[AuditRecord] = deque()
        self._of: Counter[str] = Counter()
        self._came = asyncio.Event()

    def note(self, record: AuditRecord) -> None:
        """Takes a record, or counts it where there is no room."""
        if len(self._waiting) >= MOST_WAITING or self._of[record.subject] >= MOST_OF_ONE:
            DROPPED.inc()
            return
        self._waiting.append(record)
        self._of[record.subject] += 1
        self._came.set()

    async def write(self) -> int:
        """Writes down those that have waited longest, at most a batch; how many. They stay where that fails."""
        some = [self._waiting[at] for at in range(min(BATCH, len(self._waiting)))]
        if not some:
            return 0
        async with self._database.transaction(apart=True) as transaction:
            transaction.record_refusals(some)
        for record in some:
            self._waiting.popleft()
            self._of[record.subject] -= 1
        self._of += Counter[str]()  # forgets those of whom nothing waits
        return len(some)

    async def keep_writing(self) -> None:
        """Writes what comes, until cancelled; while the database is away it waits."""
        while True:
            await self._came.wait()
            self._came.clear()
            try:
                while await self.write():  # noqa: ASYNC110 - what comes meanwhile goes together
                    await asyncio.sleep(TOGETHER_S)
            except Unavailable:
                log.warning("refused calls wait for the database", waiting=len(self._waiting))
                await self._back_off()
            except Exception:
                log.exception("refused calls could not be written down; it is tried again", waiting=len(self._waiting))
                await self._back_off()

    @asynccontextmanager
    async def written(self) -> AsyncIterator[None]:
        """Writes beside the block, and at its end what is left, if the database is there."""
        writing = asyncio.create_task(self.keep_writing())
        try:
            yield
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            with suppress(Unavailable):
                while await self.write():
                    pass

    async def _back_off(self) -> None:
        self._came.set()
        await asyncio.sleep(BACK_OFF_S)
