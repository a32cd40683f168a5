"""The regimes in memory: it passes the contract tests of the real repositories (test_ports.py), so use cases may be tested on it."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date

from chassis.access import Caller
from kernel.days import DaySpan, Month, dates
from kernel.faults import NotFound, Unavailable
from kernel.names import body_name, servant_name
from regimes.assignments.domain import Assignment
from regimes.names import assignment_name, rules_name
from regimes.people.domain import Body, Servant
from regimes.plans.domain import Grounds, PublishedPlan
from regimes.rules.domain import LabourOrderRules

ServantMonth = tuple[str, Month]
NEVER = date.max


@dataclass(slots=True)
class Tables:
    """What is recorded. `level` names the topics whose projections have reached their start."""

    bodies: dict[str, Body] = field(default_factory=dict)
    servants: dict[str, Servant] = field(default_factory=dict)
    rules: dict[tuple[str, str], LabourOrderRules] = field(default_factory=dict)
    assignments: dict[tuple[str, str], Assignment] = field(default_factory=dict)
    plans: dict[ServantMonth, PublishedPlan] = field(default_factory=dict)
    due: list[ServantMonth] = field(default_factory=list)
    until: Month | None = None
    edition: str = ""
    level: frozenset[str] = frozenset({"registry.bodies.v1", "registry.servants.v1"})
    erased: set[str] = field(default_factory=set)

    def copy(self) -> "Tables":
        tables = {name: dict(getattr(self, name)) for name in ("bodies", "servants", "rules", "assignments", "plans")}
        return Tables(**tables, due=list(self.due), until=self.until, edition=self.edition, level=self.level, erased=set(self.erased))

    def require(self, *topics: str) -> None:
        for topic in topics:
            if topic not in self.level:
                raise Unavailable("PROJECTION_BEHIND", topic=topic)

    def reaches(self, caller: Caller, body: str) -> bool:
        reach = caller.reach
        known = self.bodies.get(body)
        return reach.nation or body in reach.bodies or (known is not None and known.region in reach.regions)

    def shows(self, caller: Caller, servant: str, during: DaySpan | None = None) -> bool:
        held = self.servants[servant].appointments if servant in self.servants else ()
        return servant == caller.reach.servant or any(
            self.reaches(caller, one.body) for one in held if during is None or one.span.overlaps(during)
        )


@dataclass(slots=True)
class MemoryBodies:
    tables: Tables

    async def get(self, body: str, visible_to: Caller) -> Body:
        self.tables.require("registry.bodies.v1")
        if body not in self.tables.bodies or not self.tables.reaches(visible_to, body):
            raise NotFound(body_name(body))
        return self.tables.bodies[body]

    async def find(self, bodies: Iterable[str]) -> Mapping[str, Body]:
        return {body: self.tables.bodies[body] for body in bodies if body in self.tables.bodies}

    async def within(self, bodies: Iterable[str], visible_to: Caller) -> frozenset[str]:
        return frozenset(body for body in bodies if self.tables.reaches(visible_to, body))

    async def save(self, bodies: Sequence[Body]) -> None:
        for body in bodies:
            known = self.tables.bodies.get(body.body)
            if known is None or known.revision < body.revision:
                self.tables.bodies[body.body] = body


@dataclass(slots=True)
class MemoryServants:
    tables: Tables

    async def get(self, servant: str, visible_to: Caller) -> Servant:
        self.tables.require("registry.servants.v1", "registry.bodies.v1")
        if servant not in self.tables.servants or not self.tables.shows(visible_to, servant):
            raise NotFound(servant_name(servant))
        return self.tables.servants[servant]

    async def find(self, servants: Iterable[str]) -> Mapping[str, Servant]:
        return {servant: self.tables.servants[servant] for servant in servants if servant in self.tables.servants}

    async def erased(self, servants: Collection[str]) -> frozenset[str]:
        return frozenset(servants) & self.tables.erased

    async def save(self, servants: Sequence[Servant]) -> None:
        for servant in servants:
            known = self.tables.servants.get(servant.servant)
            if known is None or known.revision < servant.revision:
                ordered = tuple(sorted(servant.appointments, key=lambda one: one.appointment))
                self.tables.servants[servant.servant] = replace(servant, appointments=ordered)


@dataclass(slots=True)
class MemoryRules:
    tables: Tables

    async def get(self, body: str, rules: str, visible_to: Caller) -> LabourOrderRules:
        if (body, rules) not in self.tables.rules or not self.tables.reaches(visible_to, body):
            raise NotFound(rules_name(body, rules))
        return self.tables.rules[body, rules]

    async def of_body(self, body: str) -> Sequence[LabourOrderRules]:
        return await self.page(body, "", None)

    async def page(self, body: str, after: str, limit: int | None) -> Sequence[LabourOrderRules]:
        keys = sorted((owner, id) for owner, id in self.tables.rules if owner == body and id > after)
        return [self.tables.rules[key] for key in keys[:limit]]

    async def add(self, rules: LabourOrderRules) -> None:
        self.tables.rules[rules.body, rules.rules] = rules


@dataclass(slots=True)
class MemoryAssignments:
    tables: Tables

    async def get(self, servant: str, assignment: str, visible_to: Caller) -> Assignment:
        found = self.tables.assignments.get((servant, assignment))
        if found is None or not self.tables.shows(visible_to, servant, found.span):
            raise NotFound(assignment_name(servant, assignment))
        return found

    async def of_servant(self, servant: str) -> Sequence[Assignment]:
        own = (one for one in self.tables.assignments.values() if one.servant == servant)
        return sorted(own, key=lambda one: one.order)

    async def page(self, servant: str, after: str, limit: int, visible_to: Caller) -> Sequence[Assignment]:
        keys = sorted((owner, id) for owner, id in self.tables.assignments if owner == servant and id > after)
        found = [self.tables.assignments[key] for key in keys]
        return [one for one in found if self.tables.shows(visible_to, servant, one.span)][:limit]

    async def add(self, assignment: Assignment) -> Assignment:
        recorded = replace(assignment, order=len(self.tables.assignments) + 1)
        self.tables.assignments[assignment.servant, assignment.assignment] = recorded
        return recorded


@dataclass(slots=True)
class MemoryGrounds:
    tables: Tables

    async def of(self, servants: Iterable[str]) -> Mapping[str, Grounds]:
        return {servant: await self._of(servant) for servant in servants}

    async def visible(self, servant: str, visible_to: Caller) -> Grounds:
        await MemoryServants(self.tables).get(servant, visible_to)
        return await self._of(servant)

    async def _of(self, servant: str) -> Grounds:
        person = self.tables.servants.get(servant, Servant(servant))
        owners = {one.body for one in person.appointments}
        bodies = {body: self.tables.bodies[body] for body in owners if body in self.tables.bodies}
        rules = tuple(rules for (body, _), rules in sorted(self.tables.rules.items()) if body in owners)
        return Grounds(person, bodies, rules, tuple(await MemoryAssignments(self.tables).of_servant(servant)))


@dataclass(slots=True)
class MemoryPlans:
    tables: Tables

    async def find(self, keys: Iterable[ServantMonth]) -> Mapping[ServantMonth, PublishedPlan]:
        return {key: self.tables.plans[key] for key in keys if key in self.tables.plans}

    async def save(self, plans: Sequence[PublishedPlan]) -> None:
        self.tables.plans |= {(one.plan.servant, one.plan.month): one for one in plans}


@dataclass(slots=True)
class MemoryDueMonths:
    tables: Tables
    oldest: Month
    newest: Month

    async def ask_bodies(self, bodies: Iterable[str], since: DaySpan) -> None:
        wanted = set(bodies)
        self._ask(self._held(lambda body: body in wanted, since.since), self.oldest)

    async def ask_servants(self, spans: Iterable[tuple[str, DaySpan]], however_old: bool = False) -> None:
        self._ask(list(spans), Month(1, 1) if however_old else self.oldest)

    def _held(self, where: Callable[[str], bool], since: date) -> list[tuple[str, DaySpan]]:
        held = [(one.servant, each) for one in self.tables.servants.values() for each in one.appointments if where(each.body)]
        return [
            (servant, DaySpan(max(each.span.since, since), each.span.until))
            for servant, each in held
            if (each.span.until or NEVER) >= since
        ]

    def _ask(self, spans: Iterable[tuple[str, DaySpan]], oldest: Month) -> None:
        newest = max(self.newest, self.tables.until or self.newest)
        asked: set[ServantMonth] = set()
        for servant, span in spans:
            until = min(span.until or NEVER, newest.last)
            asked |= {(servant, Month.of(day)) for day in dates(max(span.since, oldest.first), until)}
            asked |= {
                (owner, month) for owner, month in self.tables.plans if owner == servant and span.overlaps(DaySpan(month.first, month.last))
            }
        self.tables.due += sorted(asked)

    async def waiting(self, limit: int) -> Sequence[ServantMonth]:
        return list(dict.fromkeys(self.tables.due[:limit]))

    async def take(self, keys: Iterable[ServantMonth]) -> frozenset[ServantMonth]:
        wanted = frozenset(keys)
        taken = wanted & set(self.tables.due)
        self.tables.due = [key for key in self.tables.due if key not in wanted]
        return taken

    async def roll(self) -> bool:
        before = self.tables.until
        if before is not None and self.newest <= before:
            return False
        self.tables.until = self.newest
        since = before.next() if before is not None else self.oldest
        self._ask(self._held(lambda _: True, since.first), since)
        return True

    async def edition(self) -> str:
        return self.tables.edition

    async def activate(self, edition: str) -> None:
        if self.tables.edition != edition:
            self.tables.edition = edition
            self._ask(self._held(lambda _: True, date.min), self.oldest)


@dataclass(frozen=True, slots=True)
class Record:
    """An audit record as the use case wrote it."""

    action: str
    resource: str
    rule: str | None
    after: object | None


class MemoryWork:
    """A unit of work over the tables; what it told and recorded lasts if it ends well."""

    def __init__(self, tables: Tables, oldest: Month, newest: Month) -> None:
        self.bodies = MemoryBodies(tables)
        self.servants = MemoryServants(tables)
        self.rules = MemoryRules(tables)
        self.assignments = MemoryAssignments(tables)
        self.grounds = MemoryGrounds(tables)
        self.published = MemoryPlans(tables)
        self.due_months = MemoryDueMonths(tables, oldest, newest)
        self.told: list[PublishedPlan] = []
        self.records: list[Record] = []
        self.locked: list[str] = []

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = ()) -> None:
        self.locked += [f"body {body}" for body in sorted(bodies)] + [f"servant {servant}" for servant in sorted(servants)]

    async def erase(self, servant: str) -> bool:
        self.servants.tables.erased.add(servant)
        return self.servants.tables.servants.pop(servant, None) is not None

    async def hold_servants(self, servants: Iterable[str]) -> None:
        self.locked += [f"servant {servant} shared" for servant in sorted(servants)]

    async def lock_plans(self, keys: Iterable[str]) -> None:
        self.locked += [f"plan {key}" for key in keys]

    def plan_changed(self, plan: PublishedPlan) -> None:
        self.told.append(plan)

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
        self.records.append(Record(action, resource, rule, after))


@dataclass(slots=True)
class Memory:
    """The regimes without a database; `told` and `records` are what committed works published and recorded."""

    oldest: Month
    newest: Month
    tables: Tables = field(default_factory=Tables)
    told: list[PublishedPlan] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)

    def begin(self, caller: Caller | None) -> AbstractAsyncContextManager[MemoryWork]:
        return self._begin()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[MemoryWork]:
        tables = self.tables.copy()
        work = MemoryWork(tables, self.oldest, self.newest)
        yield work
        self.tables = tables
        self.told += work.told
        self.records += work.records
        self.locked += work.locked
