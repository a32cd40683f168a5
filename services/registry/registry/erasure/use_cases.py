"""What is done to erase people, and the ports that it needs."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from chassis.access import Caller
from chassis.clock import Clock
from chassis.jobs import each_on_its_own
from chassis.personal_data.declarations import PERSONAL_FILE
from chassis.personal_data.levels import first_kept
from chassis.recording import Recording
from kernel.faults import NotFound
from kernel.names import servant_name
from kernel.text import line
from lawbook import Lawbook

from registry.bodies.domain import BodyState
from registry.erasure.domain import refuse_while_appointed, refuse_while_held
from registry.servants.domain import Servant
from registry.servants.iin import Iin

# Each is a transaction of its own.
AT_ONCE = 20
# Terms are counted in years: who is due today was so yesterday.
AGAIN_S = 3_600.0
# Somewhere it is still the day before.
WEST = timedelta(hours=12)
JOB = "erasure"
# The ground that is written down where the first one is lost with what the database has forgotten.
RESTORED = "erased before the database was restored"


class Servants(Protocol):
    """The recorded civil servants."""

    async def known(self, ids: Collection[str], iins: Collection[Iin]) -> Sequence[Servant]:
        """Returns the servants with one of these IDs or IINs, whoever may see them."""


class Holds(Protocol):
    """The recorded legal holds."""

    async def in_force_until(self) -> date | None:
        """Returns the last day of the holds in force over whichever body; None where none is."""

    async def while_none_is_placed(self) -> None:
        """Waits for those who place holds, and lets none begin before this transaction ends; before any other lock."""


class Erasure(Protocol):
    """The people whose rows are erased."""

    async def due(self, before: date, after: str, most: int) -> Sequence[str]:
        """Returns at most so many of those whose last appointment ended before the date and whose ID is above `after`, by ID."""

    async def named_by(self, servant: str) -> Sequence[str]:
        """Returns the bodies whose state names the servant."""

    async def erase(self, servant: str) -> int:
        """Erases all that is kept of the servant; how many rows."""


class Work(Recording, Protocol):
    """One transaction in which somebody is erased."""

    @property
    def at(self) -> datetime: ...
    @property
    def servants(self) -> Servants: ...
    @property
    def holds(self) -> Holds: ...
    @property
    def erasure(self) -> Erasure: ...

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write."""

    async def body_changed(self, body: str) -> BodyState:
        """Raises the body's revision and publishes its whole state; its lock is held."""

    def servant_erased(self, servant: str) -> None:
        """Publishes that the servant was erased: whoever follows erases what it keeps of them."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class EraseServant:
    """Erases a civil servant everywhere, on the ground of a decision or since the file's term has ended; the ID is never given again."""

    work: Begin

    async def __call__(self, caller: Caller | None, servant: str, ground: str, *, lost: bool = False) -> int:
        """Returns how many rows were erased here; refuses NOT_FOUND, STILL_APPOINTED, HOLD_IN_FORCE.

        Who was `lost` with a database that came back from a backup is known to others alone, and is erased there.
        """
        ground = line(ground, "ground", 200)
        async with self.work(caller) as work:
            await work.holds.while_none_is_placed()
            # Whoever appoints the servant meanwhile holds the servant's lock.
            await work.lock(bodies=await work.erasure.named_by(servant), servants=[servant])
            today = (work.at - WEST).date()
            refuse_while_held(await work.holds.in_force_until(), today)
            for known in await work.servants.known([servant], []):
                refuse_while_appointed(known, today)
                return await self._erase(work, known, ground)
            if lost:
                return await self._erase_lost(work, servant, ground)
        raise NotFound(servant_name(servant))

    async def again(self, caller: Caller | None, servant: str) -> int:
        """Erases once more who was erased before the database came back from a backup, appointed or held: that was decided long ago.

        Returns how many rows were erased here, 0 where nobody is there.
        """
        async with self.work(caller) as work:
            await work.lock(bodies=await work.erasure.named_by(servant), servants=[servant])
            for known in await work.servants.known([servant], []):
                return await self._erase(work, known, RESTORED)
        return 0

    async def _erase_lost(self, work: Work, servant: str, ground: str) -> int:
        """Erases a civil servant who was lost with a database that came back from a backup, where others know them."""
        rows = await work.erasure.erase(servant)  # which keeps the ID from being given again
        work.servant_erased(servant)
        work.record("servant.erase", servant_name(servant), rule=ground)
        return rows

    async def _erase(self, work: Work, servant: Servant, ground: str) -> int:
        """Erases a civil servant on a ground: of a decision, or since the file's term has ended."""
        bodies = await work.erasure.named_by(servant.id)
        rows = await work.erasure.erase(servant.id)
        for body in bodies:
            await work.body_changed(body)
        work.servant_erased(servant.id)
        work.record("servant.erase", servant_name(servant.id), rule=ground, before=servant, body=servant.newest_body)
        return rows


@dataclass(slots=True)
class EraseWhoLeftLongAgo:
    """Erases those whose last appointment ended longer ago than their file is kept, a few at a time; while a hold stands it rests."""

    work: Begin
    law: Lawbook
    clock: Clock
    now: Callable[[], float] = time.monotonic
    """Real time in seconds, from any instant on."""
    _next: float = field(default=0.0, init=False)
    _after: str = field(default="", init=False)

    async def __call__(self) -> int:
        """Tries some, by ID; returns how many, 0 when nobody is due. Who cannot be erased holds up nobody and is tried in the next round."""
        if self.now() < self._next:
            return 0
        async with self.work(None) as work:
            rests = await work.holds.in_force_until() is not None
            before = first_kept(PERSONAL_FILE, self.law, self.clock())
            due = () if rests else await work.erasure.due(before, self._after, AT_ONCE)
        if not due:
            self._next, self._after = self.now() + AGAIN_S, ""
            return 0
        await each_on_its_own(JOB, self._erase, due)
        self._after = due[-1]
        return len(due)

    async def _erase(self, servant: str) -> None:
        await EraseServant(self.work)(None, servant, PERSONAL_FILE)
