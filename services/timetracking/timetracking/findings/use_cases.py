"""Telling of findings again as they stand, and the port that it needs."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

# Findings that are looked at in one transaction: fewer than it may hold locks, told within a part of a second.
FINDINGS_A_CHUNK = 500


@dataclass(frozen=True, slots=True)
class ToldFinding:
    """Which finding, whose, and the instant at which it became as it is."""

    id: UUID
    servant: str | None
    device: str | None
    changed_at: datetime


class Findings(Protocol):
    """The findings as a transaction sees them."""

    async def walk(self, after: UUID | None, limit: int) -> Sequence[ToldFinding]:
        """Returns at most `limit` findings after an ID, by ID."""

    async def of(self, ids: Collection[UUID]) -> Sequence[ToldFinding]:
        """Returns those of the findings that are kept."""

    async def tell_again(self, ids: Collection[UUID]) -> None:
        """Publishes the findings as they stand; the locks of their servants and devices are held."""


class Work(Protocol):
    """A transaction in which findings are told of again."""

    @property
    def findings(self) -> Findings: ...

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""

    async def lock_devices(self, devices: Collection[str]) -> None:
        """Waits for the devices' findings and holds them."""


Begin = Callable[[], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True, slots=True)
class TellFindings:
    """Tells of certain findings again."""

    begin: Begin

    async def __call__(self, ids: Sequence[UUID]) -> int:
        """Tells of those of the findings that are kept; returns how many."""
        told = 0
        for at in range(0, len(ids), FINDINGS_A_CHUNK):
            async with self.begin() as work:
                found = await work.findings.of(ids[at : at + FINDINGS_A_CHUNK])
                await _tell(work, found)
                told += len(found)
        return told


@dataclass(frozen=True, slots=True)
class RepublishFindings:
    """Tells of a chunk of findings again."""

    begin: Begin

    async def __call__(self, since: datetime | None, after: UUID | None = None) -> tuple[int, UUID | None]:
        """Tells of what became so at `since` or later (None: of all), after an ID; returns how many, and the last ID looked at, None at the end."""
        async with self.begin() as work:
            walked = await work.findings.walk(after, FINDINGS_A_CHUNK)
            told = [each for each in walked if since is None or each.changed_at >= since]
            await _tell(work, told)
            return len(told), walked[-1].id if walked else None


async def _tell(work: Work, told: Sequence[ToldFinding]) -> None:
    """A newer state that is being written now is told of by who writes it, after ours."""
    await work.lock_servants({each.servant for each in told if each.servant})
    await work.lock_devices({each.device for each in told if each.device})
    await work.findings.tell_again([each.id for each in told])
