"""Transactions of a service's database: the only way its state changes, and the only committer.

A change, its audit record and its outbox rows are written in one transaction of at most five seconds, or the relay
stalls behind it.
"""

import hashlib
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any, Literal
from weakref import WeakKeyDictionary

import asyncpg
from google.protobuf.message import Message
from kernel.faults import Fault, Unavailable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from chassis.access import Caller
from chassis.audit import AuditRecord, audit_key, audit_record, content, write_audit
from chassis.entering import Away, entering, is_away, is_role, word_of
from chassis.eras import newest_era, of_era
from chassis.metrics import gauge, histogram
from chassis.outbox import OutboxRow, outbox_row, write_outbox
from chassis.told_reach import BEYOND, telling
from chassis.urls import asyncpg_url, place_of, way_of

LONGEST_TRANSACTION_S = 5.0
# The database ends a statement that lasts too long; if it does not even say so within this, nobody is there.
ANSWERED_WITHIN_S = 1.0
# What begins a transaction is answered at once, or the connection leads nowhere any more.
BEGUN_WITHIN_S = 3.0
# The database misses a client whose machine went dark, and gives free what it held: the relay's lock has no other end.
_KEPT_ALIVE = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
# Advisory locks live in shared memory, which holds about 64 for each of 100 connections.
MOST_LOCKS = 1_000

IN_USE = gauge("tartip_database_connections_in_use", "connections", "Connections to the database that somebody works on")
MOST = gauge("tartip_database_connections_most", "connections", "Connections that the process may have at once; who comes then waits")
WAITED = histogram("tartip_database_wait_seconds", "seconds", "How long somebody waited for a connection, or for a new one to be made")

_ASK = "SELECT 1"
# A transaction has a number as soon as it has written.
_LOCK = """
SELECT pg_current_xact_id_if_assigned() IS NOT NULL AND count(pg_advisory_xact_lock(key)) >= 0 FROM unnest($1::bigint[]) AS key
"""
_TRY = "SELECT key FROM unnest($1::bigint[]) AS key WHERE pg_try_advisory_xact_lock(key)"
_SHARE = _LOCK.replace("pg_advisory_xact_lock(", "pg_advisory_xact_lock_shared(")


class LockAfterWrite(Exception):
    """A transaction asked for a key's lock after its first write: its events could overtake newer ones."""


class OutOfTime(TimeoutError):
    """The transaction lasted longer than any may, and the database ended it: less work at once may end in time."""


class Transaction:
    """One transaction: what it writes is seen by others whole, or not at all."""

    def __init__(self, database: "Database", connection: AsyncConnection, caller: Caller | None) -> None:
        self.database = database
        self.connection = connection
        self.caller = caller
        self.doomed: BaseException | None = None
        self._session: AsyncSession | None = None
        self._driver = _driver(connection)
        self._outbox: list[tuple[OutboxRow, Message | None]] = []
        self._audit: list[AuditRecord] = []
        self._locks = 0

    @property
    def session(self) -> AsyncSession:
        """SQLAlchemy's session on this transaction's connection; it is flushed, never committed, by its users."""
        if self._session is None:
            self._session = AsyncSession(bind=self.connection, expire_on_commit=False, autoflush=True)
        return self._session

    async def driver(self) -> asyncpg.Connection:
        """asyncpg's connection inside this transaction, for bulk statements over `unnest` and COPY."""
        return self._driver

    async def lock(self, namespace: str, keys: Iterable[str], *, shared: bool = False) -> None:
        """Waits for the keys of one kind and holds them to the end of the transaction, `shared` with others who share them.

        Must precede the first write: the order of events is the order of transaction numbers, and a number is drawn by
        the first write. Raises `LockAfterWrite` otherwise. Kinds are locked in the same order by everyone; at most
        1,000 keys a transaction.
        """
        numbers = sorted({_lock_number(namespace, key) for key in keys})
        self._locks += len(numbers)  # a shared key takes as much of the memory for locks, for each who shares it
        if self._locks > MOST_LOCKS:
            raise ValueError(f"a transaction holds at most {MOST_LOCKS} locks")
        if not numbers:
            return
        statement = _SHARE if shared else _LOCK
        if self._outbox or self._audit or (await self.connection.exec_driver_sql(statement, (numbers,))).scalar_one():
            raise LockAfterWrite(f"lock of {namespace} after the first write")

    async def try_lock(self, namespace: str, keys: Sequence[str]) -> Sequence[str]:
        """Holds those of the keys that nobody else does to the end of the transaction; which. It waits for nobody."""
        self._locks += len(keys)
        numbers = [_lock_number(namespace, key) for key in keys]
        had = (await self.connection.exec_driver_sql(_TRY, (numbers,))).scalars().all()
        return [key for key, number in zip(keys, numbers, strict=True) if number in had]

    @asynccontextmanager
    async def beyond_reach(self) -> AsyncIterator[None]:
        """Lets the block see and write what the caller does not reach: facts of others that a check or a computation needs.

        Nothing read in it is shown. Its users are few, and a test knows them by name. The worker's role is beyond it anyway.
        """
        if not self.database.held:
            yield
            return
        await self._driver.execute(BEYOND)
        try:
            yield
        except Exception:
            with suppress(Exception):  # where this cannot be said any more, nothing else can in this transaction
                await self._driver.execute(telling(self.caller))
            raise
        except BaseException as given_up:
            self.doomed = given_up  # whoever catches it as a timeout goes on with no transaction that sees too much
            raise
        await self._driver.execute(telling(self.caller))

    def publish(self, topic: str, key: str, message: Message | None, event_id: str | None = None) -> None:
        """Lets the message go out when, and only when, this transaction commits; in the order of the calls."""
        self._outbox.append((outbox_row(topic, key, message, event_id), message))

    def publish_again(self, row: OutboxRow) -> None:
        """Lets a message that was published before go out once more, as it was, when this transaction commits."""
        self._outbox.append((row, None))

    def record(
        self,
        action: str,
        resource: str,
        rule: str | None = None,
        before: object | None = None,
        after: object | None = None,
        body: str | None = None,
        region: str | None = None,
    ) -> None:
        """Writes down who did what to `resource`, on the ground of `rule`; caller, method and request id are those of the present call.

        Of the states before and after, dataclasses, only keyed digests are kept. `body` is the state body whose auditors see
        the record, where neither the resource's name nor the grants say it; `region` the one whose auditors alone do, of no body's.
        """
        self._audit.append(audit_record(self.caller, action, resource, rule, content(before), content(after), body, region))

    def record_refusals(self, records: Iterable[AuditRecord]) -> None:
        """Writes down calls that were refused before this transaction."""
        self._audit.extend(records)

    async def flush(self) -> None:
        """Writes what has been gathered: rows of the session, audit records, outbox rows."""
        if self._session is not None:
            await self._session.flush()
        if self._audit:
            driver = await self.driver()
            records, self._audit = self._audit, []
            await write_audit(driver, await self.database.audit_key(driver), records)
        if self._outbox:
            driver = await self.driver()
            rows, self._outbox = self._outbox, []
            era = await self.database.era(driver)
            await write_outbox(driver, [of_era(row, message, era) for row, message in rows])

    async def commit(self) -> None:
        """Writes what has been gathered and makes it seen by others."""
        await self.flush()
        await self._close()
        if await self._driver.execute("COMMIT") != "COMMIT":
            raise RuntimeError("a statement of this transaction failed and was passed over")

    async def roll_back(self, *, unanswered: bool) -> None:
        """Takes everything back; where that cannot be said to the database, the connection ends, and the transaction with it."""
        try:
            await self._close()
            if unanswered:
                await _thrown_away(self.connection)
            elif not self.connection.invalidated:
                await self._driver.execute("ROLLBACK")
        except BaseException:
            await _thrown_away(self.connection)

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.close()


_outer: ContextVar[Transaction | None] = ContextVar("tartip_transaction", default=None)


class Database:
    """A service's database, entered as the role its URL names.

    A transaction costs two round trips beside its own statements: the first begins it and tells the database the caller's
    reach (`tartip.reach`, JSON, to its end), the last commits. So SQLAlchemy's connections commit nothing by themselves.

    The application's role is held by row-level security to what the caller reaches (`chassis.migrations.reach`), so that
    without a caller it sees nothing; the worker's sees everything. Where `role` says which of the two is expected, the
    first connection raises `WrongRole` if it is the other.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        longest_s: float = LONGEST_TRANSACTION_S,
        name: str = "tartip",
        schemas: Sequence[str] = ("public",),
        role: Literal["app", "worker"] | None = None,
    ) -> None:
        self._expected = role
        self._held = role != "worker"
        self._longest_s = longest_s
        milliseconds = str(int(longest_s * 1000))
        self.engine = create_async_engine(
            asyncpg_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=LONGEST_TRANSACTION_S,
            isolation_level="AUTOCOMMIT",
            connect_args={
                **way_of(url),
                "timeout": LONGEST_TRANSACTION_S,
                "command_timeout": longest_s + ANSWERED_WITHIN_S,
                "server_settings": {
                    **_KEPT_ALIVE,
                    "application_name": name,
                    "search_path": ", ".join(schemas),
                    "statement_timeout": milliseconds,
                    "transaction_timeout": milliseconds,
                    "idle_in_transaction_session_timeout": milliseconds,
                    "jit": "off",  # short statements only: compiling them costs more than it saves
                    # Disks have no arms any more: with the old price some hundred rows of a large table are sought by reading it whole.
                    "random_page_cost": "1.1",
                    "standard_conforming_strings": "on",  # in a literal nothing but the quote means anything
                },
            },
        )
        self._place = place_of(url)
        self._most_connections = pool_size
        MOST.set(pool_size)
        self._audit_key: bytes | None = None
        self._eras = WeakKeyDictionary[Any, int]()

    @property
    def held(self) -> bool:
        """Whether row-level security may hold its transactions to what their callers reach: in every role but the worker's."""
        return self._held

    @asynccontextmanager
    async def transaction(
        self, caller: Caller | None = None, *, apart: bool = False, beyond_reach: bool = False
    ) -> AsyncIterator[Transaction]:
        """Opens a transaction that commits when the block ends well and rolls back when it raises.

        Inside `shared` it joins the transaction that is open there, which commits later; `apart` opens one of its own
        even then. `beyond_reach` is for what the application does for nobody in particular: it sees everything. Raises
        `Unavailable` where the same may succeed later.
        """
        outer = _outer.get()
        if outer is not None and outer.database is self and not apart:
            if beyond_reach:
                raise ValueError("a transaction that is shared has a caller: go beyond their reach inside it, by name")
            try:
                yield outer
            except BaseException as error:
                outer.doomed = error
                raise
            return
        async with self._own(caller, beyond_reach) as transaction:
            yield transaction

    @asynccontextmanager
    async def shared(self, caller: Caller | None = None) -> AsyncIterator[Transaction]:
        """Opens a transaction that every `transaction()` inside joins, whole or not at all."""
        async with self._own(caller) as transaction:
            token = _outer.set(transaction)
            try:
                yield transaction
            finally:
                _outer.reset(token)

    @asynccontextmanager
    async def _own(self, caller: Caller | None, beyond_reach: bool = False) -> AsyncIterator[Transaction]:
        connection = await self._connected(f"BEGIN; {BEYOND if beyond_reach else telling(caller)}")
        began = time.monotonic()
        IN_USE.inc()
        try:
            async with aclosing(connection):
                transaction = Transaction(self, connection, caller)
                try:
                    yield transaction
                    if transaction.doomed is not None:
                        raise RuntimeError("a part of this transaction failed and was passed over") from transaction.doomed
                    await transaction.commit()
                except BaseException as error:
                    await transaction.roll_back(unanswered=isinstance(error, TimeoutError))
                    raise
        except Fault:
            raise
        except Exception as error:
            if not is_away(error):
                raise
            # The server's word, that time ran out, is lost where the connection's end was seen first.
            late = time.monotonic() - began >= self._longest_s and not isinstance(error, TimeoutError)
            raise Away(self._place) from (OutOfTime() if late else word_of(error))
        finally:
            IN_USE.dec()

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Any]:
        """Lends asyncpg's connection outside of any transaction: every statement commits by itself.

        For what outlives one transaction, as the relay's lock does: the connection is closed at the end, and with it goes
        what it held. Raises `Unavailable` where the database is away.
        """
        connection = await self._connected(_ASK)
        IN_USE.inc()
        try:
            async with aclosing(connection):
                try:
                    yield _driver(connection)
                finally:
                    await connection.invalidate()
        except Fault:
            raise
        except Exception as error:
            if is_away(error):
                raise Away(self._place) from word_of(error)
            raise
        finally:
            IN_USE.dec()

    async def _connected(self, first: str) -> AsyncConnection:
        """A connection on which the statement `first` was done; those that were cut while nobody used them are let go of."""
        for left in reversed(range(self._most_connections + 1)):
            with entering(self.engine.url), WAITED.time():
                connection = await self.engine.connect()
            try:
                if self._expected is not None and await is_role(_driver(connection), self._expected, BEGUN_WITHIN_S):
                    self._expected = None
                await _driver(connection).execute(first, timeout=BEGUN_WITHIN_S)
                return connection
            except BaseException as error:
                await _thrown_away(connection)
                if not (isinstance(error, Exception) and is_away(error)):
                    raise
                if not left or isinstance(error, TimeoutError):
                    raise Away(self._place) from word_of(error)
        raise AssertionError

    async def audit_key(self, driver: Any) -> bytes:
        """The database's key for digests in the audit; read once."""
        if self._audit_key is None:
            self._audit_key = await audit_key(driver)
        return self._audit_key

    async def era(self, driver: Any) -> int:
        """The era that the database is in, read once a connection: one that came back from a backup is another server, entered anew."""
        if (era := self._eras.get(driver)) is None:
            era = self._eras[driver] = await newest_era(driver)
        return era

    async def reachable(self) -> bool:
        """Whether the database answers, for readiness."""
        try:
            await (await self._connected(_ASK)).close()
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Closes all connections."""
        await self.engine.dispose()


def _driver(connection: AsyncConnection) -> Any:
    """asyncpg's connection beneath SQLAlchemy's."""
    beneath = connection.sync_connection
    assert beneath is not None
    return beneath.connection.driver_connection


async def _thrown_away(connection: AsyncConnection) -> None:
    """Ends a connection of which nobody knows in which state it is; the pool makes another."""
    if not connection.invalidated:
        _driver(connection).terminate()
        await connection.invalidate()
    await connection.close()


def _lock_number(namespace: str, key: str) -> int:
    digest = hashlib.blake2b(f"{namespace}\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
