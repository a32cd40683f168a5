"""Taking over what the registry tells: in any order, with any repetition, the newest state of each stays."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from chassis.access import Caller
from kernel.days import DaySpan

from regimes.people.domain import Body, Servant

# Servants whose states share a transaction: as many locks for them and as many again for their bodies at most (1,000 are
# allowed), and a fraction of the five seconds that a transaction may last.
STATES_A_TRANSACTION = 200


class Bodies(Protocol):
    """The bodies that the registry told of."""

    async def find(self, bodies: Iterable[str]) -> Mapping[str, Body]:
        """Returns those of the IDs that are known, whoever may see them."""

    async def save(self, bodies: Sequence[Body]) -> None:
        """Records each with its units, in place of an older state."""


class Servants(Protocol):
    """The servants that the registry told of."""

    async def find(self, servants: Iterable[str]) -> Mapping[str, Servant]:
        """Returns those of the IDs that are known, whoever may see them."""

    async def erased(self, servants: Collection[str]) -> frozenset[str]:
        """Returns those of the IDs that belonged to somebody who was erased."""

    async def save(self, servants: Sequence[Servant]) -> None:
        """Records each with the appointments, in place of an older state."""


class DueMonths(Protocol):
    """The months of servants whose plans are to be composed anew."""

    async def ask_bodies(self, bodies: Iterable[str], since: DaySpan) -> None:
        """Asks for the months of everyone ever appointed in one of the bodies."""

    async def ask_servants(self, spans: Iterable[tuple[str, DaySpan]]) -> None:
        """Asks for the months that each servant's span touches."""


class Work(Protocol):
    """One transaction over the projection."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def servants(self) -> Servants: ...
    @property
    def due_months(self) -> DueMonths: ...

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write."""

    async def erase(self, servant: str) -> bool:
        """Erases a piece of what is kept of the servant, and takes back what was told of it; whether there may be more."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]
State = TypeVar("State", Body, Servant)


@dataclass(frozen=True, slots=True)
class TakeBodies:
    """Takes over states of bodies; where the zone or the units are others, the plans of its people are composed anew."""

    work: Begin

    async def __call__(self, told: Sequence[Body]) -> None:
        """An older or repeated state changes nothing."""
        newest = _newest((body.body, body) for body in told)
        async with self.work(None) as work:
            await work.lock(bodies=newest)
            known = await work.bodies.find(newest)
            fresh = _newer(newest, known)
            await work.bodies.save(fresh)
            moved = [body.body for body in fresh if _plans_differ(known.get(body.body), body)]
            await work.due_months.ask_bodies(moved, DaySpan(date.min))


@dataclass(frozen=True, slots=True)
class TakeServants:
    """Takes over states of servants; the months that a changed appointment touches are composed anew.

    The locks of the bodies are held too: rules that are recorded for a body at this moment reach its new people.
    """

    work: Begin

    async def __call__(self, told: Sequence[Servant]) -> None:
        """An older or repeated state changes nothing."""
        newest = _newest((servant.servant, servant) for servant in told)
        bodies = {appointment.body for servant in newest.values() for appointment in servant.appointments}
        async with self.work(None) as work:
            await work.lock(bodies=bodies, servants=newest)
            known, erased = await work.servants.find(newest), await work.servants.erased(newest)
            fresh = [each for each in _newer(newest, known) if each.servant not in erased]
            await work.servants.save(fresh)
            before = {servant.servant: known.get(servant.servant, Servant(servant.servant)) for servant in fresh}
            spans = [(one.servant, span) for one in fresh for span in one.differences(before[one.servant])]
            await work.due_months.ask_servants(spans)


@dataclass(frozen=True, slots=True)
class EraseServants:
    """Erases the servants whom the registry has erased; whatever is told of them later is passed over."""

    work: Begin

    async def __call__(self, servants: Sequence[str]) -> None:
        """A repetition changes nothing. In pieces, each in a transaction of its own: there is much to erase of one."""
        for servant in dict.fromkeys(servants):
            more = True
            while more:
                async with self.work(None) as work:
                    await work.lock(servants=[servant])
                    more = await work.erase(servant)


def _newest(told: Iterable[tuple[str, State]]) -> dict[str, State]:
    newest: dict[str, State] = {}
    for key, state in told:
        if key not in newest or newest[key].revision < state.revision:
            newest[key] = state
    return newest


def _newer(told: Mapping[str, State], known: Mapping[str, State]) -> list[State]:
    return [state for key, state in sorted(told.items()) if key not in known or known[key].revision < state.revision]


def _plans_differ(before: Body | None, after: Body) -> bool:
    return before is None or (before.zone, before.units) != (after.zone, after.units)
