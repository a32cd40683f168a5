"""Who did what, when and on which ground: written in the transaction of the change, read and inserted only.

Before and after are kept as HMAC-SHA-256 under a key of the database, since a bare hash of a grade can be guessed.
"""

import dataclasses
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace

from chassis.access import Caller, caller_or_none
from chassis.calls import current_call

DONE = "done"

_INSERT = """
INSERT INTO audit_records (subject, client, grants, method, action, resource, rule, outcome, before_digest, after_digest,
                           request_id, trace_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One deed: `before` and `after` are the resource's bytes, of which only digests are stored."""

    subject: str
    client: str
    grants: tuple[str, ...]
    method: str
    action: str
    resource: str
    rule: str | None
    before: bytes | None
    after: bytes | None
    request_id: str
    trace_id: str


def audit_record(
    caller: Caller | None,
    action: str,
    resource: str,
    rule: str | None = None,
    before: bytes | None = None,
    after: bytes | None = None,
) -> AuditRecord:
    """The record of a deed done by `caller`, or by the caller of the present call, or by the system itself."""
    call = current_call()
    who = caller or caller_or_none()
    span = trace.get_current_span().get_span_context()
    return AuditRecord(
        subject=who.subject if who else "system",
        client=who.client if who else "",
        grants=grant_names(who),
        method=call.method if call else "",
        action=action,
        resource=resource,
        rule=rule,
        before=before,
        after=after,
        request_id=call.request_id if call else "",
        trace_id=trace.format_trace_id(span.trace_id) if span.is_valid else "",
    )


def grant_names(caller: Caller | None) -> tuple[str, ...]:
    """What counts for the caller here, as text and in order: "/state-bodies/KGD/hr-officer"."""
    return tuple(sorted({*(grant.path for grant in caller.grants), *caller.control.paths})) if caller else ()


def content(state: object | None) -> bytes | None:
    """The bytes of a resource's state, a dataclass, of which digests are kept."""
    if state is None:
        return None
    if not dataclasses.is_dataclass(state) or isinstance(state, type):
        raise TypeError(f"the audit takes dataclasses, not {type(state).__name__}")
    return json.dumps(dataclasses.asdict(state), default=str, sort_keys=True).encode()


async def audit_key(driver: Any) -> bytes:
    """The key of this database under which before and after are digested."""
    return bytes(await driver.fetchval("SELECT key FROM audit_key"))


async def write_audit(driver: Any, key: bytes, records: Iterable[AuditRecord]) -> None:
    """Writes the records; `driver` is asyncpg's connection."""
    await driver.executemany(_INSERT, [_values(key, record) for record in records])


def _values(key: bytes, record: AuditRecord) -> tuple[object, ...]:
    return (
        record.subject,
        record.client,
        list(record.grants),
        record.method,
        record.action,
        record.resource,
        record.rule,
        DONE,
        _digest(key, record.before),
        _digest(key, record.after),
        record.request_id,
        record.trace_id,
    )


def _digest(key: bytes, content: bytes | None) -> bytes | None:
    return None if content is None else hmac.digest(key, content, "sha256")
