"""Findings as they live on: identity, and what a new look at the facts changes.

A finding is a claim about a span, not about a computation: the same facts give the same identity, whatever the order in
which they came. A decision stands on the version it saw: if the seconds change it returns to the person; if the finding
vanishes it is withdrawn, never deleted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from uuid import UUID, uuid5

Day = date
NAMESPACE = UUID("6b9d4b5e-3d0c-5f0e-9a51-0a8f3f8c7d10")
"""Of all findings: with it and the identity anyone can compute a finding's ID."""
OF_AN_EVENT = frozenset({"device_missing_numbers", "event_number_reused"})
"""Kinds that are about one event of a device: the first of their reads."""


class State(StrEnum):
    """What became of a finding."""

    RAISED = "raised"
    EXPLAINED = "explained"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a look at the facts finds.

    `subject` is a servant, a device, or at a device a badge ("gate-1/hq:99") or an event key ("gate-1/17"), where several of
    them may show the same in one second.
    """

    subject: str
    kind: str
    date: Day
    first: int
    seconds: int
    rule: str
    until: Day | None = None
    last: int | None = None
    reads: tuple[str, ...] = ()

    @property
    def id(self) -> UUID:
        """UUIDv5 of (subject, date or period, kind, first second)."""
        return _id(self.subject, self.date, self.kind, self.first)


# A claim is asked for its ID wherever it is compared, ordered or saved.
@lru_cache(maxsize=16_384)
def _id(subject: str, day: Day, kind: str, first: int) -> UUID:
    return uuid5(NAMESPACE, f"{subject}/{day}/{kind}/{first}")


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim with its history: exactly one of servant and device is set; a badge stands beside its device."""

    claim: Claim
    body: str
    servant: str | None
    device: str | None
    badge: str | None
    state: State
    revision: int
    edition: str


@dataclass(frozen=True, slots=True)
class About:
    """Whom or what the claims of one look are about."""

    body: str
    servant: str | None = None
    device: str | None = None
    edition: str = ""


def badge_of(claim: Claim) -> str | None:
    """The badge "system:number" that a claim is about, where it is about one."""
    return claim.subject.partition("/")[2] if claim.kind == "unknown_badge" else None


def subject_of(kind: str, servant: str | None, device: str | None, badge: str | None, reads: Sequence[str]) -> str:
    """Whom or what a finding is about: a claim's subject, from what is kept of it."""
    if device is None:
        return servant or ""
    if kind in OF_AN_EVENT:
        return f"{device}/{reads[0].removeprefix(device + '|')}"
    return f"{device}/{badge}" if badge else device


def looked_at_again(about: About, claims: Iterable[Claim], stored: Mapping[UUID, Finding]) -> list[Finding]:
    """The findings that a new look changes; equal ones are not among them.

    `stored` are all findings in the scope of the look, withdrawn ones too. What is no longer claimed is withdrawn; what is
    claimed again, or with other seconds, returns to a person.
    """
    now = {claim.id: claim for claim in claims}
    changed = []
    for id_, claim in now.items():
        old = stored.get(id_)
        if old is None:
            changed.append(Finding(claim, about.body, about.servant, about.device, badge_of(claim), State.RAISED, 1, about.edition))
        elif old.state is State.WITHDRAWN or old.claim != claim or old.body != about.body:
            changed.append(replace(old, claim=claim, body=about.body, state=State.RAISED, revision=old.revision + 1, edition=about.edition))
    for id_, old in stored.items():
        if id_ not in now and old.state is not State.WITHDRAWN:
            changed.append(replace(old, state=State.WITHDRAWN, revision=old.revision + 1, edition=about.edition))
    return changed
