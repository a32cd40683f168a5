"""Protected facts: what the law protects a servant for, and what must never be seen but by the person and the HR service."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from kernel.days import DaySpan
from kernel.faults import Malformed, Stale, WrongState
from kernel.text import line

from registry.names import protected_fact_name
from registry.values import etag

# The groups of disability, by the names under which the Labour Code's tables know them.
DISABILITY_GROUPS: Mapping[int, str] = {1: "disability-1-or-2", 2: "disability-1-or-2", 3: "disability-3"}
FIELD = "protected_fact"
# A refusal says what would be right and never what was given: it is read by more than those who may know.
WRONG_SPAN = "not before the first day"


class ProtectedFactKind(StrEnum):
    """What the law protects for; `MEDICAL_BAR` is work that a medical opinion forbids."""

    PREGNANCY = "pregnancy"
    CHILD = "child"
    CHILD_WITH_DISABILITY = "child-with-disability"
    DISABILITY = "disability"
    MEDICAL_BAR = "medical-bar"

    @property
    def of_a_child(self) -> bool:
        """The limits of such a fact end with the child's age."""
        return self in (ProtectedFactKind.CHILD, ProtectedFactKind.CHILD_WITH_DISABILITY)


class RestrictedWork(StrEnum):
    """Work beyond the ordinary that the law lets be asked of some only with consent, and of some never."""

    NIGHT = "night-work"
    OVERTIME = "overtime-work"
    REST_DAY = "rest-day-work"


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """What is protected in a fact: everything but whose it is. Never shows itself in a log or a refusal.

    `document` is the certificate on which it rests; `child_born` belongs to facts of a child, `group` to a disability, `barred`
    to a medical bar.
    """

    kind: ProtectedFactKind
    span: DaySpan
    document: str
    child_born: date | None = None
    group: int | None = None
    barred: frozenset[RestrictedWork] = frozenset()

    @classmethod
    def told(
        cls,
        kind: ProtectedFactKind,
        since: date,
        until: date | None,
        document: str,
        child_born: date | None,
        group: int | None,
        barred: Collection[RestrictedWork],
    ) -> "Content":
        """The content as the values come in; Malformed where a kind lacks what it needs, or has what belongs to another."""
        wrong: dict[str, str] = {}
        if until is not None and until < since:
            wrong[f"{FIELD}.until"] = WRONG_SPAN
        if kind.of_a_child != (child_born is not None) or (child_born is not None and child_born > since):
            wrong[f"{FIELD}.child_born"] = "set for a child and for no other kind, not after the first day"
        if (kind is ProtectedFactKind.DISABILITY) != (group is not None) or (group is not None and group not in DISABILITY_GROUPS):
            wrong[f"{FIELD}.disability_group"] = f"{min(DISABILITY_GROUPS)} to {max(DISABILITY_GROUPS)} for a disability, 0 else"
        if (kind is ProtectedFactKind.MEDICAL_BAR) != bool(barred):
            wrong[f"{FIELD}.barred"] = "at least one for a medical bar, none else"
        if wrong:
            raise Malformed(wrong)
        return cls(kind, DaySpan(since, until), line(document, f"{FIELD}.document", 200), child_born, group, frozenset(barred))

    def __repr__(self) -> str:
        return "Content(…)"


@dataclass(frozen=True, slots=True)
class ProtectedFact:
    """A fact for which the law protects a servant, for a span of days."""

    id: str
    servant: str
    content: Content
    revision: int = 1

    def ended(self, until: date, seen: str = "") -> "ProtectedFact":
        """The fact with `until` as its last day; STALE_ETAG if it is not in the state `seen`, Malformed before the first day."""
        if seen and seen != etag(self.revision):
            raise Stale(protected_fact_name(self.servant, self.id))
        since = self.content.span.since
        if until < since:
            raise Malformed({"until": WRONG_SPAN})
        if until == self.content.span.until:
            return self
        return replace(self, content=replace(self.content, span=DaySpan(since, until)), revision=self.revision + 1)


@dataclass(frozen=True, slots=True)
class SealedFact:
    """A protected fact as it is stored: `content` is encrypted under the key of the name `key`."""

    id: str
    servant: str
    key: str
    content: bytes
    revision: int


class Unread(StrEnum):
    """Why a stored fact cannot be read."""

    KEY_ABSENT = "key-absent"
    """The platform was not told the key of this name."""
    DAMAGED = "damaged"
    """The key is there, and what is stored is not what was sealed for this fact of this servant."""


@dataclass(frozen=True, slots=True)
class UnreadFact:
    """A protected fact of which nothing can be read but that it is there."""

    id: str
    servant: str
    key: str
    why: Unread
    revision: int


KeptFact = ProtectedFact | UnreadFact


def read(fact: KeptFact) -> ProtectedFact:
    """Returns a fact that can be read; PROTECTED_FACT_UNREAD, with its name and the key's, where it cannot."""
    if isinstance(fact, UnreadFact):
        raise WrongState("PROTECTED_FACT_UNREAD", resource=protected_fact_name(fact.servant, fact.id), key=fact.key, why=fact.why.value)
    return fact
