"""Who did what, when and on which ground: written in the transaction of the change, read and inserted only.

Before and after are kept as HMAC-SHA-256 under a key of the database, since a bare hash of a grade can be guessed. What was
written is sealed a moment later (`chassis.audit_log`).
"""

import dataclasses
import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace

from chassis.access import Caller, Grant, caller_or_none
from chassis.calls import current_call

DONE = "done"
# What is written down of a call that was refused; its outcome is the reason.
REFUSED = "call.refuse"

_INSERT = """
INSERT INTO audit_records (subject, client, grants, method, action, resource, rule, outcome, before_digest, after_digest,
                           request_id, trace_id, body, region, purpose)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
_OF_BODY = re.compile(r"stateBodies/([^/]+)")


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One deed, or a call that was refused: `before` and `after` are the resource's bytes, of which only digests are stored.

    `body` is the state body whose auditors see it, `region` the region where there is no body; those of the nation see all.
    `purpose` is what the caller said the call was for.
    """

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
    outcome: str = DONE
    body: str | None = None
    region: str | None = None
    purpose: str | None = None


def audit_record(
    caller: Caller | None,
    action: str,
    resource: str,
    rule: str | None = None,
    before: bytes | None = None,
    after: bytes | None = None,
    body: str | None = None,
    region: str | None = None,
) -> AuditRecord:
    """The record of a deed done by `caller`, or by the caller of the present call, or by the system itself.

    It belongs to `region` alone where that is given; else to `body`, else to the body that the resource's name says, else to the
    one body, or region, of the grants.
    """
    call = current_call()
    who = caller or caller_or_none()
    of_body, of_region = (None, region) if region else _scope(resource, who.grants if who else (), body)
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
        trace_id=_trace_id(),
        body=of_body,
        region=of_region,
        purpose=call.purpose if call else None,
    )


def refusal_record(
    subject: str, client: str, grants: Iterable[Grant], method: str, resource: str, reason: str, rule: str | None, request_id: str
) -> AuditRecord:
    """The record of a call that was refused to somebody who is known, with all that the token grants; `reason` is its outcome."""
    held = tuple(grants)
    body, region = _scope(resource, held, None)
    return AuditRecord(
        subject=subject,
        client=client,
        grants=tuple(sorted({grant.path for grant in held})),
        method=method,
        action=REFUSED,
        resource=resource,
        rule=rule,
        before=None,
        after=None,
        request_id=request_id,
        trace_id=_trace_id(),
        outcome=reason,
        body=body,
        region=region,
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
        record.outcome,
        _digest(key, record.before),
        _digest(key, record.after),
        record.request_id,
        record.trace_id,
        record.body,
        record.region,
        record.purpose,
    )


def _scope(resource: str, grants: Iterable[Grant], body: str | None) -> tuple[str | None, str | None]:
    """The body that a record belongs to, or the region where there is none."""
    named = _OF_BODY.match(resource)
    of_body = body or (named[1] if named else None) or _only(grants, "state-body")
    return of_body, None if of_body else _only(grants, "region")


def _only(grants: Iterable[Grant], kind: str) -> str | None:
    scopes = {grant.scope for grant in grants if grant.scope_kind == kind}
    return scopes.pop() if len(scopes) == 1 else None


def _trace_id() -> str:
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else ""


def _digest(key: bytes, content: bytes | None) -> bytes | None:
    return None if content is None else hmac.digest(key, content, "sha256")
