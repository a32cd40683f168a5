"""The rolling job: plans reach the newest month as the clock moves on, and what is due is composed and published."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from chassis.clock import Clock
from chassis.jobs import LEVEL
from chassis.metrics import counter
from kernel.faults import Unavailable

from regimes.plans.use_cases import ActivateLaw, ComposeDuePlans, RollPlans

# A change is in the plans a moment later, and an idle database is asked ten times a second.
POLL_S = 0.1
BACK_OFF_S = 0.5

COMPOSED = counter("tartip_plans_looked_at_total", "plans", "Months of servants that were composed anew, changed or not")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Mark:
    """The clock stood at `instant` when the work was done, at the real time `done_at` (seconds since 1970)."""

    instant: float
    done_at: float


@dataclass(slots=True)
class RollingJob:
    """Does what is due until it is told to stop.

    `drained_at` gives the real time (seconds since 1970) before which everything committed is in Kafka.
    """

    activate: ActivateLaw
    roll: RollPlans
    compose: ComposeDuePlans
    clock: Clock
    drained_at: Callable[[], float]
    poll_s: float = POLL_S

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop`; an absent database is waited for, any other failure ends the process."""
        active, mark = False, None
        while not stop.is_set():
            pause_s = self.poll_s
            try:
                if not active:
                    await self.activate()
                    active = True
                instant = self.clock().timestamp()
                if await self._done(stop) and mark is None:
                    mark = _Mark(instant, time.time())
            except Unavailable:
                log.warning("the rolling job waits for the database", exc_info=True)
                pause_s = BACK_OFF_S
            if mark is not None and self.drained_at() > mark.done_at:
                LEVEL.set(mark.instant)
                mark = None
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)

    async def _done(self, stop: asyncio.Event) -> bool:
        """Whether nothing is due any more."""
        await self.roll()
        while not stop.is_set():
            looked_at = await self.compose()
            if looked_at is None:
                return False
            if looked_at == 0:
                return True
            COMPOSED.inc(looked_at)
        return False
