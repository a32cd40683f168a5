"""Remote sessions in PostgreSQL."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.access import Caller
from chassis.database import Transaction
from kernel.faults import NotFound

from timetracking.names import session_name
from timetracking.sessions.domain import RemoteSession

_OPEN = "SELECT id, servant, starts, ends FROM remote_sessions WHERE servant = $1 AND ends IS NULL"
_GET = "SELECT id, servant, starts, ends FROM remote_sessions WHERE id = $1 AND servant = $2 AND servant = $3"
_ADD = "INSERT INTO remote_sessions (id, servant, starts) VALUES ($1, $2, $3)"
_END = "UPDATE remote_sessions SET ends = $2 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class StoredSessions:
    """The remote sessions; each is seen by whose it is."""

    transaction: Transaction

    async def open_one(self, servant: str) -> RemoteSession | None:
        """Returns the servant's session that goes on, if there is one; the servant's lock is held."""
        row = await (await self.transaction.driver()).fetchrow(_OPEN, servant)
        return _session(row) if row else None

    async def get(self, servant: str, session: str, visible_to: Caller) -> RemoteSession:
        """Returns the session; NotFound if it is not the caller's own."""
        row = await (await self.transaction.driver()).fetchrow(_GET, session, servant, visible_to.reach.servant)
        if row is None:
            raise NotFound(session_name(servant, session))
        return _session(row)

    async def add(self, session: RemoteSession) -> None:
        """Records a session that begins."""
        driver = await self.transaction.driver()
        await driver.execute(_ADD, session.session, session.servant, int(session.start.timestamp()))

    async def end(self, session: RemoteSession) -> None:
        """Records the end of a session."""
        driver = await self.transaction.driver()
        await driver.execute(_END, session.session, int(session.end.timestamp()) if session.end else None)


def _session(row: Any) -> RemoteSession:
    end = datetime.fromtimestamp(row["ends"], UTC) if row["ends"] is not None else None
    return RemoteSession(row["id"], row["servant"], datetime.fromtimestamp(row["starts"], UTC), end)
