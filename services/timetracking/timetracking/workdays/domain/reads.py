"""From reads to counted reads: their total order, and double reads.

The order must be total, or two reads of one second come out either way and a sum changes with the size of a batch.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

from timetracking.workdays.domain.words import Became, Direction, Read

# An enumeration's member costs more to look up than a read costs to group.
NONE = Direction.NONE
COUNTED, DOUBLE_READ, INTERNAL, VOID = Became.COUNTED, Became.DOUBLE_READ, Became.INTERNAL, Became.VOID

instant_of = itemgetter(0)

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


def in_order(reads: Iterable[Read]) -> tuple[list[Read], list[int]]:
    """The set of the reads in the total order, and their instants."""
    ordered = sorted(reads, key=instant_of)
    instants = list(map(instant_of, ordered))
    if len(set(instants)) < len(instants):
        ordered = sorted(set(ordered), key=total_order)
        instants = list(map(instant_of, ordered))
    return ordered, instants


CountedRead = tuple[int, Direction]
"""A group of reads that counts once: at its first instant, with the direction that any of its reads carries."""


def counted_reads(
    ordered: Sequence[Read], voided: Collection[tuple[str, str]], double_read_window: int
) -> tuple[list[CountedRead], list[Became]]:
    """Groups the reads of one window; returns the counted ones, and what became of each read."""
    groups: list[CountedRead] = []
    became: list[Became] = []
    repeats_until, direction_so_far = 0, NONE
    for at, device, event_key, direction, perimeter, _ in ordered:
        if voided and (device, event_key) in voided:
            became.append(VOID)
        elif not perimeter:
            became.append(INTERNAL)
        elif at <= repeats_until and groups and (direction is direction_so_far or not (direction and direction_so_far)):
            if direction and not direction_so_far:
                groups[-1] = (groups[-1][0], direction)
                direction_so_far = direction
            repeats_until = at + double_read_window
            became.append(DOUBLE_READ)
        else:
            groups.append((at, direction))
            direction_so_far = direction
            repeats_until = at + double_read_window
            became.append(COUNTED)
    return groups, became
