"""One transaction of the registry: its repositories, what it publishes and what it writes into the audit."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from chassis.access import Caller
from chassis.clock import Clock
from chassis.database import Database, Transaction

from registry.bodies import events as body_events
from registry.bodies.domain import BodyState
from registry.bodies.repository import StoredBodies, StoredService, StoredUnits
from registry.erasure.repository import StoredErasure
from registry.holds.repository import StoredHolds
from registry.positions.repository import StoredPositions
from registry.protected.keys import SensitiveKeys
from registry.protected.repository import StoredProtectedFacts
from registry.servants import events as servant_events
from registry.servants.domain import Servant
from registry.servants.iin import Iin
from registry.servants.repository import StoredServants

NO_KEYS = SensitiveKeys()


class UnitOfWork:
    """What use cases see of a transaction; everything in it happened `at` one instant."""

    def __init__(self, transaction: Transaction, at: datetime, keys: SensitiveKeys = NO_KEYS) -> None:
        session = transaction.session
        self._transaction = transaction
        self.record = transaction.record
        self.at = at
        self.bodies = StoredBodies(transaction, at)
        self.units = StoredUnits(session)
        self.service = StoredService(session)
        self.holds = StoredHolds(transaction, at)
        self.positions = StoredPositions(session)
        self.servants = StoredServants(transaction, at)
        self.erasure = StoredErasure(transaction)
        self.protected_facts = StoredProtectedFacts(transaction, at, keys)

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = (), iins: Iterable[Iin] = ()) -> None:
        """Takes the keys' locks, kind after kind in one order for everyone, before the first write."""
        await self._transaction.lock("body", bodies)
        await self._transaction.lock("servant", servants)
        await self._transaction.lock("iin", (iin.digits for iin in iins))

    async def body_changed(self, body: str) -> BodyState:
        """Raises the body's revision and publishes its whole state; its lock is held."""
        state = await self.bodies.raised(body)
        self._transaction.publish(body_events.TOPIC, body, body_events.message(state, self.at))
        return state

    def servant_changed(self, servant: Servant) -> None:
        """Publishes the servant's whole state; its lock is held and its revision raised."""
        self._transaction.publish(servant_events.TOPIC, servant.id, servant_events.message(servant, self.at))

    def servant_erased(self, servant: str) -> None:
        """Publishes that the servant was erased: whoever follows erases what it keeps of them."""
        self._transaction.publish(servant_events.TOPIC, servant, None)


def begin(
    database: Database, clock: Clock, keys: SensitiveKeys = NO_KEYS
) -> Callable[[Caller | None], AbstractAsyncContextManager[UnitOfWork]]:
    """Returns what opens a unit of work; it commits when its block ends well and rolls back when it raises."""

    @asynccontextmanager
    async def work(caller: Caller | None) -> AsyncIterator[UnitOfWork]:
        async with database.transaction(caller) as transaction:
            yield UnitOfWork(transaction, clock(), keys)

    return work
