"""The parking lot: where a message waits that could not be applied, with what a person needs to send it again."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from chassis.topics import parked

# topic, key, value, headers; resolves when the broker has it.
Park = Callable[[str, bytes | None, bytes, Mapping[str, str]], Awaitable[object]]

# The header by which a message that was sent again out of the parking lot is known as the record it was.
PARKED_RECORD = "parked_record"

UNREADABLE = "unreadable"
BUG = "bug"


_NAMESPACE = UUID("0f3c2a52-6a55-5a7e-9f37-5d8b1f0f6a11")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a parked piece lay; `index` is its place inside its message."""

    topic: str
    partition: int
    offset: int
    index: int = 0

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}/{self.index}"

    @classmethod
    def parse(cls, text: str) -> "Origin | None":
        """Reads what `str` wrote; None where it is no place in a topic."""
        parts = text.split("/")
        if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts[1:]):
            return None
        return cls(parts[0], *map(int, parts[1:]))


def record_id(known_by: str) -> UUID:
    """The ID under which a parked piece is known from the first time on: by its origin, or by what else tells it apart."""
    return uuid5(_NAMESPACE, known_by)


def attempts_told(text: str) -> int:
    """The number of attempts that a header tells of; 0 where it tells of none, or of more than anybody made."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece that was not applied, and why; `error` is a type and a reason, never a text that may name a person.

    `value` is the message of one piece, or the bytes as they came where they could not be read. `headers` are those
    of the message; a message that was parked before keeps its first failure and counts its attempts on.
    """

    origin: Origin
    key: bytes | None
    value: bytes
    headers: Mapping[str, str]
    reason: str
    error: str
    first_failed_at: datetime
    parked_at: datetime
    attempts: int

    @property
    def parking_lot(self) -> str:
        return parked(self.origin.topic)

    @property
    def parking_headers(self) -> dict[str, str]:
        """The headers of the parked record: those of the message (event_id, schema, traceparent) and the story of the failure."""
        before = self.headers.get("attempts", "")
        return {
            **self.headers,
            "reason": self.reason,
            "error": self.error,
            "origin": str(self.origin),
            "first_failed_at": self.headers.get("first_failed_at", self.first_failed_at.isoformat()),
            "parked_at": self.parked_at.isoformat(),
            "attempts": str(self.attempts + attempts_told(before)),
        }
