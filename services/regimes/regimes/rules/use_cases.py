"""What is done with labour-order rules, and the ports that it needs."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from chassis.access import Caller
from chassis.recording import Recording
from kernel.days import DaySpan
from kernel.faults import Conflict, NotFound
from kernel.names import unit_name
from lawbook import Lawbook

from regimes.names import rules_name
from regimes.people.domain import Body
from regimes.rules.domain import LabourOrderRules


class Bodies(Protocol):
    """The bodies that the registry told of."""

    async def get(self, body: str, visible_to: Caller) -> Body:
        """Returns the body; NotFound if there is none within the caller's reach, Unavailable while it may still be told of."""


class Rules(Protocol):
    """The recorded labour-order rules."""

    async def get(self, body: str, rules: str, visible_to: Caller) -> LabourOrderRules:
        """Returns the rules; NotFound if there are none within the caller's reach."""

    async def of_body(self, body: str) -> Sequence[LabourOrderRules]:
        """Returns all rules of the body, by ID."""

    async def page(self, body: str, after: str, limit: int) -> Sequence[LabourOrderRules]:
        """Returns at most `limit` rules of the body with an ID above `after`, by ID."""

    async def add(self, rules: LabourOrderRules) -> None:
        """Records new rules."""


class DueMonths(Protocol):
    """The months of servants whose plans are to be composed anew."""

    async def ask_bodies(self, bodies: Iterable[str], since: DaySpan) -> None:
        """Asks for the months of everyone ever appointed in one of the bodies."""


class Work(Recording, Protocol):
    """One transaction over labour-order rules."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def rules(self) -> Rules: ...
    @property
    def due_months(self) -> DueMonths: ...

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class CreateLabourOrderRules:
    """An HR officer records the regime that the body has approved (Order 121, point 4), from a day on, a past one too."""

    work: Begin
    law: Lawbook

    async def __call__(self, caller: Caller, rules: LabourOrderRules) -> LabourOrderRules:
        """Returns the rules; refuses NOT_FOUND, ALREADY_EXISTS, RULES_EXIST, DAILY_LIMIT, WEEKLY_LIMIT, BREAK_TOO_SHORT."""
        async with self.work(caller) as work:
            await work.lock(bodies=[rules.body])
            body = await work.bodies.get(rules.body, visible_to=caller)
            if rules.unit and not body.has(rules.unit):
                raise NotFound(unit_name(rules.body, rules.unit))
            name = rules_name(rules.body, rules.rules)
            for other in await work.rules.of_body(rules.body):
                if other.rules == rules.rules:
                    raise Conflict(name)
                if (other.unit, other.since) == (rules.unit, rules.since):
                    raise Conflict(rules_name(other.body, other.rules), "RULES_EXIST", since=rules.since)
            rules.check(self.law)
            await work.rules.add(rules)
            await work.due_months.ask_bodies([rules.body], DaySpan(rules.since))
            work.record("labour-order-rules.create", name, rule="o121-p4", after=rules)
            return rules


@dataclass(frozen=True, slots=True)
class GetLabourOrderRules:
    """Shows labour-order rules."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, rules: str) -> LabourOrderRules:
        """Returns the rules; refuses NOT_FOUND."""
        async with self.work(caller) as work:
            await work.bodies.get(body, visible_to=caller)
            return await work.rules.get(body, rules, visible_to=caller)


@dataclass(frozen=True, slots=True)
class ListLabourOrderRules:
    """Shows the labour-order rules of a body."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, after: str, limit: int) -> Sequence[LabourOrderRules]:
        """Returns at most `limit` rules above `after`, by ID; refuses NOT_FOUND (body)."""
        async with self.work(caller) as work:
            await work.bodies.get(body, visible_to=caller)
            return await work.rules.page(body, after, limit)
