"""What is done with state bodies and their units, and the ports that it needs."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from chassis.access import Caller, forbidden, needed
from chassis.recording import Recording
from kernel.faults import Conflict, NotFound, Stale, WrongState
from kernel.names import body_name, servant_name, unit_name

from registry.bodies.domain import BodyState, StateBody, Unit
from registry.values import etag


class Bodies(Protocol):
    """The recorded state bodies."""

    async def get(self, body: str, visible_to: Caller) -> StateBody:
        """Returns the body; NotFound if there is none within the caller's reach."""

    async def page(self, visible_to: Caller, after: str, limit: int) -> Sequence[StateBody]:
        """Returns at most `limit` bodies within the caller's reach whose ID is above `after`, by ID."""

    async def exists(self, body: str) -> bool:
        """Says whether the body is recorded, whoever may see it."""

    async def add(self, body: StateBody) -> None:
        """Records a body; its ID is free and its key's lock held."""


class Units(Protocol):
    """The recorded units of the bodies."""

    async def get(self, body: str, unit: str, visible_to: Caller) -> Unit:
        """Returns the unit; NotFound if there is none within the caller's reach."""

    async def page(self, body: str, after: str, limit: int) -> Sequence[Unit]:
        """Returns at most `limit` units of the body whose ID is above `after`, by ID."""

    async def exists(self, body: str, unit: str) -> bool:
        """Says whether the unit is recorded."""

    async def add(self, unit: Unit) -> None:
        """Records a unit; its ID is free."""

    async def save(self, unit: Unit) -> None:
        """Replaces a recorded unit with its heads."""


class Service(Protocol):
    """Who serves where."""

    async def days_in_body(self, servant: str, body: str, on: date) -> bool | None:
        """Says whether the servant is appointed in the body on that day; None if there is no appointment there at all."""


class Work(Recording, Protocol):
    """One transaction over bodies and units."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def units(self) -> Units: ...
    @property
    def service(self) -> Service: ...

    async def lock(self, bodies: Iterable[str] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write."""

    async def body_changed(self, body: str) -> BodyState:
        """Raises the body's revision and publishes its whole state; its lock is held."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class CreateStateBody:
    """An operator records a state body of their region."""

    work: Begin

    async def __call__(self, caller: Caller, body: StateBody) -> StateBody:
        """Returns the recorded body; refuses FORBIDDEN, ALREADY_EXISTS, NOT_FOUND (the body above or the serving one)."""
        if not (caller.reach.nation or body.region in caller.reach.regions):
            raise forbidden(
                "tartip.registry.v1.StateBodyService/CreateStateBody",
                needed(["/nation", f"/regions/{body.region}"], ["operator"]),
                caller.grants,
            )
        async with self.work(caller) as work:
            await work.lock(bodies=[body.id])
            if await work.bodies.exists(body.id):
                raise Conflict(body_name(body.id))
            for other in (body.parent, body.hr_service_body):
                if other is not None and not await work.bodies.exists(other):
                    raise NotFound(body_name(other))
            await work.bodies.add(body)
            state = await work.body_changed(body.id)
            work.record("state-body.create", body_name(body.id), rule="o15-p1", after=state.body)
            return state.body


@dataclass(frozen=True, slots=True)
class GetStateBody:
    """Shows a body."""

    work: Begin

    async def __call__(self, caller: Caller, body: str) -> StateBody:
        """Returns the body; refuses NOT_FOUND."""
        async with self.work(caller) as work:
            return await work.bodies.get(body, visible_to=caller)


@dataclass(frozen=True, slots=True)
class ListStateBodies:
    """Shows the bodies that the caller may see."""

    work: Begin

    async def __call__(self, caller: Caller, after: str, limit: int) -> Sequence[StateBody]:
        """Returns at most `limit` bodies above `after`, by ID."""
        async with self.work(caller) as work:
            return await work.bodies.page(caller, after, limit)


@dataclass(frozen=True, slots=True)
class CreateUnit:
    """An HR officer records a structural unit of the body."""

    work: Begin

    async def __call__(self, caller: Caller, unit: Unit) -> Unit:
        """Returns the recorded unit; refuses NOT_FOUND (body, unit above), ALREADY_EXISTS."""
        async with self.work(caller) as work:
            await work.bodies.get(unit.body, visible_to=caller)
            await work.lock(bodies=[unit.body])
            if await work.units.exists(unit.body, unit.id):
                raise Conflict(unit_name(unit.body, unit.id))
            if unit.parent_unit is not None and not await work.units.exists(unit.body, unit.parent_unit):
                raise NotFound(unit_name(unit.body, unit.parent_unit))
            await work.units.add(unit)
            await work.body_changed(unit.body)
            work.record("unit.create", unit_name(unit.body, unit.id), rule="o15-p3-2", after=unit)
            return await work.units.get(unit.body, unit.id, visible_to=caller)


@dataclass(frozen=True, slots=True)
class GetUnit:
    """Shows a unit."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, unit: str) -> Unit:
        """Returns the unit; refuses NOT_FOUND."""
        async with self.work(caller) as work:
            return await work.units.get(body, unit, visible_to=caller)


@dataclass(frozen=True, slots=True)
class ListUnits:
    """Shows the units of a body."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, after: str, limit: int) -> Sequence[Unit]:
        """Returns at most `limit` units above `after`, by ID; refuses NOT_FOUND (body)."""
        async with self.work(caller) as work:
            await work.bodies.get(body, visible_to=caller)
            return await work.units.page(body, after, limit)


@dataclass(frozen=True, slots=True)
class AppointUnitHead:
    """An HR officer names who heads a unit from a day on, and so who controls its people's time (Order 120, point 10)."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, unit: str, head: str, since: date, seen: str = "") -> Unit:
        """Returns the unit; refuses NOT_FOUND, NOT_APPOINTED, STALE_ETAG where the unit is not in the state `seen`."""
        async with self.work(caller) as work:
            await work.units.get(body, unit, visible_to=caller)
            await work.lock(bodies=[body])
            known = await work.units.get(body, unit, visible_to=caller)
            if seen and seen != etag(known.revision):
                raise Stale(unit_name(body, unit))
            serves = await work.service.days_in_body(head, body, since)
            if serves is None:
                raise NotFound(servant_name(head))
            if not serves:
                raise WrongState("NOT_APPOINTED", servant=servant_name(head), on=since)
            headed = known.headed_by(head, since)
            if headed == known:
                return known
            await work.units.save(headed)
            await work.body_changed(body)
            work.record("unit.appoint-head", unit_name(body, unit), rule="o120-p10", before=known, after=headed)
            return headed
