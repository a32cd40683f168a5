"""How long a story waits, and how often it looks: faults take their time on a machine that does other things too."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable

# Whoever waits longer waits for something that does not come.
PATIENCE_S = 120.0
# A look at Kafka or PostgreSQL costs those that are looked at, too.
LOOK_AGAIN_S = 0.05


async def until(condition: Callable[[], Awaitable[object] | object]) -> None:
    """Returns as soon as the condition, asked for or awaited, holds; TimeoutError when it does not within two minutes."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = condition()
            if await answer if isawaitable(answer) else answer:
                return
            await asyncio.sleep(LOOK_AGAIN_S)
