"""What a database shows, as a word: while the word is the same, so is every row that anybody sees."""

from contextlib import AsyncExitStack, suppress
from typing import Any

from chassis.database import Database

# PostgreSQL names a snapshot by the transactions that it sees: each that wrote and ends, well or not, makes another.
_WORD = "SELECT pg_current_snapshot()::text"


class Snapshots:
    """Tells what a database shows, over a connection of its own; to be closed."""

    def __init__(self, database: Database) -> None:
        self._database, self._stack = database, AsyncExitStack()
        self._driver: Any = None

    async def __call__(self) -> str | None:
        """The word of now, None where the database does not tell."""
        try:
            if self._driver is None:
                self._driver = await self._stack.enter_async_context(self._database.apart())
            return str(await self._driver.fetchval(_WORD))
        except Exception:  # who asks does then what it would do otherwise, and is told what is wrong
            await self.close()
            return None

    async def close(self) -> None:
        """Lets go of the connection."""
        self._driver, stack, self._stack = None, self._stack, AsyncExitStack()
        with suppress(Exception):
            await stack.aclose()
