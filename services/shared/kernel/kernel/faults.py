"""What can go wrong in the language of the domain; the chassis alone turns it into an answer of a protocol."""

from collections.abc import Mapping
from datetime import date, datetime

Fact = str | int | date | datetime


class Fault(Exception):
    """A request that cannot be carried out, and why.

    `reason` is the value of the service's ErrorReason without its prefix; `facts` (camelCase keys) are every number,
    date and word that a text about the fault shows; `rule` is the ID of the rule of law that refuses ("o120-p18")
    and `on` the date whose law was applied. Its text carries no facts, so that it may stand in a log.
    """

    def __init__(self, reason: str, facts: Mapping[str, Fact] | None = None, rule: str | None = None, on: date | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts: Mapping[str, Fact] = dict(facts or {})
        self.rule = rule
        self.on = on

    def __str__(self) -> str:
        return f"{self.reason} [{self.rule}]" if self.rule else self.reason


class Malformed(Fault):
    """The input is not what the call takes; `violations` says for each field path what would be right."""

    def __init__(self, violations: Mapping[str, str], reason: str = "MALFORMED") -> None:
        super().__init__(reason)
        self.violations: Mapping[str, str] = dict(violations)


class NotFound(Fault):
    """There is no such resource, or none that the caller may know of."""

    def __init__(self, resource: str) -> None:
        super().__init__("NOT_FOUND", {"resource": resource})
        self.resource = resource


class Conflict(Fault):
    """Something of that name or at that place is there already."""

    def __init__(self, resource: str, reason: str = "ALREADY_EXISTS", **facts: Fact) -> None:
        super().__init__(reason, {"resource": resource, **facts})
        self.resource = resource


class Stale(Fault):
    """The resource has changed since the caller read it."""

    def __init__(self, resource: str) -> None:
        super().__init__("STALE_ETAG", {"resource": resource})
        self.resource = resource


class RuleBroken(Fault):
    """A rule of law forbids it, under the law of the day `on`."""

    def __init__(self, reason: str, rule: str, on: date, /, **facts: Fact) -> None:
        super().__init__(reason, facts, rule, on)


class WrongState(Fault):
    """It cannot be done as things stand."""

    def __init__(self, reason: str, **facts: Fact) -> None:
        super().__init__(reason, facts)


class Forbidden(Fault):
    """The caller is known and may not do this."""

    def __init__(self, reason: str = "FORBIDDEN", /, **facts: Fact) -> None:
        super().__init__(reason, facts)


class Unauthenticated(Fault):
    """It is not known who calls."""

    def __init__(self) -> None:
        super().__init__("UNAUTHENTICATED")


class TooMuch(Fault):
    """More than is allowed now; it may be tried again after `retry_after_s` seconds."""

    def __init__(self, reason: str, retry_after_s: float, **facts: Fact) -> None:
        super().__init__(reason, facts)
        self.retry_after_s = retry_after_s


class TookTooLong(Fault):
    """It took longer than any call may, and was ended."""

    def __init__(self) -> None:
        super().__init__("OUT_OF_TIME")


class Unavailable(Fault):
    """Something that the call depends on is away for the moment."""

    def __init__(self, reason: str = "UNAVAILABLE", **facts: Fact) -> None:
        super().__init__(reason, facts)
