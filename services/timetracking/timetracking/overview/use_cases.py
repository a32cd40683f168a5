"""What stands: what waits for a person, what became of nothing yet, and which devices are silent, for those who operate the platform."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from chassis.clock import Clock

# Whoever is called by an alert looks at minutes; the counts cost a part of a second of the database.
EVERY_S = 60.0
# A count goes over all accounts that are kept: however many, it has a twentieth of the time at most.
REST = 19


@dataclass(frozen=True, slots=True)
class Overview:
    """How many records are parked, by topic and reason; how many are in flight; how many devices are silent."""

    parked: Mapping[tuple[str, str], int]
    in_flight: int
    silent: int


class Parking(Protocol):
    """The parking lot."""

    async def waiting(self) -> Mapping[tuple[str, str], int]:
        """How many records wait there, by topic and reason."""


class Accounts(Protocol):
    """The accounts of devices."""

    async def in_flight(self) -> int:
        """How many records of all devices became of nothing yet."""


class Looks(Protocol):
    """What devices show of themselves."""

    async def silent(self, now: datetime) -> int:
        """Of how many devices a silence is found that no passage has ended."""


class Work(Protocol):
    """A transaction in which everything is counted."""

    @property
    def parking(self) -> Parking: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def looks(self) -> Looks: ...


Begin = Callable[[], AbstractAsyncContextManager[Any]]


@dataclass(slots=True)
class ShowOverview:
    """Counts once a minute what stands, and shows it."""

    begin: Begin
    clock: Clock
    show: Callable[[Overview], None]
    now: Callable[[], float] = time.monotonic
    """Real time in seconds, from any instant on."""
    _next: float = field(default=float("-inf"))

    async def __call__(self) -> int:
        """Returns 0 always: nothing becomes due by it."""
        began = self.now()
        if began < self._next:
            return 0
        try:
            async with self.begin() as work:
                silent = await work.looks.silent(self.clock())
                overview = Overview(await work.parking.waiting(), await work.accounts.in_flight(), silent)
            self.show(overview)
        finally:  # what fails, or is cut off since it takes too long, would else be begun again at once
            ended = self.now()
            self._next = ended + max(EVERY_S, REST * (ended - began))
        return 0
