"""Writes down what is refused to a caller who is known: that they may not, or that there is no such thing for them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from kernel.faults import Fault, Forbidden, NotFound

from chassis.audit import AuditRecord, refusal_record
from chassis.interceptors.incoming import Incoming, Layer


def written_down(note: Callable[[AuditRecord], None]) -> Layer:
    """Returns the layer that notes refusals for the audit.

    NOT_FOUND is noted wherever it comes from: whether something is hidden or not there, the filters alone know.
    """

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        try:
            yield
        except (Forbidden, NotFound) as refused:
            note(_record(call, refused))
            raise

    return layer


def _record(call: Incoming, refused: Fault) -> AuditRecord:
    claims = call.claims
    assert claims is not None, "who is not known is refused before"
    resource = str(refused.facts.get("resource") or call.resource)
    return refusal_record(claims.subject, claims.client, claims.grants, call.method, resource, refused.reason, refused.rule, call.id)
