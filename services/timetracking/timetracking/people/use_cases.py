"""Taking over what the registry tells: in any order, with any repetition, the newest state of each stays."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from timetracking.people.domain import Body, Servant

# States that share a transaction: far from its thousand locks and its five seconds.
STATES_A_TRANSACTION = 200


class Bodies(Protocol):
    """The bodies that the registry told of."""

    async def find(self, bodies: Iterable[str]) -> Mapping[str, Body]:
        """Returns those of the IDs that are known, whoever may see them."""

    async def save(self, bodies: Sequence[Body]) -> None:
        """Records each in place of an older state."""


class Servants(Protocol):
    """The servants that the registry told of."""

    async def find(self, servants: Iterable[str]) -> Mapping[str, Servant]:
        """Returns those of the IDs that are known, with their appointments."""

    async def erased(self, servants: Collection[str]) -> frozenset[str]:
        """Returns those of the IDs that belonged to somebody who was erased."""

    async def save(self, servants: Sequence[Servant]) -> None:
        """Records each with the appointments, in place of an older state."""


class DueDays(Protocol):
    """The days that are to be computed anew."""

    async def ask_servants(self, servants: Collection[str]) -> None:
        """Asks for the days of these servants that wait for a plan: their body and zone follow from the appointments."""

    async def ask_bodies(self, bodies: Collection[str]) -> None:
        """Asks for the days that follow from the zone of one of these bodies: by its devices, or by waiting for a plan."""


class Work(Protocol):
    """A transaction over the projection."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def servants(self) -> Servants: ...
    @property
    def due(self) -> DueDays: ...

    async def lock_settings(self) -> None:
        """Waits until nobody derives instants, and holds everyone who wants to."""

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""

    async def erase(self, servant: str) -> bool:
        """Erases a piece of what is kept of the servant, whose lock is held; whether there may be more."""


Begin = Callable[[], AbstractAsyncContextManager[Work]]
State = TypeVar("State", Body, Servant)


@dataclass(frozen=True, slots=True)
class TakeBodies:
    """Takes over states of bodies; where the zone is another than was counted with, the days that follow from it become due."""

    begin: Begin
    default_zone: str
    """What is counted with while a body's zone is not known."""

    async def __call__(self, told: Sequence[Body]) -> None:
        """An older or repeated state changes nothing."""
        newest = _newest((body.body, body) for body in told)
        async with self.begin() as work:
            # Whoever records passages meanwhile would count with the zone of before, unseen by us.
            await work.lock_settings()
            known = await work.bodies.find(newest)
            fresh = _newer(newest, known)
            await work.bodies.save(fresh)
            zones = {body: state.zone for body, state in known.items()}
            await work.due.ask_bodies([each.body for each in fresh if each.zone != zones.get(each.body, self.default_zone)])


@dataclass(frozen=True, slots=True)
class TakeServants:
    """Takes over states of servants; the days that wait for a plan become due where the appointments are others."""

    begin: Begin

    async def __call__(self, told: Sequence[Servant]) -> None:
        """An older or repeated state changes nothing."""
        newest = _newest((servant.servant, servant) for servant in told)
        async with self.begin() as work:
            await work.lock_servants(newest)
            known, erased = await work.servants.find(newest), await work.servants.erased(newest)
            fresh = [each for each in _newer(newest, known) if each.servant not in erased]
            await work.servants.save(fresh)
            await work.due.ask_servants([each.servant for each in fresh if _others(known.get(each.servant), each)])


@dataclass(frozen=True, slots=True)
class EraseServants:
    """Erases the servants whom the registry has erased; whatever is told of them later is passed over."""

    begin: Begin

    async def __call__(self, servants: Sequence[str]) -> None:
        """A repetition changes nothing. In pieces, each in a transaction of its own: there is much to erase of one."""
        for servant in dict.fromkeys(servants):
            more = True
            while more:
                async with self.begin() as work:
                    await work.lock_servants([servant])
                    more = await work.erase(servant)


def _newest(told: Iterable[tuple[str, State]]) -> dict[str, State]:
    newest: dict[str, State] = {}
    for key, state in told:
        if key not in newest or newest[key].revision < state.revision:
            newest[key] = state
    return newest


def _newer(told: Mapping[str, State], known: Mapping[str, State]) -> list[State]:
    return [state for key, state in sorted(told.items()) if key not in known or known[key].revision < state.revision]


def _others(before: Servant | None, after: Servant) -> bool:
    return before is None or set(before.appointments) != set(after.appointments)
