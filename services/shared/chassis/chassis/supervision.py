"""What runs beside the work of a process: conditions of readiness, and the end of everything with the first that ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar

from chassis.process import Admin

CHECK_EVERY_S = 1.0  # as often as probes ask
FIRST_CHECKS_S = 0.1  # at the start somebody waits for readiness
# A piece of work has its price whatever is in it: what comes within so long is done together.
TOGETHER_S = 0.15
# Who gives way rests for so many times as long as it worked, and at most so long; and looks again so often whether it must.
REST, LONGEST_REST_S, LOOK_AGAIN_S = 9, 9.0, 0.1

T = TypeVar("T")


class Closing(Protocol):
    """What is to be let go of at the end."""

    async def close(self) -> None:
        """Lets go."""


@asynccontextmanager
async def closing(*resources: Closing) -> AsyncIterator[None]:
    """Closes the resources at the end of the block, the last one first."""
    async with AsyncExitStack() as stack:
        for resource in resources:
            stack.push_async_callback(resource.close)
        yield


async def watch(admin: Admin, condition: str, holds: Callable[[], Awaitable[bool]]) -> None:
    """Tells the probes, until cancelled, whether a condition of readiness holds."""
    while True:
        held = await holds()
        if held:
            admin.met(condition)
        else:
            admin.unmet(condition, "away")
        await asyncio.sleep(CHECK_EVERY_S if held else FIRST_CHECKS_S)


def said(holds: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """A condition that is known without waiting, in the shape that `watch` takes."""

    async def answer() -> bool:
        return holds()

    return answer


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work returns, or None where `stop` came first; it is cancelled then."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, stopped):
            task.cancel()
        await asyncio.gather(working, stopped, return_exceptions=True)


async def until(stop: asyncio.Event, *work: Awaitable[None], beside: tuple[Awaitable[None], ...] = ()) -> None:
    """Works until `stop` is set and all `work` has ended; what of it ends or fails before ends everything.

    `beside` runs along and is cancelled at the end; it may end before, but if it fails, everything ends too.
    """
    tasks = [asyncio.ensure_future(each) for each in work]
    others = [asyncio.ensure_future(each) for each in beside]
    stopped = asyncio.ensure_future(stop.wait())
    try:
        running = {*tasks, *others, stopped}
        while not any(each not in others or each.exception() for each in {*tasks, *others, stopped} - running):
            _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.gather(*tasks)
        for other in others:
            if other.done():
                other.result()
    finally:
        stop.set()
        for task in (*tasks, *others, stopped):
            task.cancel()
        for task in (*tasks, *others, stopped):
            with suppress(asyncio.CancelledError, Exception):
                await task


async def paused(event: asyncio.Event, seconds: float) -> bool:
    """Waits, but not beyond an event, as a stop is one; whether it came."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


async def give_way(began: float, busy: Callable[[], bool]) -> None:
    """Rests after a piece of work that began at that monotonic time, while those are busy who go first, for nine times its length at most.

    So who gives way does a tenth of what it could, and never nothing.
    """
    now = time.monotonic()
    until = now + min(REST * (now - began), LONGEST_REST_S)
    while busy() and time.monotonic() < until:  # noqa: ASYNC110 - it is asked, and tells nobody
        await asyncio.sleep(LOOK_AGAIN_S)
