"""Calls over gRPC as fast as they are answered: some always on their way, for a span of time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from .figures import percentile

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Answered:
    """How many calls a second were answered, and how long each took in seconds."""

    per_second: float
    seconds: Sequence[float]

    def milliseconds(self, share: float) -> float:
        """The time that so large a share of the calls does not exceed."""
        return percentile(self.seconds, share) * 1000


async def answered(call: Call, calls: int, at_once: int) -> Answered:
    """Makes so many calls, `at_once` on their way at any time."""
    left, took = calls, list[float]()

    async def caller() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            began = time.perf_counter()
            await call()
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return Answered(len(took) / (time.perf_counter() - began), took)
