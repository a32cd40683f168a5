"""Waiting for a condition in a test, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable

# Whoever waits longer waits for something that does not come; a loaded machine may be slow.
PATIENCE_S = 30.0
LOOK_AGAIN_S = 0.01


async def until(condition: Callable[[], Awaitable[object] | object], patience_s: float = PATIENCE_S) -> None:
    """Returns as soon as the condition, asked for or awaited, holds; TimeoutError when it does not within `patience_s` seconds."""
    async with asyncio.timeout(patience_s):
        while True:
            answer = condition()
            if await answer if isawaitable(answer) else answer:
                return
            await asyncio.sleep(LOOK_AGAIN_S)
