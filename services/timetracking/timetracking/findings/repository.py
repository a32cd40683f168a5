"""Findings in PostgreSQL: saved in bulk, with the event of each change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.database import Transaction
from kernel.identifiers import new_id

from timetracking.findings.domain import Claim, Finding, State, subject_of
from timetracking.findings.events import TOPIC, message
from timetracking.findings.use_cases import ToldFinding

_SAVE = """
INSERT INTO findings AS f
    (id, kind, servant, device, badge, body, date, until, first, last, seconds, state, rule, reads, revision, edition, changed_at)
SELECT id, kind, servant, device, badge, body, date, until, first, last, seconds, state, rule,
       CASE WHEN reads = '' THEN '{}' ELSE string_to_array(reads, E'\\n') END, revision, edition, $17
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::date[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::text[]
) AS finding (id, kind, servant, device, badge, body, date, until, first, last, seconds, state, rule, reads, revision, edition)
ON CONFLICT (id) DO UPDATE SET
    body = excluded.body, last = excluded.last, seconds = excluded.seconds, state = excluded.state, rule = excluded.rule,
    reads = excluded.reads, revision = excluded.revision, edition = excluded.edition, until = excluded.until,
    changed_at = excluded.changed_at
"""
_WALK = "SELECT id, servant, device, changed_at FROM findings WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2"
_OF = "SELECT id, servant, device, changed_at FROM findings WHERE id = ANY ($1::uuid[]) ORDER BY id"
_STATES = "SELECT * FROM findings WHERE id = ANY ($1::uuid[]) ORDER BY id::text"


@dataclass(frozen=True, slots=True)
class StoredFindings:
    """The findings as a transaction sees them."""

    transaction: Transaction

    async def walk(self, after: UUID | None, limit: int) -> Sequence[ToldFinding]:
        """Returns at most `limit` findings after an ID, by ID."""
        return await self._told(_WALK, after, limit)

    async def of(self, ids: Collection[UUID]) -> Sequence[ToldFinding]:
        """Returns those of the findings that are kept, by ID."""
        return await self._told(_OF, list(ids))

    async def _told(self, query: str, *arguments: object) -> Sequence[ToldFinding]:
        rows = await (await self.transaction.driver()).fetch(query, *arguments)
        return [ToldFinding(row["id"], row["servant"], row["device"], row["changed_at"]) for row in rows]

    async def tell_again(self, ids: Collection[UUID]) -> None:
        """Publishes the findings as they stand; the locks of their servants and devices are held."""
        for row in await (await self.transaction.driver()).fetch(_STATES, list(ids)):
            self.transaction.publish(TOPIC, str(row["id"]), message(finding_of(row), row["changed_at"], new_id()))


async def save_findings(transaction: Transaction, findings: Sequence[Finding], at: datetime) -> None:
    """Saves the findings and publishes each, in the order of their IDs; the locks of their subjects are held."""
    if not findings:
        return
    driver = await transaction.driver()
    rows = sorted(findings, key=lambda finding: str(finding.claim.id))
    await driver.execute(
        _SAVE,
        [each.claim.id for each in rows],
        [each.claim.kind for each in rows],
        [each.servant for each in rows],
        [each.device for each in rows],
        [each.badge for each in rows],
        [each.body for each in rows],
        [each.claim.date for each in rows],
        [each.claim.until for each in rows],
        [each.claim.first for each in rows],
        [each.claim.last for each in rows],
        [each.claim.seconds for each in rows],
        [each.state.value for each in rows],
        [each.claim.rule for each in rows],
        ["\n".join(each.claim.reads) for each in rows],
        [each.revision for each in rows],
        [each.edition for each in rows],
        at,
    )
    for each in rows:
        transaction.publish(TOPIC, str(each.claim.id), message(each, at, new_id()))


def finding_of(row: Any) -> Finding:
    """The row of a finding in the words of the domain."""
    claim = Claim(
        subject=subject_of(row["kind"], row["servant"], row["device"], row["badge"], row["reads"]),
        kind=row["kind"],
        date=row["date"],
        first=row["first"],
        seconds=row["seconds"],
        rule=row["rule"],
        until=row["until"],
        last=row["last"],
        reads=tuple(row["reads"]),
    )
    return Finding(
        claim=claim,
        body=row["body"],
        servant=row["servant"],
        device=row["device"],
        badge=row["badge"],
        state=State(row["state"]),
        revision=row["revision"],
        edition=row["edition"],
    )
