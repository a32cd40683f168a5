"""Taking over the legal holds that others were told of and the database, which came back from a backup, does not know."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.access import Caller
from chassis.personal_data.holds import AROUND_A_DAY
from chassis.recording import Recording
from kernel.holds import Hold as Standing

from registry.bodies.domain import BodyState
from registry.holds.domain import Hold
from registry.names import hold_name

# So many bodies are locked at once: a nation has more than a transaction may lock.
BODIES_A_CHUNK = 100

# The act is in none of the states that are told.
GROUND = "taken over from what others were told, after the database was restored: its act is lost here"


class Holds(Protocol):
    """The recorded holds."""

    async def of(self, bodies: Collection[str]) -> Mapping[str, Collection[str]]:
        """Returns the IDs of the holds over each of the bodies that are recorded, released ones too."""

    async def while_nothing_is_deleted(self) -> None:
        """Waits for those who delete, and lets none begin before this transaction ends; before any other lock."""

    async def add(self, hold: Hold) -> None:
        """Records a hold."""


class Work(Recording, Protocol):
    """One transaction over holds."""

    @property
    def at(self) -> datetime: ...
    @property
    def holds(self) -> Holds: ...

    async def lock(self, bodies: Iterable[str] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write."""

    async def body_changed(self, body: str) -> BodyState:
        """Raises the body's revision and publishes its whole state; its lock is held."""


@dataclass(frozen=True, slots=True)
class CarryHolds:
    """Records the holds that others keep to and that are lost here, as the nation's: who placed them is not known any more."""

    work: Callable[[Caller | None], AbstractAsyncContextManager[Work]]

    async def __call__(self, caller: Caller | None, told: Mapping[str, Sequence[Standing]], *, look: bool) -> Sequence[str]:
        """Returns a sentence for each hold that was missing, by body; with `look` nothing is recorded."""
        said: list[str] = []
        bodies = sorted(body for body, holds in told.items() if holds)
        for at in range(0, len(bodies), BODIES_A_CHUNK):
            said += await self._carry(caller, {body: told[body] for body in bodies[at : at + BODIES_A_CHUNK]}, look)
        return said

    async def _carry(self, caller: Caller | None, told: Mapping[str, Sequence[Standing]], look: bool) -> Sequence[str]:
        async with self.work(caller) as work:
            await work.holds.while_nothing_is_deleted()
            await work.lock(bodies=told)
            recorded = await work.holds.of(told)
            today = (work.at - AROUND_A_DAY).date()
            missing = {
                body: [
                    each
                    for each in holds
                    if each.id not in recorded.get(body, ()) and (each.span.until is None or each.span.until >= today)
                ]
                for body, holds in told.items()
            }
            said = [_says(body, each, body in recorded) for body in sorted(missing) for each in missing[body]]
            if not look:
                for body in sorted(recorded.keys() & {body for body, holds in missing.items() if holds}):
                    await self._record(work, body, missing[body])
            return said

    async def _record(self, work: Work, body: str, missing: Sequence[Standing]) -> None:
        """Takes over a legal hold that others keep to, after the database was restored without it; its act is lost."""
        for each in missing:
            hold = Hold(body, each.id, GROUND, each.span, of_nation=True)
            await work.holds.add(hold)
            work.record("hold.carry", hold_name(body, hold.id), rule="csl-58-6", after=hold)
        await work.body_changed(body)


def _says(body: str, hold: Standing, is_recorded: bool) -> str:
    what = f"legal hold {hold_name(body, hold.id)} until {hold.span.until}"
    if is_recorded:
        return f"{what} is known to others alone: it is taken over, as one of the nation whose act is lost"
    return f"{what} is over a body that is not stored: enter the body and place the hold at once, before any job `work` is started"
