"""What a database shows, as a word: while the word is the same, so is every row that anybody sees."""

from contextlib import AsyncExitStack, suppress
from typing import Any

import structlog

from chassis.database import Database

log = structlog.get_logger(__name__)

# PostgreSQL names a snapshot by the transactions that it sees: each that wrote and ends, well or not, makes another.
_WORD = "SELECT pg_current_snapshot()::text"
# Who asks wants to save time: an answer that takes longer is none.
ANSWERED_WITHIN_S = 0.5


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
            return str(await self._driver.fetchval(_WORD, timeout=ANSWERED_WITHIN_S))
        except Exception as error:  # who asks does then what it would do otherwise, and is told what is wrong
            if self._driver is not None:
                log.warning("it is not known what the database shows", error=type(error).__name__)
            await self.close()
            return None

    async def close(self) -> None:
        """Lets go of the connection."""
        self._driver, stack, self._stack = None, self._stack, AsyncExitStack()
        with suppress(Exception):
            await stack.aclose()
