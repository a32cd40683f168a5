"""A device's account: what became of every record that it sent. None is counted twice, and none is in two counts."""

from dataclasses import dataclass
from datetime import date, datetime

from timetracking.names import device_name

# The date of what has none that could be read.
UNDATED = date(1970, 1, 1)
# The device of what names none that there can be.
NAMELESS = ""

DeviceDate = tuple[str, date]

Spot = tuple[int, int]
"""A place in a partition: (offset, index of the part within its message)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Which parts of a partition's messages were recorded: all before `end`, but for those in the gaps, which were rejected.

    A gap reaches from its first spot to before its second. What is delivered again was recorded before, or is in a gap.
    """

    end: Spot = (0, 0)
    gaps: tuple[tuple[Spot, Spot], ...] = ()

    def in_gap(self, spot: Spot) -> bool:
        """Whether the part was passed over."""
        return any(first <= spot < after for first, after in self.gaps)

    def has(self, spot: Spot) -> bool:
        """Whether the part was recorded."""
        return spot < self.end and not self.in_gap(spot)

    def recording(self, first: Spot, after: Spot) -> "Recorded":
        """The same with the parts from `first` to before `after`; what is passed over by that is a gap."""
        if first == self.end and not self.gaps:
            return Recorded(after)
        gaps = [piece for gap in self.gaps for piece in ((gap[0], min(gap[1], first)), (max(gap[0], after), gap[1]))]
        gaps.append((self.end, first))
        return Recorded(max(self.end, after), tuple(sorted({gap for gap in gaps if gap[0] < gap[1]})))


@dataclass(frozen=True, slots=True)
class Receipts:
    """Records that came from a device and are of one date; `repeated` were parked before, `no_passages` are nobody's passage."""

    received: int = 0
    repeated: int = 0
    no_passages: int = 0


@dataclass(frozen=True, slots=True)
class Refusals:
    """Requests in the name of a device that were refused before anything was read, and when the last of them came."""

    requests: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """Records of a device and a date that became of nothing, and were said to be lost; `body` is None for a device that nobody enrolled."""

    device: str
    body: str | None
    date: date
    records: int

    @property
    def name(self) -> str:
        """What of: "stateBodies/KGD/devices/gate (2026-11-24): 3"."""
        whose = device_name(self.body, self.device) if self.body else f"devices/{self.device or '-'}"
        return f"{whose} ({self.date}): {self.records}"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records there are, and what became of them; `sent_again` of those in flight came out of the parking lot.

    `written_off` are those that somebody said, on a ground, to be lost.
    """

    received: int = 0
    stored: int = 0
    repeated: int = 0
    parked: int = 0
    no_passages: int = 0
    sent_again: int = 0
    written_off: int = 0

    @property
    def in_flight(self) -> int:
        """What became of nothing yet: 0 when everything is level. What stays here was lost, and nobody has written it off."""
        return self.received - self.stored - self.repeated - self.parked - self.no_passages - self.written_off

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.received + other.received,
            self.stored + other.stored,
            self.repeated + other.repeated,
            self.parked + other.parked,
            self.no_passages + other.no_passages,
            self.sent_again + other.sent_again,
            self.written_off + other.written_off,
        )
