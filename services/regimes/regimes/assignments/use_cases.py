"""What is done with assignments, and the ports that it needs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from chassis.access import Caller, forbidden, needed
from chassis.recording import Recording
from kernel.days import DaySpan
from kernel.faults import Conflict, Unavailable
from lawbook import Lawbook

from regimes.assignments.domain import Assignment
from regimes.names import assignment_name
from regimes.people.domain import Body, Servant


class Bodies(Protocol):
    """The bodies that the registry told of."""

    async def find(self, bodies: Iterable[str]) -> Mapping[str, Body]:
        """Returns those of the IDs that are known, whoever may see them."""

    async def within(self, bodies: Iterable[str], visible_to: Caller) -> frozenset[str]:
        """Returns those of the IDs that the caller's grants reach."""


class Servants(Protocol):
    """The servants that the registry told of."""

    async def get(self, servant: str, visible_to: Caller) -> Servant:
        """Returns the servant; NotFound if there is none within the caller's reach, Unavailable while it may still be told of."""


class Assignments(Protocol):
    """The recorded assignments."""

    async def get(self, servant: str, assignment: str, visible_to: Caller) -> Assignment:
        """Returns the assignment; NotFound if there is none within the caller's reach."""

    async def of_servant(self, servant: str) -> Sequence[Assignment]:
        """Returns all assignments of the servant, in the order of recording."""

    async def page(self, servant: str, after: str, limit: int, visible_to: Caller) -> Sequence[Assignment]:
        """Returns at most `limit` assignments within the caller's reach with an ID above `after`, by ID."""

    async def add(self, assignment: Assignment) -> Assignment:
        """Records a new assignment and returns it with its place in the order of recording."""


class DueMonths(Protocol):
    """The months of servants whose plans are to be composed anew."""

    async def ask_servants(self, spans: Iterable[tuple[str, DaySpan]], however_old: bool = False) -> None:
        """Asks for the months that each servant's span touches; those too old for any passage only where told to."""


class Work(Recording, Protocol):
    """One transaction over assignments."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def servants(self) -> Servants: ...
    @property
    def assignments(self) -> Assignments: ...
    @property
    def due_months(self) -> DueMonths: ...

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


@dataclass(frozen=True, slots=True)
class CreateAssignment:
    """An HR officer records the act that introduces a regime for a servant, for a past span too."""

    work: Begin
    law: Lawbook

    async def __call__(self, caller: Caller, assignment: Assignment) -> Assignment:
        """Returns the assignment; refuses what `Assignment.check` does, NOT_FOUND, ALREADY_EXISTS, FORBIDDEN, PROJECTION_BEHIND."""
        async with self.work(caller) as work:
            await work.lock(servants=[assignment.servant])
            servant = await work.servants.get(assignment.servant, visible_to=caller)
            name = assignment_name(assignment.servant, assignment.assignment)
            others = await work.assignments.of_servant(assignment.servant)
            if any(other.assignment == assignment.assignment for other in others):
                raise Conflict(name)
            wanted = {each.body for each in servant.appointments}
            bodies = await work.bodies.find(wanted)
            if wanted - bodies.keys():
                raise Unavailable("PROJECTION_BEHIND", topic="registry.bodies.v1")
            assignment.check(servant, bodies, others, self.law)
            await _within_reach(work, caller, servant, assignment)
            recorded = await work.assignments.add(assignment)
            await work.due_months.ask_servants([(assignment.servant, assignment.span)], however_old=True)
            work.record("assignment.create", name, rule="o120-p1", after=assignment)
            return recorded


async def _within_reach(work: Work, caller: Caller, servant: Servant, assignment: Assignment) -> None:
    """Every date of the span is a day of a body that the caller acts for: an HR officer does not set hours elsewhere."""
    owners = {appointment.body for on in servant.turns(assignment.span) if (appointment := servant.keeping_time(on))}
    if owners - await work.bodies.within(owners, visible_to=caller):
        # Which bodies those are is not told: who may not act for one need not know that somebody serves there.
        raise forbidden(
            "tartip.regimes.v1.AssignmentService/CreateAssignment",
            needed(["/nation", "/regions/* of each date", "/state-bodies/* of each date"], ["hr-officer"]),
            caller.grants,
        )


@dataclass(frozen=True, slots=True)
class GetAssignment:
    """Shows an assignment."""

    work: Begin

    async def __call__(self, caller: Caller, servant: str, assignment: str) -> Assignment:
        """Returns the assignment; refuses NOT_FOUND."""
        async with self.work(caller) as work:
            return await work.assignments.get(servant, assignment, visible_to=caller)


@dataclass(frozen=True, slots=True)
class ListAssignments:
    """Shows the assignments of a servant."""

    work: Begin

    async def __call__(self, caller: Caller, servant: str, after: str, limit: int) -> Sequence[Assignment]:
        """Returns at most `limit` assignments above `after`, by ID; refuses NOT_FOUND (servant)."""
        async with self.work(caller) as work:
            await work.servants.get(servant, visible_to=caller)
            return await work.assignments.page(servant, after, limit, visible_to=caller)
