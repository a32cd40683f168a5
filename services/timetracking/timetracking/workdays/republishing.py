"""Telling of days again as they stand, for consumers that lost them or begin anew."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

DayKey = tuple[str, date]

# Days that are looked at in one transaction: fewer than it may hold locks, told within a part of a second.
DAYS_A_CHUNK = 500


class Days(Protocol):
    """The days as a transaction sees them."""

    async def walk(self, after: DayKey | None, limit: int) -> Sequence[tuple[DayKey, datetime]]:
        """Returns at most `limit` days after a key, by servant and date, each with the instant at which it became as it is."""

    async def tell_again(self, days: Collection[DayKey]) -> int:
        """Publishes the days as they stand, those that are kept; how many. The servants' locks are held."""


class Work(Protocol):
    """A transaction in which days are told of again."""

    @property
    def days(self) -> Days: ...

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""


Begin = Callable[[], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True, slots=True)
class TellDays:
    """Tells of certain days again."""

    begin: Begin

    async def __call__(self, days: Sequence[DayKey]) -> int:
        """Tells of those of the days that are kept; returns how many."""
        told = 0
        for at in range(0, len(days), DAYS_A_CHUNK):
            some = days[at : at + DAYS_A_CHUNK]
            async with self.begin() as work:
                await work.lock_servants({servant for servant, _ in some})
                told += await work.days.tell_again(some)
        return told


@dataclass(frozen=True, slots=True)
class RepublishDays:
    """Tells of a chunk of days again."""

    begin: Begin

    async def __call__(self, since: datetime | None, after: DayKey | None = None) -> tuple[int, DayKey | None]:
        """Tells of what became so at `since` or later (None: of all), after a key; returns how many, and the last key looked at, None at the end."""
        async with self.begin() as work:
            walked = await work.days.walk(after, DAYS_A_CHUNK)
            told = [key for key, at in walked if since is None or at >= since]
            # A newer state that is being written now is told of by who writes it, after ours.
            await work.lock_servants({servant for servant, _ in told})
            await work.days.tell_again(told)
            return len(told), walked[-1][0] if walked else None
