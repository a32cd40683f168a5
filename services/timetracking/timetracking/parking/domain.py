"""Parked records: messages, or parts of them, that could not be applied, and what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

# What is ours alone and is no state: it may be sent again. A state that is published a second time after a newer one would
# be what compaction keeps, so only its owner publishes it again.
OWN = ("timetracking.passages.v1", "timetracking.late-passages.v1")
# Headers that tell of a failure: they are kept as what they say, and not sent on.
STORY = frozenset({"reason", "error", "origin", "first_failed_at", "parked_at", "attempts", "parked_record"})


class State(StrEnum):
    """What became of a parked record."""

    PARKED = "parked"
    SENT_AGAIN = "sent_again"
    TAKEN_UP = "taken_up"


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record as it is kept.

    It goes again to `partition` of its topic, or by its key where that is None. `lay` is where it lay in its topic when it was
    parked first, (partition, offset): None if it never did, or if this is not its first time. `device` is the serial, "" where none is
    known; `date` is the one under which the device's account has it. `value` is None and `key` empty once its time is over; of a state of
    another service they are so from the first.
    """

    id: UUID
    topic: str
    key: str
    partition: int | None
    lay: tuple[int, int] | None
    device: str
    date: date
    reason: str
    error: str
    origin: str
    first_failed_at: datetime
    parked_at: datetime
    attempts: int
    sendable: bool
    headers: Mapping[str, str]
    value: bytes | None
    size: int
    state: State = State.PARKED

    @property
    def from_gateway(self) -> bool:
        """Whether the gateway parked it: then it never lay in its topic."""
        return self.origin.startswith(GATEWAY)

    @property
    def headers_again(self) -> dict[str, str]:
        """The headers with which it is sent again: its own, among them the event's ID, and how often it was tried."""
        return {**self.headers, "first_failed_at": self.first_failed_at.isoformat(), "attempts": str(self.attempts)}

    def sent_again(self) -> "ParkedRecord":
        """The record on its way; that counts as an attempt."""
        return replace(self, state=State.SENT_AGAIN, attempts=self.attempts + 1)


GATEWAY = "gateway:"
"""How the origin begins of what the gateway parked; the device's serial follows."""


def shape(text: str) -> str:
    """A text without what it says: every letter is an x, every digit a 0, the rest stays ("25\\t2026-11-24" is "00\\t0000-00-00")."""
    return "".join("0" if sign.isdigit() else ("X" if sign.isupper() else "x") if sign.isalpha() else sign for sign in text)


def reason_named(text: str) -> str:
    """A reason as it is listed: the gateway's words and the names of refusals ("IMPOSSIBLE_TIME") are one."""
    return text.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which parked records; what is empty does not narrow. `since` and `until` are of when they were parked last."""

    topic: str = ""
    reason: str = ""
    body: str = ""
    device: str = ""
    since: datetime | None = None
    until: datetime | None = None
    state: State | None = None
    ids: tuple[UUID, ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether it is less than everything."""
        return bool(self.topic or self.reason or self.device or self.since or self.ids)

    def __str__(self) -> str:
        parts = {"topic": self.topic, "reason": self.reason, "device": self.device, "since": self.since.isoformat() if self.since else ""}
        told = "&".join(f"{name}={value}" for name, value in parts.items() if value)
        return told or f"{len(self.ids)} by name"
