"""The same request twice is done once and answered alike for 24 hours.

The answer is stored in the transaction of the work, so there is no answer without the work and no work without it. Of what was asked
a digest is kept under a key that the database does not know: what could be guessed of a person must not be confirmed by it.
"""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kernel.faults import Conflict

from chassis.access import Caller, forbidden
from chassis.audit import grant_names
from chassis.database import Database, Transaction

REUSED = "REQUEST_ID_REUSED"
# Rows a purge deletes at once: a transaction ends well within its five seconds.
PURGED_AT_ONCE = 5_000

_FIND = """
SELECT body_digest, grants, response FROM request_results
WHERE subject = $1 AND method = $2 AND request_id = $3 AND stored_at > clock_timestamp() - interval '24 hours'
"""
# A row older than a day may still be there: its place is taken.
_KEEP = """
INSERT INTO request_results (subject, method, request_id, body_digest, grants, response) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (subject, method, request_id) DO UPDATE
SET body_digest = excluded.body_digest, grants = excluded.grants, response = excluded.response, stored_at = clock_timestamp()
"""
_PURGE = """
DELETE FROM request_results WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM request_results WHERE stored_at <= clock_timestamp() - interval '24 hours' LIMIT $1
))
"""


class RequestEntry:
    """The place of one request in the ledger; `answer` is what was answered before, or None."""

    def __init__(self, transaction: Transaction, caller: Caller, method: str, request_id: str, digest: bytes, bare: bytes) -> None:
        self.answer: bytes | None = None
        self._transaction = transaction
        self._caller = caller
        self._method = method
        self._request_id = request_id
        self._digest, self._bare = digest, bare

    async def look(self) -> None:
        """Waits for a request of the same id that is being worked on, and finds what was answered."""
        place = "\0".join((self._caller.subject, self._method, self._request_id))
        await self._transaction.lock("request", (place,))
        driver = await self._transaction.driver()
        row = await driver.fetchrow(_FIND, self._caller.subject, self._method, self._request_id)
        if row is None:
            return
        # Versions before kept the bare digest: whoever asked one of them and repeats to us asked the same.
        if row["body_digest"] not in (self._digest, self._bare):
            raise Conflict("request_id", reason=REUSED, requestId=self._request_id)
        if not set(row["grants"]) <= set(grant_names(self._caller)):
            raise forbidden(self._method, ", ".join(sorted(row["grants"])), self._caller.grants)
        self.answer = row["response"]

    async def keep(self, answer: bytes) -> None:
        """Stores the answer with the work's changes."""
        driver = await self._transaction.driver()
        grants = list(grant_names(self._caller))
        await driver.execute(_KEEP, self._caller.subject, self._method, self._request_id, self._digest, grants, answer)


class RequestLedger:
    """Which requests were answered in the last 24 hours, and how; a request is known by subject, method and id.

    With another `key` a request from before is refused with REQUEST_ID_REUSED where it is repeated, and nothing is done twice.
    """

    def __init__(self, database: Database, key: str) -> None:
        self._database = database
        self._key = f"requests {key}".encode()

    @asynccontextmanager
    async def entry(self, caller: Caller, method: str, request_id: str, digest: bytes) -> AsyncIterator[RequestEntry]:
        """Opens the transaction of the request: every `transaction()` inside joins it, and it commits at the end.

        A second call with the same id waits for the first. Raises Conflict REQUEST_ID_REUSED where the id came with
        another digest, and Forbidden where the caller no longer holds the grants of then.
        """
        async with self._database.shared(caller) as transaction:
            entry = RequestEntry(transaction, caller, method, request_id, hmac.digest(self._key, digest, "sha256"), digest)
            await entry.look()
            yield entry


async def purge_answers(database: Database) -> int:
    """Deletes answers older than 24 hours; how many there were."""
    purged = 0
    while True:
        async with database.transaction() as transaction:
            tag = await (await transaction.driver()).execute(_PURGE, PURGED_AT_ONCE)
        deleted = int(tag.rpartition(" ")[2])
        purged += deleted
        if deleted < PURGED_AT_ONCE:
            return purged
