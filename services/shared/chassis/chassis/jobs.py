"""Jobs of a process: each does a piece of what is due, again and again, until it is told to stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from kernel.faults import Fault, Unavailable

from chassis.clock import Clock
from chassis.database import OutOfTime
from chassis.metrics import counter, gauge
from chassis.supervision import TOGETHER_S, give_way, paused
from chassis.transient import is_out_of_time

# A change is worked on a moment later, and an idle database is asked ten times a second.
POLL_S = 0.1
BACK_OFF_S = 0.5
# What was seen to have nothing due, and is unchanged, is looked through again so much later: something may be due by the clock alone.
LOOK_AGAIN_S = 1.0

LEVEL = gauge(
    "tartip_jobs_level_clock_seconds",
    "seconds",
    "Instant of the domain's clock up to which the jobs of this process have done their work and Kafka has what came of it",
)
LEVEL_SINCE = gauge(
    "tartip_jobs_level_real_seconds", "seconds", "Real time up to which what was committed is worked on, and Kafka has what came of it"
)
DONE = counter("tartip_jobs_done_total", "pieces", "What a job did, in its own pieces", ("job_name",))
FAILED = counter("tartip_jobs_failed_total", "failures", "Times that a job failed; it is tried again", ("job_name",))

log = structlog.get_logger(__name__)

P = TypeVar("P")

# Whether something is due still.
Left = Callable[[], Awaitable[bool]]
# A word for all that can be seen in the database: the same word, the same rows. None where it is not known.
Seen = Callable[[], Awaitable[str | None]]


def passes(error: Exception) -> bool:
    """Whether a piece failed at something that passes by itself; time that ran out does not: less may end in time."""
    return isinstance(error, Unavailable) and not is_out_of_time(error)


async def each_for_itself(do: Callable[[Sequence[P]], Awaitable[None]], pieces: Sequence[P]) -> None:
    """Does the pieces together, or where that fails each alone, so that a bad one does not hold up the others.

    Raises the first failure after all were tried; at once where it passes by itself.
    """
    try:
        await do(pieces)
    except Exception as error:
        if len(pieces) < 2 or passes(error):
            raise
        failures = list[Exception]()
        for piece in pieces:
            try:
                await do([piece])
            except Exception as error:
                if passes(error):
                    raise
                failures.append(error)
        if failures:
            raise failures[0] from None


async def each_on_its_own(job: str, do: Callable[[P], Awaitable[object]], pieces: Sequence[P]) -> None:
    """Does the pieces of a job one after the other; what fails is counted and told by its kind, never by name, and holds up no other.

    A refusal is no failure: the piece is not due any more. Time that ran out is one. Raises at once what passes by itself.
    """
    failures = list[str]()
    for piece in pieces:
        try:
            await do(piece)
        except Exception as error:
            if passes(error):
                raise
            if not isinstance(error, Fault) or isinstance(error, Unavailable):
                failures.append(OutOfTime.__name__ if is_out_of_time(error) else type(error).__name__)
    if failures:
        FAILED.labels(job).inc(len(failures))
        log.error("some pieces of a job failed", job=job, count=len(failures), errors=sorted(set(failures)))


@dataclass(frozen=True, slots=True)
class Job:
    """A job: `do` does one piece in a transaction of its own and says how much that was, 0 when nothing is due."""

    name: str
    do: Callable[[], Awaitable[int]]


@dataclass(slots=True)
class Level:
    """Tells up to which instant the work is done: it counts only once Kafka has everything that was committed by then.

    `drained_at` gives the real time (seconds since 1970) before which everything committed is in Kafka.
    """

    drained_at: Callable[[], float]
    _reached: tuple[float, float] | None = None
    _done_at: float = 0.0

    def done(self, instant: float, began: float) -> None:
        """Nothing was due any more at this instant of the domain's clock, as was seen from real time `began` on (seconds since 1970)."""
        if self._reached is None:
            self._reached, self._done_at = (instant, began), time.time()

    def tell(self) -> None:
        """Publishes what was reached as metrics as soon as it counts."""
        if self._reached is not None and self.drained_at() > self._done_at:
            instant, began = self._reached
            LEVEL.set(instant)
            LEVEL_SINCE.set(began)
            self._reached = None


@dataclass(frozen=True, slots=True)
class _Idle:
    """A turn that found nothing due: what it saw, at which instants of the domain's clock and of the machine's."""

    seen: str
    instant: float
    at: float

    def still(self, seen: str | None, instant: float) -> bool:
        """Whether a turn now would find nothing either."""
        return seen == self.seen and abs(instant - self.instant) < LOOK_AGAIN_S and time.monotonic() - self.at < LOOK_AGAIN_S


class Jobs:
    """The jobs of a process, in turns: a long one does not hold the others up, and one that fails leaves them running.

    `left` says whether something is due still that other processes work on. With `seen` there is no turn while nothing was
    committed since one that found nothing due, but for one a second.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        clock: Clock,
        drained_at: Callable[[], float],
        left: Left | None = None,
        seen: Seen | None = None,
        *,
        poll_s: float = POLL_S,
    ) -> None:
        self._jobs, self._clock, self._left, self._seen, self._poll_s = tuple(jobs), clock, left, seen, poll_s
        self._level = Level(drained_at)
        self._idle: _Idle | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop`; an absent database is waited for, a failure is logged and tried again."""
        while not stop.is_set():
            await paused(stop, await self._round())

    async def _round(self) -> float:
        """Gives each job its turn, unless nothing can be due; after how many seconds there is another round."""
        instant, began, seen = self._clock().timestamp(), time.time(), await self._seen() if self._seen is not None else None
        self._level.tell()
        if self._idle is not None and self._idle.still(seen, instant):
            self._level.done(self._idle.instant, began)
            return self._poll_s
        did = [await _turn(job) for job in self._jobs]
        nothing = all(each == 0 for each in did) and not await self._is_left()
        if nothing:
            self._level.done(instant, began)
        self._idle = _Idle(seen, instant, time.monotonic()) if nothing and seen is not None else None
        return BACK_OFF_S if None in did else 0.0 if any(did) else self._poll_s

    async def _is_left(self) -> bool:
        """Whether something is due still that others work on."""
        if self._left is None:
            return False
        try:
            return await self._left()
        except Unavailable:
            return True


async def keep_doing(job: Job, wake: asyncio.Event, stop: asyncio.Event, busy: Callable[[], bool] = lambda: False) -> None:
    """Does one job until `stop`, beside what makes it due: it begins soon after `wake` is set, and looks by itself now and then.

    What becomes due soon after a piece was begun is done with the next one.
    While what makes it due is `busy`, the job rests after each piece for as long as nine such pieces take: what becomes due
    meanwhile is done at once.
    """
    while not stop.is_set():
        wake.clear()
        began = time.monotonic()
        did = await _turn(job)
        if not did:
            await paused(wake, BACK_OFF_S)
        else:
            await give_way(began, lambda: busy() and not stop.is_set())
        await paused(stop, began + TOGETHER_S - time.monotonic())


async def _turn(job: Job) -> int | None:
    """How much the job did; None if it could not."""
    try:
        did = await job.do()
    except Unavailable:
        log.warning("a job waits for what is away", job=job.name, exc_info=True)
        return None
    except Exception:
        FAILED.labels(job.name).inc()
        log.exception("a job failed", job=job.name)
        return None
    DONE.labels(job.name).inc(did)
    return did
