"""The registry in memory: it passes the contract tests of the real repositories (test_ports.py), so use cases may be tested on it."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date

from chassis.access import Caller
from kernel.faults import NotFound
from kernel.names import body_name, servant_name, unit_name
from registry.bodies.domain import BodyState, HrMember, StateBody, Unit, hr_members
from registry.names import position_name
from registry.positions.domain import Position
from registry.servants.domain import Servant
from registry.servants.iin import Iin


@dataclass(slots=True)
class Tables:
    """What is recorded."""

    bodies: dict[str, StateBody] = field(default_factory=dict)
    units: dict[tuple[str, str], Unit] = field(default_factory=dict)
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    servants: dict[str, Servant] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return Tables(dict(self.bodies), dict(self.units), dict(self.positions), dict(self.servants))

    def reaches(self, caller: Caller, body: str) -> bool:
        reach = caller.reach
        known = self.bodies.get(body)
        return known is not None and (reach.nation or body in reach.bodies or known.region in reach.regions)

    def shows(self, caller: Caller, servant: Servant) -> bool:
        controlled = any(caller.reach.control.holds(one.post.body, one.post.unit, servant.id) for one in servant.appointments)
        return controlled or servant.id == caller.reach.servant or any(self.reaches(caller, body) for body in servant.bodies)


@dataclass(frozen=True, slots=True)
class Record:
    """An audit record as the use case wrote it."""

    action: str
    resource: str
    rule: str | None
    before: object | None
    after: object | None


@dataclass(slots=True)
class MemoryBodies:
    tables: Tables

    async def get(self, body: str, visible_to: Caller) -> StateBody:
        if not self.tables.reaches(visible_to, body):
            raise NotFound(body_name(body))
        return self.tables.bodies[body]

    async def page(self, visible_to: Caller, after: str, limit: int) -> Sequence[StateBody]:
        ids = sorted(id for id in self.tables.bodies if id > after and self.tables.reaches(visible_to, id))
        return [self.tables.bodies[id] for id in ids[:limit]]

    async def exists(self, body: str) -> bool:
        return body in self.tables.bodies

    async def add(self, body: StateBody) -> None:
        self.tables.bodies[body.id] = body


@dataclass(slots=True)
class MemoryUnits:
    tables: Tables

    async def get(self, body: str, unit: str, visible_to: Caller) -> Unit:
        if (body, unit) not in self.tables.units or not self.tables.reaches(visible_to, body):
            raise NotFound(unit_name(body, unit))
        return self.tables.units[body, unit]

    async def page(self, body: str, after: str, limit: int) -> Sequence[Unit]:
        keys = sorted((owner, id) for owner, id in self.tables.units if owner == body and id > after)
        return [self.tables.units[key] for key in keys[:limit]]

    async def exists(self, body: str, unit: str) -> bool:
        return (body, unit) in self.tables.units

    async def hr_units(self, bodies: Collection[str]) -> frozenset[tuple[str, str]]:
        return frozenset(key for key, unit in self.tables.units.items() if unit.hr_service and unit.body in bodies)

    async def add(self, unit: Unit) -> None:
        self.tables.units[unit.body, unit.id] = unit

    async def save(self, unit: Unit) -> None:
        self.tables.units[unit.body, unit.id] = unit


@dataclass(slots=True)
class MemoryService:
    tables: Tables

    async def days_in_body(self, servant: str, body: str, on: date) -> bool | None:
        known = self.tables.servants.get(servant)
        own = [one for one in known.appointments if one.post.body == body] if known else []
        return any(one.terms.span.holds(on) for one in own) if own else None


@dataclass(slots=True)
class MemoryPositions:
    tables: Tables

    async def get(self, body: str, position: str, visible_to: Caller) -> Position:
        if (body, position) not in self.tables.positions or not self.tables.reaches(visible_to, body):
            raise NotFound(position_name(body, position))
        return self.tables.positions[body, position]

    async def find(self, keys: Collection[tuple[str, str]], visible_to: Caller) -> Mapping[tuple[str, str], Position]:
        known = {key: self.tables.positions[key] for key in keys if key in self.tables.positions}
        return {key: position for key, position in known.items() if self.tables.reaches(visible_to, position.body)}

    async def page(self, body: str, after: str, limit: int) -> Sequence[Position]:
        keys = sorted((owner, id) for owner, id in self.tables.positions if owner == body and id > after)
        return [self.tables.positions[key] for key in keys[:limit]]

    async def exists(self, body: str, position: str) -> bool:
        return (body, position) in self.tables.positions

    async def add(self, position: Position) -> None:
        self.tables.positions[position.body, position.id] = position


@dataclass(slots=True)
class MemoryServants:
    tables: Tables

    async def get(self, servant: str, visible_to: Caller) -> Servant:
        known = self.tables.servants.get(servant)
        if known is None or not self.tables.shows(visible_to, known):
            raise NotFound(servant_name(servant))
        return known

    async def page(self, body: str, after: str, limit: int, visible_to: Caller) -> Sequence[Servant]:
        seen = {id: servant for id, servant in self.tables.servants.items() if self.tables.shows(visible_to, servant)}
        ids = sorted(id for id, servant in seen.items() if id > after and body in servant.bodies)
        return [self.tables.servants[id] for id in ids[:limit]]

    async def known(self, ids: Collection[str], iins: Collection[Iin]) -> Sequence[Servant]:
        return [servant for _, servant in sorted(self.tables.servants.items()) if servant.id in ids or servant.iin in iins]

    async def erased(self, ids: Collection[str]) -> frozenset[str]:
        return frozenset()

    async def visible(self, ids: Collection[str], visible_to: Caller) -> frozenset[str]:
        known = (self.tables.servants[id] for id in ids if id in self.tables.servants)
        return frozenset(servant.id for servant in known if self.tables.shows(visible_to, servant))

    async def save(self, changes: Sequence[tuple[Servant | None, Servant]]) -> None:
        for _, servant in changes:
            self.tables.servants[servant.id] = servant


@dataclass(slots=True)
class MemoryWork:
    """One unit of work; `published` and `records` are what it would have written into outbox and audit, `locked` its locks."""

    tables: Tables
    bodies: MemoryBodies = field(init=False)
    units: MemoryUnits = field(init=False)
    service: MemoryService = field(init=False)
    positions: MemoryPositions = field(init=False)
    servants: MemoryServants = field(init=False)
    published: list[BodyState | Servant] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    locked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.bodies = MemoryBodies(self.tables)
        self.units = MemoryUnits(self.tables)
        self.service = MemoryService(self.tables)
        self.positions = MemoryPositions(self.tables)
        self.servants = MemoryServants(self.tables)

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = (), iins: Iterable[Iin] = ()) -> None:
        self.locked |= {body_name(body) for body in bodies} | {servant_name(servant) for servant in servants}

    async def body_changed(self, body: str) -> BodyState:
        assert body_name(body) in self.locked, "a body is published under its lock"
        known = self.tables.bodies[body]
        self.tables.bodies[body] = known = replace(known, revision=known.revision + 1)
        units = tuple(await self.units.page(body, "", len(self.tables.units)))
        hr = {unit.id for unit in units if unit.hr_service}
        serving = ((servant, one) for servant in self.tables.servants.values() for one in servant.appointments)
        inside = [(servant, one) for servant, one in serving if one.post.body == body and one.post.unit in hr and one.keeps_time]
        state = BodyState(known, units, hr_members(HrMember(servant.id, one.terms.span) for servant, one in inside))
        self.published.append(state)
        return state

    def servant_changed(self, servant: Servant) -> None:
        assert servant_name(servant.id) in self.locked, "a servant is published under its lock"
        self.published.append(servant)

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
        self.records.append(Record(action, resource, rule, before, after))


@dataclass(slots=True)
class Memory:
    """The registry in memory; a unit of work that raises leaves nothing behind."""

    tables: Tables = field(default_factory=Tables)
    published: list[BodyState | Servant] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    @property
    def begin(self) -> Callable[[Caller | None], AbstractAsyncContextManager[MemoryWork]]:
        @asynccontextmanager
        async def work(caller: Caller | None) -> AsyncIterator[MemoryWork]:
            unit = MemoryWork(self.tables.copy())
            yield unit
            self.tables = unit.tables
            self.published += unit.published
            self.records += unit.records

        return work
