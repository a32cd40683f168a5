"""Composing plans and telling of them: the rolling job, what a change touches, and the question for a span."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from chassis.access import Caller
from chassis.clock import Clock
from kernel.days import DaySpan
from kernel.faults import Malformed, Unavailable
from kernel.identifiers import new_id
from lawbook import Lawbook

from regimes.plans.domain import Grounds, MonthPlan, PlanDay, PublishedPlan, ServantMonth, compose, compose_month

# A chunk takes as many locks and about a tenth of a second, far from the limits of a transaction.
MONTHS_A_CHUNK = 100
LONGEST_SPAN_DAYS = 400


class Bodies(Protocol):
    """The bodies that the registry told of."""

    async def within(self, bodies: Iterable[str], visible_to: Caller) -> frozenset[str]:
        """Returns those of the IDs that the caller's grants reach."""


class AllGrounds(Protocol):
    """What plans follow from."""

    async def of(self, servants: Iterable[str]) -> Mapping[str, Grounds]:
        """Returns the grounds of each servant; of one that was never told of, grounds without an appointment."""

    async def visible(self, servant: str, visible_to: Caller) -> Grounds:
        """Returns the grounds of one servant; NotFound if there is none within the caller's reach, Unavailable while it may be told of."""


class Published(Protocol):
    """The plans as they were told."""

    async def find(self, keys: Iterable[ServantMonth]) -> Mapping[ServantMonth, PublishedPlan]:
        """Returns those that were ever published."""

    async def save(self, plans: Sequence[PublishedPlan]) -> None:
        """Records each in place of the state before."""


class DueMonths(Protocol):
    """The months of servants whose plans are to be composed anew."""

    async def waiting(self, limit: int) -> Sequence[ServantMonth]:
        """Returns at most `limit` of them, each once, those asked for first."""

    async def take(self, keys: Iterable[ServantMonth]) -> frozenset[ServantMonth]:
        """Takes every asking for the keys away and returns the keys for which there still was one."""

    async def roll(self) -> bool:
        """Raises the horizon to the newest month and asks for everyone's months up to it; False where it is there already."""

    async def edition(self) -> str:
        """Returns the edition of the law under which plans are composed."""

    async def activate(self, edition: str) -> None:
        """Composes plans under that edition from now on; where it is another than before, all plans are due."""


class Work(Protocol):
    """One transaction over plans."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def grounds(self) -> AllGrounds: ...
    @property
    def published(self) -> Published: ...
    @property
    def due_months(self) -> DueMonths: ...

    async def hold_servants(self, servants: Iterable[str]) -> None:
        """Shares with others what plans follow from: nobody is erased meanwhile. Before the plans' keys and the first write."""

    async def lock_plans(self, keys: Iterable[str]) -> None:
        """Takes the locks of the plans' keys, before the first write."""

    def plan_changed(self, plan: PublishedPlan) -> None:
        """Publishes the plan."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


class OtherEdition(Unavailable):
    """Plans are composed under another edition of the law than this process has: by the processes that were started later."""


@dataclass(frozen=True, slots=True)
class ListPlanDays:
    """Shows what a servant was to do on each date of a span; days out of the caller's reach are left out."""

    work: Begin
    law: Lawbook

    async def __call__(self, caller: Caller, servant: str, since: date, until: date) -> Sequence[PlanDay]:
        """Returns a row a date, by date, of the plans as they follow from what is recorded now; refuses NOT_FOUND, SPAN_REVERSED."""
        DaySpan(since, until)
        if until > since + timedelta(days=LONGEST_SPAN_DAYS):
            raise Malformed({"until": f"at most {LONGEST_SPAN_DAYS} days after since"})
        async with self.work(caller) as work:
            days = compose(await work.grounds.visible(servant, visible_to=caller), since, until, self.law)
            if caller.reach.servant == servant:
                return days
            reached = await work.bodies.within({day.body for day in days}, visible_to=caller)
            return [day for day in days if day.body in reached or caller.reach.control.holds(day.body, day.unit, servant)]


@dataclass(slots=True)
class ActivateLaw:
    """Makes the lawbook of this process the one under which plans are composed, once, by a row that all processes see."""

    work: Begin
    law: Lawbook
    done: bool = False

    async def __call__(self) -> int:
        """Where the edition is another than before, all plans are due; returns 1 the first time, then 0."""
        if self.done:
            return 0
        async with self.work(None) as work:
            await work.due_months.activate(self.law.edition)
        self.done = True
        return 1


@dataclass(frozen=True, slots=True)
class RollPlans:
    """Lets the plans of everyone reach the newest month, as the clock moves on."""

    work: Begin

    async def __call__(self) -> int:
        """Returns 1 if the newest month was reached just now, else 0."""
        async with self.work(None) as work:
            return int(await work.due_months.roll())


@dataclass(frozen=True, slots=True)
class ComposeDuePlans:
    """Composes a chunk of the plans that are due, and publishes those whose content is another than before."""

    work: Begin
    law: Lawbook
    clock: Clock

    async def __call__(self) -> int:
        """Returns how many months were looked at, 0 where none is due; raises OtherEdition where that of another process is active."""
        async with self.work(None) as work:
            if await work.due_months.edition() != self.law.edition:
                raise OtherEdition
            waiting = await work.due_months.waiting(MONTHS_A_CHUNK)
            if not waiting:
                return 0
            # Whoever erases one of them meanwhile would not see these plans, and leave them in their topic.
            await work.hold_servants({servant for servant, _ in waiting})
            await work.lock_plans(f"{servant}/{month}" for servant, month in waiting)
            due = sorted(await work.due_months.take(waiting))
            # Read after the askings were taken: whoever asks later is composed later.
            grounds = await work.grounds.of(servant for servant, _ in due)
            known = await work.published.find(due)
            plans = [(compose_month(grounds[servant], month, self.law), known.get((servant, month))) for servant, month in due]
            changed = [self._next(plan, before) for plan, before in plans if plan.days != (before.plan.days if before is not None else ())]
            await work.published.save(changed)
            for plan in changed:
                work.plan_changed(plan)
            return len(waiting)

    def _next(self, plan: MonthPlan, before: PublishedPlan | None) -> PublishedPlan:
        revision = before.revision + 1 if before is not None else 1
        return PublishedPlan(plan, revision, new_id(), self.clock(), self.law.edition)
