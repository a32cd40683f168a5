"""One transaction of timetracking: its repositories, and the locks in the one order that everyone takes them."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from chassis.access import Caller
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.personal_data.erasure import ERASED_AT_ONCE, erase_people
from kernel.names import servant_name
from lawbook import Lawbook

from timetracking.accounts.repository import StoredAccounts, StoredRecorded
from timetracking.badges.repository import StoredBadges
from timetracking.device_findings.repository import StoredLooks
from timetracking.devices.repository import StoredDevices
from timetracking.due.repository import StoredDueDays, StoredDueReads
from timetracking.findings.repository import StoredFindings
from timetracking.parking.repository import StoredParking
from timetracking.passages.repository import StoredPassages, StoredReads
from timetracking.people.repository import StoredBodies, StoredServants
from timetracking.personal_data import DATA_CLASSES
from timetracking.plans.repository import StoredPlans
from timetracking.reconciliation.repository import StoredReconciliation
from timetracking.sessions.repository import StoredSessions
from timetracking.workdays.repository import StoredDays


class UnitOfWork:
    """What use cases see of a transaction."""

    def __init__(self, transaction: Transaction, lawbook: Lawbook, clock: Clock, default_zone: str) -> None:
        self._transaction = transaction
        self.record = transaction.record
        reads = StoredReads(transaction, default_zone)
        self.days = StoredDays(transaction, reads, default_zone)
        self.findings = StoredFindings(transaction)
        self.passages = StoredPassages(transaction, reads)
        self.plans = StoredPlans(transaction, lawbook, clock)
        self.bodies = StoredBodies(transaction)
        self.servants = StoredServants(transaction)
        self.devices = StoredDevices(transaction)
        self.badges = StoredBadges(transaction, reads)
        self.sessions = StoredSessions(transaction)
        self.due = StoredDueDays(transaction)
        self.due_reads = StoredDueReads(transaction)
        self.looks = StoredLooks(transaction, default_zone)
        self.parking = StoredParking(transaction)
        self.accounts = StoredAccounts(transaction)
        self.recorded = StoredRecorded(transaction)
        self.reconciliation = StoredReconciliation(transaction)

    async def hold_settings(self) -> None:
        """Shares what instants follow from with others who derive them; before badges and servants."""
        await self._transaction.lock("settings", ("",), shared=True)

    async def lock_settings(self) -> None:
        """Waits until nobody derives instants and holds everyone who wants to: device settings or a body's zone change."""
        await self._transaction.lock("settings", ("",))

    async def hold_plans(self) -> None:
        """Shares with others who take over plans; after the settings, before badges and servants."""
        await self._transaction.lock("plans", ("",), shared=True)

    async def lock_plans(self) -> None:
        """Waits until nobody takes over plans and holds everyone who wants to: a device's doubt is asked of all days planned there."""
        await self._transaction.lock("plans", ("",))

    async def lock_badges(self, badges: Collection[tuple[str, str]]) -> None:
        """Waits for the badges: before the servants, since an unknown badge has none."""
        await self._transaction.lock("badge", (f"{system}:{number}" for system, number in badges))

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""
        await self._transaction.lock("servant", servants)

    async def lock_devices(self, devices: Collection[str]) -> None:
        """Waits for the devices' findings and holds them; after the servants."""
        await self._transaction.lock("device", devices)

    def beyond_reach(self) -> AbstractAsyncContextManager[None]:
        """Lets the block see what the caller does not reach, as what is computed for them needs; nothing read in it is shown."""
        return self._transaction.beyond_reach()

    async def erase(self, servant: str) -> bool:
        """Erases a piece of what is kept of the servant; nothing is recorded where nothing was left.

        Returns whether there may be more. The servant's lock is held.
        """
        erased = await erase_people(self._transaction, DATA_CLASSES, [servant], ERASED_AT_ONCE)
        if erased:
            self._transaction.record("servant.erase", servant_name(servant))
        return erased > 0


Begin = Callable[..., AbstractAsyncContextManager[UnitOfWork]]
# How units of work of a database are opened.
MakeWork = Callable[[Database], Begin]


def begin(database: Database, lawbook: Lawbook, clock: Clock, default_zone: str) -> Begin:
    """Returns what opens a unit of work; it commits when its block ends well and rolls back when it raises."""

    @asynccontextmanager
    async def work(caller: Caller | None = None) -> AsyncIterator[UnitOfWork]:
        async with database.transaction(caller) as transaction:
            yield UnitOfWork(transaction, lawbook, clock, default_zone)

    return work
