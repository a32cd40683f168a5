"""A device's account: what became of every record that it sent. None is counted twice, and none is in two counts."""

from dataclasses import dataclass
from datetime import date

# The date of what has none that could be read.
UNDATED = date(1970, 1, 1)
# The device of what names none that there can be.
NAMELESS = ""

DeviceDate = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Receipts:
    """Records that came from a device and are of one date; `repeated` were parked before, `no_passages` are nobody's passage."""

    received: int = 0
    repeated: int = 0
    no_passages: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records there are, and what became of them; `sent_again` of those in flight came out of the parking lot."""

    received: int = 0
    stored: int = 0
    repeated: int = 0
    parked: int = 0
    no_passages: int = 0
    sent_again: int = 0

    @property
    def in_flight(self) -> int:
        """What became of nothing yet: 0 when everything is level. What stays here was lost."""
        return self.received - self.stored - self.repeated - self.parked - self.no_passages

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.received + other.received,
            self.stored + other.stored,
            self.repeated + other.repeated,
            self.parked + other.parked,
            self.no_passages + other.no_passages,
            self.sent_again + other.sent_again,
        )
