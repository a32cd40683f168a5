"""From reads to counted reads: their total order, and double reads.

The order must be total, or two reads of one second come out either way and a sum changes with the size of a batch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from timetracking.workdays.domain.words import Became, Direction, Read, ReadOutcome

OrderKey = tuple[int, int, str, bytes]


@lru_cache(maxsize=65_536)
def serial_key(text: str) -> OrderKey:
    """Orders serials and event keys: ASCII digits only is a number, numbers before text, equal numbers and text by bytes."""
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0")
        return 0, len(digits), digits, text.encode()
    return 1, 0, "", text.encode("utf-8", "surrogatepass")


def total_order(read: Read) -> tuple[int, OrderKey, OrderKey, int, int]:
    """(instant, device serial, event key, direction): never a random ID, never the order of arrival."""
    return read.at, serial_key(read.device), serial_key(read.event_key), read.direction, read.sent


def in_order(reads: Iterable[Read]) -> list[Read]:
    """The set of the reads in the total order."""
    ordered = sorted(set(reads), key=lambda read: read.at)
    for earlier, later in pairwise(ordered):
        if earlier.at == later.at:
            return sorted(ordered, key=total_order)
    return ordered


@dataclass(frozen=True, slots=True)
class CountedRead:
    """A group of reads that counts once: at its first instant, with the direction that any of its reads carries."""

    at: int
    direction: Direction


def counted_reads(
    ordered: Sequence[Read], voided: frozenset[tuple[str, str]], double_read_window: int
) -> tuple[list[CountedRead], list[ReadOutcome]]:
    """Groups the reads of one window; returns the counted ones, and what became of each read in the total order."""
    groups: list[CountedRead] = []
    outcomes: list[ReadOutcome] = []
    last = 0
    for read in ordered:
        if voided and (read.device, read.event_key) in voided:
            outcomes.append(ReadOutcome(read, Became.VOID))
            continue
        if not read.perimeter:
            outcomes.append(ReadOutcome(read, Became.INTERNAL))
            continue
        direction = read.direction
        if groups and read.at - last <= double_read_window:
            group = groups[-1]
            if not (direction and group.direction) or direction is group.direction:
                if direction and not group.direction:
                    groups[-1] = CountedRead(group.at, direction)
                last = read.at
                outcomes.append(ReadOutcome(read, Became.DOUBLE_READ))
                continue
        groups.append(CountedRead(read.at, direction))
        last = read.at
        outcomes.append(ReadOutcome(read, Became.COUNTED))
    return groups, outcomes
