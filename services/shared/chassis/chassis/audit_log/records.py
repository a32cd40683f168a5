"""The audit as its readers see it: pages of records within the caller's reach, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.access import Caller
from chassis.database import Database

_COLUMNS = "id, recorded_at, subject, client, grants, method, action, resource, rule, outcome, request_id, body, region, purpose"
_WANTED = "id < $1 AND ($3 = '' OR action = $3) AND ($4 = '' OR subject = $4) AND ($5 = '' OR resource = $5)"
_PAGE = f"(SELECT {_COLUMNS} FROM audit_records WHERE {_WANTED} AND {{within}} ORDER BY id DESC LIMIT $2)"
_ALL = _PAGE.format(within="true")
# Two ways to find them, each along an index of its own.
_WITHIN = (
    f"{_PAGE.format(within='body = ANY ((SELECT reached_bodies())::text[])')} UNION ALL "
    f"{_PAGE.format(within='body IS NULL AND region = ANY ($6::text[])')} ORDER BY id DESC LIMIT $2"
)
_NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records; what is empty does not narrow."""

    action: str = ""
    subject: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class ListAuditRecords:
    """Shows records of the bodies and regions that the caller audits."""

    database: Database

    async def __call__(self, caller: Caller, wanted: Wanted, before: int | None, limit: int) -> Sequence[Any]:
        """Returns at most `limit` rows of `audit_records` older than a record (None: from the newest on)."""
        given = (_NEWEST if before is None else before, limit, wanted.action, wanted.subject, wanted.resource)
        async with self.database.transaction(caller) as transaction:
            driver = await transaction.driver()
            reach = caller.reach
            rows: Sequence[Any] = await (
                driver.fetch(_ALL, *given) if reach.nation else driver.fetch(_WITHIN, *given, sorted(reach.regions))
            )
            return rows
