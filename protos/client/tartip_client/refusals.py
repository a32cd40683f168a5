"""Why the platform refuses: the reason with its facts, a text for people and the article; an exception for each meaning."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from tartip.law.v1 import law_pb2


class TartipError(Exception):
    """Whatever this package raises."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the three languages of the platform."""

    kk: str
    ru: str
    en: str

    def told(self, language: str) -> str:
        """Returns it in a language: kk, ru or en; Kazakh where it is another."""
        return {"kk": self.kk, "ru": self.ru, "en": self.en}.get(language, self.kk)


@dataclass(frozen=True, slots=True)
class Basis:
    """The rule of law on which a refusal rests: its ID, where it stands, what it says, since when, and the edition applied."""

    rule: str
    citation: Text
    title: Text
    in_force_since: date
    edition: str

    @classmethod
    def read(cls, message: law_pb2.LegalBasis) -> "Basis":
        """Reads the message; what a refusal, a finding or a figure carries."""
        day = message.in_force_since
        since = date(day.year or 1, day.month or 1, day.day or 1)
        return cls(message.rule, _text(message.citation), _text(message.title), since, message.edition)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal, taken apart: its code, reason and facts, the text for the caller, the article, the wrong fields."""

    code: str
    message: str
    reason: str = ""
    domain: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    language: str = ""
    basis: Basis | None = None
    violations: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None

    @property
    def known(self) -> int | None:
        """The value of ErrorReason of the service that refused; None for a reason that is younger than this client."""
        service = self.domain.removesuffix(".tartip")
        if not service.isidentifier():
            return None
        try:
            reasons: Any = importlib.import_module(f"tartip.{service}.v1.error_reason_pb2").ErrorReason
        except ModuleNotFoundError:
            return None
        value = reasons.DESCRIPTOR.values_by_name.get(f"ERROR_REASON_{self.reason}")
        return None if value is None else int(value.number)

    def __str__(self) -> str:
        """What, why, under which article, what to correct, in the language of the refusal."""
        parts = [f"{self.reason or self.code}: {self.text or self.message}"]
        if self.basis is not None:
            parts.append(f"{self.basis.citation.told(self.language)}: {self.basis.title.told(self.language)} ({self.basis.rule})")
        parts += [f"{where or 'the whole request'}: {right}" for where, right in self.violations.items()]
        if self.retry_after_s is not None:
            parts.append(f"again in {self.retry_after_s:g} s")
        return "; ".join(parts)


class Refused(TartipError, grpc.RpcError):
    """A call was refused, or did not reach the platform; `refusal` says all that came of why.

    It is gRPC's error too: `code()` and `details()` are its. `request_id` is the one that the call carried, where it changed something:
    whoever repeats the call with it does nothing twice.
    """

    def __init__(self, refusal: Refusal, request_id: str = "") -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.request_id = request_id

    def code(self) -> grpc.StatusCode:
        """The code of gRPC."""
        return grpc.StatusCode[self.refusal.code]

    def details(self) -> str:
        """The English text, for developers."""
        return self.refusal.message

    @property
    def reason(self) -> str:
        """Why, as the error catalogue names it: "TERM_TOO_LONG"; "" where the platform was not reached."""
        return self.refusal.reason

    @property
    def facts(self) -> Mapping[str, str]:
        """The facts of the reason: every number of the text."""
        return self.refusal.facts

    @property
    def text(self) -> str:
        """The text for people, in the language of the call."""
        return self.refusal.text

    @property
    def basis(self) -> Basis | None:
        """The rule of law on which it rests; None where it rests on none."""
        return self.refusal.basis

    @property
    def known(self) -> int | None:
        """The value of ErrorReason of the service that refused; None for a reason that is younger than this client."""
        return self.refusal.known


class Invalid(Refused):
    """The request is not well formed; `violations` says, by field, what would be right."""

    @property
    def violations(self) -> Mapping[str, str]:
        """What would be right, by field."""
        return self.refusal.violations


class Unauthenticated(Refused):
    """The call carried no token that counts."""


class NotAllowed(Refused):
    """The caller's grants do not reach this."""


class NotFound(Refused):
    """There is no such record, or the caller may not see it."""


class Conflict(Refused):
    """It exists already, or the request_id came with another request."""


class Stale(Conflict):
    """The record has changed since it was read: read it again."""


class Precondition(Refused):
    """A rule of law, or the state of the record, forbids it; `basis` is the article where it is one."""


class Again(Refused):
    """It may be tried again, after `retry_after_s` seconds where the platform says so."""

    @property
    def retry_after_s(self) -> float | None:
        """After how many seconds to try again."""
        return self.refusal.retry_after_s


class TooMany(Again):
    """More came at once than is taken of whoever calls."""


class Unavailable(Again):
    """The platform, or what it needs, is away."""


class OutOfTime(Refused):
    """There was no answer within the deadline; whether it was done, a repetition with the same request_id says."""


KINDS: Mapping[str, type[Refused]] = {
    "INVALID_ARGUMENT": Invalid,
    "UNAUTHENTICATED": Unauthenticated,
    "PERMISSION_DENIED": NotAllowed,
    "NOT_FOUND": NotFound,
    "ALREADY_EXISTS": Conflict,
    "ABORTED": Stale,
    "FAILED_PRECONDITION": Precondition,
    "RESOURCE_EXHAUSTED": TooMany,
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": OutOfTime,
}
"""The exception of each code; of any other, INTERNAL among them, it is Refused itself."""


def refused(refusal: Refusal, request_id: str = "") -> Refused:
    """Returns the exception that a refusal means."""
    return KINDS.get(refusal.code, Refused)(refusal, request_id)


def refusal_of(error: grpc.RpcError) -> Refusal:
    """Reads the details of an RPC's error; what did not come stays empty."""
    if isinstance(error, Refused):
        return error.refusal
    call: Any = error
    status = rpc_status.from_call(call)
    return Refusal(call.code().name, call.details() or "", **_parts(status or status_pb2.Status()))


def refusal_in(status: status_pb2.Status) -> Refusal:
    """Reads the refusal of one row or one passage of a stream, which stands in the answer."""
    return Refusal(code_pb2.Code.Name(status.code), status.message, **_parts(status))


def _parts(status: status_pb2.Status) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for detail in status.details:
        info, text, bad = error_details_pb2.ErrorInfo(), error_details_pb2.LocalizedMessage(), error_details_pb2.BadRequest()
        basis, retry = law_pb2.LegalBasis(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            parts |= {"reason": info.reason, "domain": info.domain, "facts": dict(info.metadata)}
        elif detail.Unpack(text):
            parts |= {"text": text.message, "language": text.locale}
        elif detail.Unpack(bad):
            parts["violations"] = {row.field: row.description for row in bad.field_violations}
        elif detail.Unpack(basis):
            parts["basis"] = Basis.read(basis)
        elif detail.Unpack(retry):
            parts["retry_after_s"] = retry.retry_delay.ToMilliseconds() / 1000
    return parts


def _text(message: law_pb2.LocalizedText) -> Text:
    return Text(message.kk, message.ru, message.en)
