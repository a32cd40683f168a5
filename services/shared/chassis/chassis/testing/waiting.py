"""Waiting for a condition in a test, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE_S = 10.0


async def until(condition: Callable[[], Awaitable[bool]], patience_s: float = PATIENCE_S) -> None:
    """Returns as soon as the condition holds; TimeoutError when it does not within `patience_s` seconds."""
    async with asyncio.timeout(patience_s):
        while not await condition():  # noqa: ASYNC110 - what is waited for changes in other processes
            await asyncio.sleep(0.01)
