"""What is done with legal holds, and the ports that it needs."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from chassis.access import Caller
from chassis.recording import Recording
from kernel.text import line

from registry.bodies.domain import BodyState, StateBody
from registry.holds.domain import Hold, refuse_one_too_many
from registry.names import hold_name


class Bodies(Protocol):
    """The recorded state bodies."""

    async def get(self, body: str, visible_to: Caller) -> StateBody:
        """Returns the body; NotFound if there is none within the caller's reach."""


class Holds(Protocol):
    """The recorded holds."""

    async def get(self, body: str, hold: str) -> Hold:
        """Returns the hold; NotFound if the body has none such."""

    async def page(self, body: str, after: str, limit: int) -> Sequence[Hold]:
        """Returns at most `limit` holds over the body's data whose ID is above `after`, by ID."""

    async def standing(self, body: str) -> int:
        """Returns how many holds over the body's data are neither released nor over."""

    async def while_nothing_is_deleted(self) -> None:
        """Waits for those who delete, and lets none begin before this transaction ends; before any other lock."""

    async def add(self, hold: Hold) -> None:
        """Records a hold."""

    async def save(self, hold: Hold) -> None:
        """Records whether a hold was released."""


class Work(Recording, Protocol):
    """One transaction over holds."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def holds(self) -> Holds: ...

    async def lock(self, bodies: Iterable[str] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write."""

    async def body_changed(self, body: str) -> BodyState:
        """Raises the body's revision and publishes its whole state; its lock is held."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """An inspector lets the data of a body, and with it of the whole deployment, be kept as long as the inspection lasts."""

    work: Begin

    async def __call__(self, caller: Caller, hold: Hold) -> Hold:
        """Returns the hold; refuses NOT_FOUND (body), TOO_MANY_HOLDS. Once it is answered, nothing that it keeps is deleted here."""
        hold = replace(hold, of_nation=caller.reach.nation)
        async with self.work(caller) as work:
            inspected = await work.bodies.get(hold.body, visible_to=caller)
            await work.holds.while_nothing_is_deleted()
            await work.lock(bodies=[hold.body])
            refuse_one_too_many(await work.holds.standing(hold.body))
            await work.holds.add(hold)
            await work.body_changed(hold.body)
            name = hold_name(hold.body, hold.id)
            # Not for the body's own auditors, as the hold itself: who is inspected, and why.
            work.record("hold.place", name, rule="csl-58-6", after=hold, region=inspected.region)
            return hold


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """An inspector releases a hold before its last day, on the ground of an act."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, hold: str, ground: str, seen: str = "") -> Hold:
        """Returns the hold; refuses NOT_FOUND, HOLD_OF_NATION (for a region), STALE_ETAG where it is not in the state `seen`."""
        ground = line(ground, "ground", 200)
        async with self.work(caller) as work:
            inspected = await work.bodies.get(body, visible_to=caller)
            await work.lock(bodies=[body])
            before = await work.holds.get(body, hold)
            after = before.let_go(caller.reach.nation, seen)
            if after != before:
                await work.holds.save(after)
                await work.body_changed(body)
                work.record("hold.release", hold_name(body, hold), rule=ground, before=before, after=after, region=inspected.region)
            return after


@dataclass(frozen=True, slots=True)
class ListHolds:
    """Shows the holds over a body's data."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, after: str, limit: int) -> Sequence[Hold]:
        """Returns at most `limit` holds above `after`, by ID; refuses NOT_FOUND (body)."""
        async with self.work(caller) as work:
            await work.bodies.get(body, visible_to=caller)
            return await work.holds.page(body, after, limit)
