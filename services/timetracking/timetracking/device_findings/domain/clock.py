"""A clock that is off, as the receipt of reads shows it."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby

from timetracking.device_findings.domain.reads import CLOCK, PROOFS, RULE, DeviceRead, in_order, key_of
from timetracking.findings.domain import Claim


def clock(device: str, day: date, reads: Iterable[DeviceRead], tolerance: int) -> list[Claim]:
    """At most one claim for a date as sent, from its first read that is off by more than `tolerance` seconds.

    `seconds` is the largest deviation, whichever way. A clock that is ahead needs one read: nothing is received before it
    happens. For one that is behind, see `_behind`.
    """
    seen = in_order(reads)
    off = {read: -read.lag for read in seen if -read.lag > tolerance} | _behind(seen, tolerance)
    if not off:
        return []
    proofs = sorted(off)
    return [
        Claim(
            subject=device,
            kind=CLOCK,
            date=day,
            first=proofs[0].at,
            seconds=max(off.values()),
            rule=RULE,
            last=proofs[-1].at,
            reads=tuple(key_of(device, read) for read in proofs[:PROOFS]),
        )
    ]


def _behind(seen: list[DeviceRead], tolerance: int) -> dict[DeviceRead, int]:
    """Reads that came late by their device's clock, and how far it is behind.

    A delay on the way looks the same, and many protocols do not tell a backlog from what happens now: one late read says
    nothing. A clock makes all reads late alike; a backlog that is sent at once makes each late by something else. So in the
    order of receipt, live reads without a timely one between them show a clock if two of them, received further apart than
    the tolerance, came late by the same within it. Delays only add: the least lag is the clock's.
    """
    live = sorted((read for read in seen if read.live), key=lambda read: (read.received, read))
    off: dict[DeviceRead, int] = {}
    for late, group in groupby(live, key=lambda read: read.lag > tolerance):
        if not late:
            continue
        run = list(group)
        least = min(read.lag for read in run)
        alike = [read.received for read in run if read.lag - least <= tolerance]
        if max(alike) - min(alike) > tolerance:
            off.update(dict.fromkeys(run, least))
    return off
