"""How a fault becomes an answer: google.rpc.Status with its reason, facts, article and a text for people."""

import math
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import grpc
import structlog
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from kernel.faults import (
    Conflict,
    Fault,
    Forbidden,
    Malformed,
    NotFound,
    Stale,
    TookTooLong,
    TooMuch,
    Unauthenticated,
    Unavailable,
)
from kernel.text import LANGUAGES
from lawbook import Rule
from tartip.law.v1 import law_pb2

from chassis.messages import Messages, shown
from chassis.wire import day_message, text_message

log = structlog.get_logger("chassis.errors")

DEFAULT_LANGUAGE = "kk"
RETRY_UNAVAILABLE_S = 1.0  # a restarted database or broker is back within seconds
TRAILER_LIMIT = 4096  # bytes of details; intermediaries refuse larger headers
CODES: tuple[tuple[type[Fault], int], ...] = (
    (Malformed, code_pb2.INVALID_ARGUMENT),
    (NotFound, code_pb2.NOT_FOUND),
    (Conflict, code_pb2.ALREADY_EXISTS),
    (Stale, code_pb2.ABORTED),
    (Unauthenticated, code_pb2.UNAUTHENTICATED),
    (Forbidden, code_pb2.PERMISSION_DENIED),
    (TooMuch, code_pb2.RESOURCE_EXHAUSTED),
    (TookTooLong, code_pb2.DEADLINE_EXCEEDED),
    (Unavailable, code_pb2.UNAVAILABLE),
)


class Internal(Fault):
    """Something unexpected went wrong in the request of this ID; the log has the cause, the answer nothing of it."""

    def __init__(self, request_id: str) -> None:
        super().__init__("INTERNAL", {"requestId": request_id})


class Law(Protocol):
    """The law that refusals cite: the Lawbook."""

    @property
    def edition(self) -> str:
        """The digest of all of it."""

    def rule(self, rule_id: str, on: date) -> Rule:
        """Returns the rule as it stood on a date."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """How one service refuses: its name in the error domain, its texts and the law that it cites."""

    service: str
    messages: Messages
    law: Law

    def status(self, fault: Fault, language: str) -> status_pb2.Status:
        """Returns the fault as a Status; each detail stands at most once, the whole under 4 KB.

        Its `message` is the English text, for developers; LocalizedMessage speaks to the caller in `language`.
        """
        details: list[Message] = [self._reason(fault)]
        if isinstance(fault, Malformed):
            details.append(_violations(fault))
        if isinstance(fault, TooMuch | Unavailable):
            details.append(_retry(fault))
        basis = self._legal_basis(fault)
        if basis is not None:
            details.append(basis)
        text = self.messages.render(fault.reason, fault.facts, language)
        if text is None:
            log.error("a reason lacks its text", reason=fault.reason)
        else:
            details.append(error_details_pb2.LocalizedMessage(locale=language, message=text))
        status = status_pb2.Status(code=code_of(fault), message=self.messages.render(fault.reason, fault.facts, "en") or fault.reason)
        for detail in details:
            status.details.add().Pack(detail)
        return status

    def _reason(self, fault: Fault) -> error_details_pb2.ErrorInfo:
        metadata = {key: shown(value) for key, value in fault.facts.items()}
        return error_details_pb2.ErrorInfo(reason=fault.reason, domain=f"{self.service}.tartip", metadata=metadata)

    def _legal_basis(self, fault: Fault) -> law_pb2.LegalBasis | None:
        if fault.rule is None or fault.on is None:
            return None
        try:
            rule = self.law.rule(fault.rule, fault.on)
        except Exception:
            log.exception("the rule of a refusal does not resolve", rule=fault.rule, on=fault.on.isoformat())
            return None
        return legal_basis(rule, self.law.edition)


def legal_basis(rule: Rule, edition: str) -> law_pb2.LegalBasis:
    """Returns a rule of law as the ground of an answer, with the edition of the lawbook that was applied."""
    return law_pb2.LegalBasis(
        rule=rule.id,
        citation=text_message(rule.citation),
        title=text_message(rule.title),
        in_force_since=day_message(rule.since),
        edition=edition,
    )


_refusals: ContextVar[Refusals | None] = ContextVar("refusals", default=None)
_language: ContextVar[str] = ContextVar("language", default=DEFAULT_LANGUAGE)


def speak(refusals: Refusals, language: str) -> None:
    """Makes the current task (an RPC's own) refuse in this service's name and this language."""
    _refusals.set(refusals)
    _language.set(language)


def current_language() -> str:
    """Returns the language of the caller whose RPC is being answered: kk, ru or en."""
    return _language.get()


def status_of(fault: Fault, language: str | None = None) -> status_pb2.Status:
    """Returns a fault of one row as a Status, inside an RPC; LookupError outside of one (use `Refusals.status`)."""
    refusals = _refusals.get()
    if refusals is None:
        raise LookupError("there is no service to refuse for outside of an RPC")
    return refusals.status(fault, language or current_language())


def code_of(fault: Fault) -> int:
    """Returns the google.rpc.Code of a fault; what is neither of the named kinds is FAILED_PRECONDITION."""
    if isinstance(fault, Internal):
        return int(code_pb2.INTERNAL)
    return next((code for kind, code in CODES if isinstance(fault, kind)), int(code_pb2.FAILED_PRECONDITION))


def code_name(code: int) -> str:
    """Returns a code as people write it: "NOT_FOUND"."""
    return next((status.name for status in grpc.StatusCode if status.value[0] == code), str(code))


def language_of(accepted: str | None) -> str:
    """Returns the first language of an `accept-language` value that the platform speaks, kk where there is none."""
    for part in (accepted or "").split(","):
        language = part.split(";")[0].split("-")[0].strip().lower()
        if language in LANGUAGES:
            return language
    return DEFAULT_LANGUAGE


def _violations(fault: Malformed) -> error_details_pb2.BadRequest:
    """Lists the fields that are wrong, as many as the trailer holds."""
    bad = error_details_pb2.BadRequest()
    for field, right in fault.violations.items():
        bad.field_violations.add(field=field, description=right)
        if bad.ByteSize() > TRAILER_LIMIT // 2:
            bad.field_violations.pop()
            break
    return bad


def _retry(fault: TooMuch | Unavailable) -> error_details_pb2.RetryInfo:
    seconds = fault.retry_after_s if isinstance(fault, TooMuch) else RETRY_UNAVAILABLE_S
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromMilliseconds(math.ceil(seconds * 1000))
    return info
