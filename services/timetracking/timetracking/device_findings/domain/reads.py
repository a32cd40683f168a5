"""Reads as findings of a device look at them, and the badges among them that nobody holds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from timetracking.findings.domain import Claim

Day = date

CLOCK = "device_clock"
MISSING_NUMBERS = "device_missing_numbers"
SILENT = "device_silent"
UNKNOWN_BADGE = "unknown_badge"
NUMBER_REUSED = "event_number_reused"

# The Labour Code's duty to record working time is what devices are there for.
RULE = "lc-79"
# As many reads as a person looks at; a clock that is off all day has thousands.
PROOFS = 20


class DeviceRead(NamedTuple):
    """A passage of a device with its instant by the settings of today. Instants are whole seconds since 1970.

    `wall_time`, `utc_offset` (-1 day where none was sent) and `direction` are as sent; `badge` is "system:number", `held`
    says whether somebody holds it at the instant; `number` is the event's, where its key is one, `previous` that of the event
    before, where the device told it, each -1 otherwise.
    The order is total: two that differ in nothing are one. A tuple, since each look sorts thousands of them.
    """

    at: int
    event_key: str
    wall_time: datetime
    utc_offset: int
    badge: str
    direction: int
    received: int
    live: bool
    held: bool
    number: int = -1
    previous: int = -1

    @property
    def day(self) -> Day:
        """The date as sent."""
        return self.wall_time.date()

    @property
    def lag(self) -> int:
        """How long after its instant it was received: below zero if before."""
        return self.received - self.at


Reads = Mapping[Day, Sequence[DeviceRead]]
"""By the date as sent."""


def key_of(device: str, read: DeviceRead) -> str:
    """A read as findings name it: "gate-1|17"."""
    return f"{device}|{read.event_key}"


def in_order(reads: Iterable[DeviceRead]) -> list[DeviceRead]:
    """The reads in their order, each once; soon done where they are in order already."""
    return sorted(dict.fromkeys(reads))


def unknown_badges(device: str, day: Day, reads: Iterable[DeviceRead]) -> list[Claim]:
    """Badges that nobody holds at the read's instant: one claim for a badge on a date as sent, from its first such read on.

    `seconds` is how many passages there were.
    """
    unknown: dict[str, list[DeviceRead]] = {}
    for read in in_order(reads):
        if not read.held:
            unknown.setdefault(read.badge, []).append(read)
    return [
        Claim(
            subject=f"{device}/{badge}",
            kind=UNKNOWN_BADGE,
            date=day,
            first=each[0].at,
            seconds=len(each),
            rule=RULE,
            last=each[-1].at,
            reads=tuple(key_of(device, read) for read in each[:PROOFS]),
        )
        for badge, each in sorted(unknown.items())
    ]
