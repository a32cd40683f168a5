"""Deleting what is older than its term, piece by piece; while a legal hold is in force anywhere in the deployment, it rests."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import structlog
from kernel.faults import Unavailable
from lawbook import Lawbook

from chassis.brokers import Brokers
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.metrics import counter, gauge
from chassis.personal_data.declarations import Aging, DataClass, aging
from chassis.personal_data.holds import held_until
from chassis.personal_data.levels import SETTLED_AFTER_S, first_kept, raise_levels, settled_levels
from chassis.topics import parked
from chassis.transient import state_of

# Rows that share a transaction: it ends well within its five seconds; of topics also far from its thousand locks.
AT_ONCE = 500
# What is old today was so yesterday, and a hold is awaited: to look seldom costs nothing.
AGAIN_S = 3_600.0
SOON_S = 60.0
# The other jobs of the process wait meanwhile, and a broker that is well answers in a fraction of it.
SEEN_WITHIN_S = 2.0
# PostgreSQL's word that somebody else holds what a statement did not want to wait for.
_HELD_BY_OTHERS = "55P03"

RESTS = gauge(
    "tartip_retention_rests_until_seconds",
    "seconds",
    "Last day of the legal holds by which deleting rests, since 1970; 0 while none is in force",
)
DELETED = counter("tartip_retention_deleted_total", "rows", "Rows that were deleted one by one since their term ended", ("data_class",))

log = structlog.get_logger(__name__)

# Whether all holds that were placed before are known here.
Known = Callable[[], Awaitable[bool]]


def followed(database: Database, brokers: Brokers, topic: str, within_s: float = SEEN_WITHIN_S) -> Known:
    """Says whether the projection of a topic has applied all that the topic holds now.

    What could not be applied was parked and acknowledged, and may have been a hold: while anything lies in the parking lot, it has not.
    """

    async def applied_to_its_end() -> bool:
        try:
            async with asyncio.timeout(within_s):
                return await _read_to_its_end(database, brokers, topic) and await _none_parked(brokers, topic)
        except Exception as error:
            log.warning("nothing is deleted: whether a hold was placed is not to be seen", topic=topic, error=type(error).__name__)
            return False

    return applied_to_its_end


async def _read_to_its_end(database: Database, brokers: Brokers, topic: str) -> bool:
    from chassis.survey import survey  # its client would cost every process a part of a second of its start

    extents = await survey(brokers, None, [topic])
    async with database.transaction() as transaction:
        rows = await (await transaction.driver()).fetch("SELECT partition, applied FROM projection_positions WHERE topic = $1", topic)
    applied = {row["partition"]: row["applied"] for row in rows}
    return all(applied.get(partition, -1) >= extent.end for (_, partition), extent in extents.items())


async def _none_parked(brokers: Brokers, topic: str) -> bool:
    """Looked at after the positions: what one of them passes was parked before it was acknowledged."""
    from chassis.survey import survey

    lot = parked(topic)
    lie = sum(extent.end - extent.start for extent in (await survey(brokers, None, [lot])).values())
    if lie:
        log.warning("nothing is deleted: what is parked may be a hold; empty the lot once its owner published the states again", topic=lot)
    return not lie


@dataclass(slots=True)
class KnownLately:
    """Whether all holds are known, as of a minute ago at most: whoever deletes piece by piece asks before each.

    `now` is real time in seconds, from any instant on.
    """

    known: Known
    now: Callable[[], float] = time.monotonic
    _until: float | None = field(default=None, init=False)

    async def __call__(self) -> bool:
        """Asks, unless the last answer was that they are, less than a minute ago."""
        if self._until is None or self.now() >= self._until:
            self._until = None
            if not await self.known():
                return False
            self._until = self.now() + SOON_S
        return True

    def ask_anew(self) -> None:
        """Lets the next one ask whatever the last answer was."""
        self._until = None


@dataclass(slots=True)
class _Told:
    """Until when deleting rests, as operators were told last: a log line for each change is enough."""

    until: date | None = None


_told = _Told()


async def rests_until(transaction: Transaction, now: datetime) -> date | None:
    """The last day of the legal holds that let deleting rest, None where none does; told as a metric, and in the log when it changes."""
    until = await held_until(transaction, now)
    RESTS.set(datetime(until.year, until.month, until.day, tzinfo=UTC).timestamp() if until else 0)
    if until != _told.until:
        said = (
            "nothing is deleted: a legal hold is in force" if until else "what is old is deleted again: no legal hold is in force any more"
        )
        log.info(said, until=str(until or _told.until))
        _told.until = until
    return until


class Retention:
    """The job `retention` of a service: raises the level of each term, and then deletes what lies before it.

    A second run finds nothing to do. `now` is real time in seconds, from any instant on. `known` is asked once a round, and again where
    a round lasts: holds are followed meanwhile, and looked at before each piece.
    """

    def __init__(
        self,
        database: Database,
        classes: Sequence[DataClass],
        law: Lawbook,
        clock: Clock,
        known: Known,
        *,
        settled_after_s: float = SETTLED_AFTER_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._classes, self._law, self._clock = database, aging(classes), law, clock
        self._settled_after_s, self._now, self._known = settled_after_s, now, KnownLately(known, now)
        self._next = 0.0
        self._put_off = set[str]()

    async def __call__(self) -> int:
        """Does one piece; returns how many rows that were, or how many levels, 0 when nothing is due or it rests."""
        if self._now() < self._next:
            return 0
        if await self._rests() or not await self._known():
            return self._later(SOON_S)
        terms = {how.term for _, how in self._classes}
        wanted = {term: first_kept(term, self._law, self._clock()) for term in sorted(terms)}
        async with self._database.transaction() as transaction:
            raised = await raise_levels(transaction, wanted)
        if raised:
            return 1
        async with self._database.transaction() as transaction:
            levels = await settled_levels(transaction, self._settled_after_s)
        for each, how in self._classes:
            if how.term in levels and each.table not in self._put_off and (gone := await self._piece_or_later(each, how, levels[how.term])):
                return gone
        return self._later(AGAIN_S if wanted.keys() <= levels.keys() and not self._put_off else SOON_S)

    def _later(self, pause_s: float) -> int:
        self._next = self._now() + pause_s
        self._known.ask_anew()
        self._put_off.clear()
        return 0

    async def _rests(self) -> bool:
        async with self._database.transaction() as transaction:
            return await rests_until(transaction, self._clock()) is not None

    async def _piece_or_later(self, each: DataClass, how: Aging, before: date) -> int:
        """Deletes some rows of a class, or leaves it to the next round where others hold what everybody else would wait for."""
        try:
            return await self._piece(each, how, before)
        except Unavailable as away:
            if state_of(away) != _HELD_BY_OTHERS:
                raise
            self._put_off.add(each.table)
            return 0

    async def _piece(self, each: DataClass, how: Aging, before: date) -> int:
        """Deletes some rows of a class; a hold that came meanwhile lets them be."""
        whole: str | None = None
        async with self._database.transaction() as transaction:
            driver = await transaction.driver()
            if await rests_until(transaction, self._clock()) is not None:
                return 0
            if each.told is None:
                gone, whole = await driver.fetchrow(how.statement or _deleting(each, how), before, AT_ONCE)
            else:
                keys = [row["key"] for row in await driver.fetch(_keys(each, how), before, AT_ONCE)]
                await transaction.lock(each.told.namespace, keys)
                rows = await driver.fetch(_taking(each, how), before, keys)
                for row in rows:
                    transaction.publish(each.told.topic, row["key"], None)
                gone = len(rows)
            if whole or gone:
                what = f"whole/{whole}" if whole else f"rows/{gone}"
                transaction.record("retention.delete", f"dataClasses/{each.table}/before/{before}/{what}")
        DELETED.labels(each.table).inc(gone)
        return 1 if whole else gone


def _deleting(each: DataClass, how: Aging) -> str:
    some = f"SELECT ctid FROM {each.table} WHERE {how.past} LIMIT $2"
    gone = f"DELETE FROM {each.table} WHERE ctid = ANY (ARRAY ({some})) RETURNING 1"
    return f"WITH gone AS ({gone}) SELECT count(*)::integer, NULL::text FROM gone"


def _keys(each: DataClass, how: Aging) -> str:
    assert each.told is not None
    return f"SELECT {each.told.key} AS key FROM {each.table} WHERE {how.past} ORDER BY 1 LIMIT $2"


def _taking(each: DataClass, how: Aging) -> str:
    assert each.told is not None
    return f"DELETE FROM {each.table} WHERE {how.past} AND {each.told.key} = ANY ($2::text[]) RETURNING {each.told.key} AS key"
