"""Event numbers: those that are missing, and those that were used twice.

A device that numbers its events says with each which number came before. The gateway has put the number of the nearest
event that was not ignored in its place, so it is that of a passage.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from datetime import date

from timetracking.device_findings.domain.reads import (
    MISSING_NUMBERS,
    NUMBER_REUSED,
    PROOFS,
    RULE,
    DeviceRead,
    Reads,
    in_order,
    key_of,
)
from timetracking.findings.domain import Claim

Day = date


def missing_numbers(device: str, day: Day, reads: Reads, stored: Collection[int] = ()) -> list[Claim]:
    """The gaps that the reads of a date as sent reveal: a claim each, from the read before the gap to the one after it.

    A read says that number p came before it. Where p is not stored, the numbers between the nearest lower one that is, k,
    and p are missing, p itself too: `seconds` of them, p − k. k is looked for on the date and on the last one before it in
    `reads`; without one the device is new here and nothing is missing. `stored` are numbers known from other dates.
    """
    seen = in_order(reads.get(day, ()))
    near = _numbered([*_before(day, reads), *seen])
    known = sorted(near)
    gaps: dict[int, tuple[int, int, DeviceRead]] = {}
    for read in seen:
        number, previous = read.number, read.previous
        if not 0 <= previous < number or previous in near or previous in stored:
            continue
        place = bisect_left(known, previous)
        if place:
            below = known[place - 1]
            # Of several that end one gap the widest counts, and of equals the lowest number.
            gaps[below] = max(gaps.get(below, (-1, 0, read)), (previous, -number, read), key=lambda gap: gap[:2])
    return [_gap(device, day, near[below], previous - below, read) for below, (previous, _, read) in sorted(gaps.items())]


def _gap(device: str, day: Day, below: DeviceRead, count: int, above: DeviceRead) -> Claim:
    return Claim(
        subject=f"{device}/{below.event_key}",
        kind=MISSING_NUMBERS,
        date=day,
        first=min(below.at, above.at),
        seconds=count,
        rule=RULE,
        last=max(below.at, above.at),
        reads=(key_of(device, below), key_of(device, above)),
    )


def asked_for(days: Iterable[Day], reads: Reads) -> set[int]:
    """The numbers that reads of these dates name as the one before and that their own and the last date do not hold."""
    wanted: set[int] = set()
    for day in days:
        near = _numbered([*_before(day, reads), *reads.get(day, ())])
        wanted |= {read.previous for read in reads.get(day, ()) if read.previous >= 0 and read.previous not in near}
    return wanted


def between(gap: Sequence[str], reads: Iterable[DeviceRead]) -> bool:
    """Whether one of the reads has a number inside a gap, given as the two reads of its claim."""
    below, above = (int(key.rpartition("|")[2]) for key in gap)
    return any(below < read.number < above for read in reads)


def event_numbers_reused(device: str, reads: Iterable[DeviceRead]) -> list[Claim]:
    """Event keys that stand for more than one event: a claim each, on the date as sent of the earliest, at its instant.

    `seconds` is how many events there are. All of them are kept, and count.
    """
    events: dict[str, list[DeviceRead]] = {}
    for read in in_order(reads):
        events.setdefault(read.event_key, []).append(read)
    return [
        Claim(
            subject=f"{device}/{key}",
            kind=NUMBER_REUSED,
            date=each[0].day,
            first=each[0].at,
            seconds=len(each),
            rule=RULE,
            last=each[-1].at,
            reads=tuple(key_of(device, read) for read in each[:PROOFS]),
        )
        for key, each in sorted(events.items())
        if len(each) > 1
    ]


def _before(day: Day, reads: Reads) -> Sequence[DeviceRead]:
    """The reads of the last date before, of those that have any."""
    last = max((other for other, held in reads.items() if other < day and held), default=None)
    return reads[last] if last is not None else ()


def _numbered(reads: Iterable[DeviceRead]) -> dict[int, DeviceRead]:
    """Reads by number; of several with one number the latest."""
    return {read.number: read for read in in_order(reads) if read.number >= 0}
