"""What is done with badges, and the ports that it needs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chassis.access import Caller
from chassis.recording import Recording
from kernel.days import DaySpan
from kernel.faults import WrongState

from timetracking.badges.domain import Badge
from timetracking.names import badge_name

# The Labour Code's duty to record working time is what badges are there for.
GROUND = "lc-79"
# How a span without an end is shown in a refusal.
ON_AND_ON = "…"


class Servants(Protocol):
    """The servants that the registry told of."""

    async def require(self, servant: str, visible_to: Caller, during: DaySpan | None = None) -> None:
        """Returns if the servant is within the caller's reach, by an appointment in the span if one is given; NotFound otherwise."""


class Badges(Protocol):
    """The badges with their holders."""

    async def overlapping(self, badge: Badge) -> Sequence[Badge]:
        """Returns who holds it within its span, by start."""

    async def add(self, badge: Badge) -> None:
        """Records a badge in a holder's hands."""

    async def page(self, servant: str, after: tuple[datetime, str] | None, limit: int) -> Sequence[Badge]:
        """Returns at most `limit` badges of the servant after (since, ID), by start."""

    async def instants(self, badge: Badge) -> Collection[int]:
        """Returns the instants of its stored passages within its span."""


class DueLooks(Protocol):
    """The dates of devices that are to be looked at again."""

    async def ask_badge(self, system: str, number: str, since: datetime, until: datetime | None) -> None:
        """Asks for a look at the dates of devices on which the badge was read in a span."""


class Work(Recording, Protocol):
    """One transaction over badges and the days that follow from them."""

    @property
    def servants(self) -> Servants: ...
    @property
    def badges(self) -> Badges: ...
    @property
    def due(self) -> DueLooks: ...

    async def hold_settings(self) -> None:
        """Waits for a change of device settings at work, and keeps others from beginning one."""

    async def lock_badges(self, badges: Collection[tuple[str, str]]) -> None:
        """Waits for the badges and holds them."""

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]
Compute = Callable[..., Any]
Instants = Mapping[str, Collection[int]]


@dataclass(frozen=True, slots=True)
class AssignBadge:
    """An HR officer gives a badge into a servant's hands for a span, which may have begun long ago.

    Passages of the badge were kept while nobody held it: the days that they belong to appear in the same transaction.
    """

    begin: Begin
    compute: Compute

    async def __call__(self, caller: Caller, badge: Badge) -> Badge:
        """Returns the badge; refuses NOT_FOUND (the servant), BADGE_SPANS_OVERLAP, PROJECTION_BEHIND."""
        async with self.begin(caller) as work:
            await work.hold_settings()
            await work.lock_badges([(badge.system, badge.number)])
            await work.lock_servants([badge.servant])
            # Under the lock: whoever was erased while we waited for it is not there any more.
            await work.servants.require(badge.servant, visible_to=caller, during=badge.days)
            held = await work.badges.overlapping(badge)
            if held:
                raise WrongState("BADGE_SPANS_OVERLAP", since=held[0].since, until=held[0].until or ON_AND_ON)
            await work.badges.add(badge)
            # Where it was read before, somebody may be found to hold it now.
            await work.due.ask_badge(badge.system, badge.number, badge.since, badge.until)
            await self.compute(work, instants={badge.servant: await work.badges.instants(badge)})
            work.record("badge.assign", badge_name(badge.servant, badge.badge), GROUND, after=badge)
        return badge


@dataclass(frozen=True, slots=True)
class ListBadges:
    """Shows the badges that a servant holds and held."""

    begin: Begin

    async def __call__(self, caller: Caller, servant: str, after: tuple[datetime, str] | None, limit: int) -> Sequence[Badge]:
        """Returns at most `limit` badges after (since, ID), by start; refuses NOT_FOUND (the servant), PROJECTION_BEHIND."""
        async with self.begin(caller) as work:
            await work.servants.require(servant, visible_to=caller)
            return await work.badges.page(servant, after, limit)
