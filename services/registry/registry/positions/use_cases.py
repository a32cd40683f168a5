"""What is done with positions, and the ports that it needs."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from chassis.access import Caller
from chassis.recording import Recording
from kernel.faults import Conflict, NotFound
from kernel.names import unit_name

from registry.bodies.domain import StateBody
from registry.names import position_name
from registry.positions.domain import Position


class Bodies(Protocol):
    """The recorded state bodies."""

    async def get(self, body: str, visible_to: Caller) -> StateBody:
        """Returns the body; NotFound if there is none within the caller's reach."""


class Units(Protocol):
    """The recorded units of the bodies."""

    async def exists(self, body: str, unit: str) -> bool:
        """Says whether the unit is recorded."""


class Positions(Protocol):
    """The recorded positions."""

    async def get(self, body: str, position: str, visible_to: Caller) -> Position:
        """Returns the position; NotFound if there is none within the caller's reach."""

    async def page(self, body: str, after: str, limit: int) -> Sequence[Position]:
        """Returns at most `limit` positions of the body whose ID is above `after`, by ID."""

    async def exists(self, body: str, position: str) -> bool:
        """Says whether the position is recorded."""

    async def add(self, position: Position) -> None:
        """Records a position; its ID is free."""


class Work(Recording, Protocol):
    """One transaction over positions."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def units(self) -> Units: ...
    @property
    def positions(self) -> Positions: ...

    async def lock(self, bodies: Iterable[str] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class CreatePosition:
    """An HR officer records a position of the body's staffing table."""

    work: Begin

    async def __call__(self, caller: Caller, position: Position) -> Position:
        """Returns the recorded position; refuses NOT_FOUND (body, unit, supervising position), ALREADY_EXISTS."""
        body = position.body
        async with self.work(caller) as work:
            await work.bodies.get(body, visible_to=caller)
            await work.lock(bodies=[body])
            if await work.positions.exists(body, position.id):
                raise Conflict(position_name(body, position.id))
            if not await work.units.exists(body, position.unit):
                raise NotFound(unit_name(body, position.unit))
            above = position.supervising_position
            if above is not None and not await work.positions.exists(body, above):
                raise NotFound(position_name(body, above))
            await work.positions.add(position)
            work.record("position.create", position_name(body, position.id), rule="o15-p3-2", after=position)
            return await work.positions.get(body, position.id, visible_to=caller)


@dataclass(frozen=True, slots=True)
class GetPosition:
    """Shows a position."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, position: str) -> Position:
        """Returns the position; refuses NOT_FOUND."""
        async with self.work(caller) as work:
            return await work.positions.get(body, position, visible_to=caller)


@dataclass(frozen=True, slots=True)
class ListPositions:
    """Shows the positions of a body."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, after: str, limit: int) -> Sequence[Position]:
        """Returns at most `limit` positions above `after`, by ID; refuses NOT_FOUND (body)."""
        async with self.work(caller) as work:
            await work.bodies.get(body, visible_to=caller)
            return await work.positions.page(body, after, limit)
