"""What the gateway counts and writes down now and then, for the accounts of devices.

What was counted in the last seconds before a gateway is killed is not written down.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

WRITTEN_EVERY_S = 5.0


class Book(ABC):
    """Counts that are not written down yet."""

    @abstractmethod
    async def write(self) -> None:
        """Writes down what was counted; where that fails, it waits for the next time: devices are answered without it."""

    @asynccontextmanager
    async def written(self) -> AsyncIterator[None]:
        """At the end of the block writes what is left."""
        try:
            yield
        finally:
            await self.write()

    async def keep_writing(self) -> None:
        """Writes again and again, until cancelled."""
        while True:
            await asyncio.sleep(WRITTEN_EVERY_S)
            await self.write()
