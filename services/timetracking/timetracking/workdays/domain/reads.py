"""From reads to counted reads: their total order, and double reads.

The order must be total, or two reads of one second come out either way and a sum changes with the size of a batch.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import attrgetter

from timetracking.workdays.domain.words import Became, Direction, Read, ReadOutcome

# An enumeration's member costs more to look up than a read costs to group.
NONE = Direction.NONE
COUNTED, DOUBLE_READ, INTERNAL, VOID = Became.COUNTED, Became.DOUBLE_READ, Became.INTERNAL, Became.VOID

instant_of = attrgetter("at")

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
    ordered = sorted(reads, key=instant_of)
    if len({read.at for read in ordered}) == len(ordered):
        return ordered
    return sorted(set(ordered), key=total_order)


CountedRead = tuple[int, Direction]
"""A group of reads that counts once: at its first instant, with the direction that any of its reads carries."""


def counted_reads(
    ordered: Sequence[Read], voided: frozenset[tuple[str, str]], double_read_window: int
) -> tuple[list[CountedRead], list[ReadOutcome]]:
    """Groups the reads of one window; returns the counted ones, and what became of each read in the total order."""
    groups: list[CountedRead] = []
    outcomes: list[ReadOutcome] = []
    repeats_until, direction_so_far = 0, NONE
    for read in ordered:
        at, direction = read.at, read.direction
        if voided and (read.device, read.event_key) in voided:
            outcomes.append(ReadOutcome(read, VOID))
        elif not read.perimeter:
            outcomes.append(ReadOutcome(read, INTERNAL))
        elif groups and at <= repeats_until and (direction is direction_so_far or not (direction and direction_so_far)):
            if direction and not direction_so_far:
                groups[-1] = (groups[-1][0], direction)
                direction_so_far = direction
            repeats_until = at + double_read_window
            outcomes.append(ReadOutcome(read, DOUBLE_READ))
        else:
            groups.append((at, direction))
            direction_so_far = direction
            repeats_until = at + double_read_window
            outcomes.append(ReadOutcome(read, COUNTED))
    return groups, outcomes
