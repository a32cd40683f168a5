"""From counted reads to stays: entry and exit, what is missing, what a person added.

An entry whose exit was not read is assumed to last, an exit whose entry was not read to have begun; a person's added
entry or exit mends that, and a late real read always wins over it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.intervals import Span

from timetracking.workdays.domain.reads import CountedRead
from timetracking.workdays.domain.words import Added, Direction, Finding, FindingKind

RULE_OF_RECORDS = "lc-79"
IN, OUT = Direction.IN, Direction.OUT


StayRow = tuple[int, int, bool]
"""The fields of a stay."""


@dataclass(slots=True)
class Presence:
    """The stays of one window with what is missing in them, and the added entries and exits that mended something."""

    stays: list[StayRow]
    findings: list[Finding]
    used: set[Added]

    def known(self, start: int, end: int) -> None:
        self.stays.append((start, end, False))

    def assumed(self, start: int, end: int) -> None:
        """What is assumed to be zero long is a stay too: it shows where somebody was seen."""
        self.stays.append((start, end, True))

    def missing(self, kind: FindingKind, read: int, seconds: int) -> None:
        self.findings.append(Finding(kind, read, seconds, RULE_OF_RECORDS))


def crosses(entry: int, leave: int, own: Span | None, following: Span | None, longest: int, beyond: int, margin: int) -> bool:
    """Whether an entry that is its window's last counted read and an exit that is the next one's first are one stay.

    Both have a direction of their own. `own` and `following` are the duties of the two dates. The exit is at most `longest`
    after the entry, or the own duty's length and `beyond` if that is more; where the next date has duty, not later than the
    later of its start and the own duty's end plus the margin.
    """
    if own is not None:
        longest = max(longest, own[1] - own[0] + beyond)
    if leave - entry > longest:
        return False
    if following is None:
        return True
    latest = following[0] if own is None else max(following[0], own[1] + margin)
    return leave <= latest


def presence(
    counted: Sequence[CountedRead],
    window: Span,
    lending: Span | None,
    added: Sequence[Added],
    *,
    crosses_in: bool,
    crosses_out: bool,
    open_end: bool,
) -> Presence:
    """Pairs the counted reads of a window.

    `lending` is the span that lends its ends to what is missing (of a flexible plan its core), `added` what was added inside
    the window. With `open_end` the window has not ended: the last missing exit is zero long and raises nothing.
    """
    stays: list[StayRow] = []
    day = Presence(stays, [], set())
    entry: int | None = window[0] if crosses_in else None
    before = window[0]  # the previous counted read, if there is one
    exits: list[tuple[int, int]] = []  # without an entry, each with the instant since which the entry may have been
    for at, direction in counted:
        if direction is IN or (not direction and entry is None):
            if entry is not None:
                _missing_exit(day, entry, at, lending, added, open_end=False)
            entry = at
        else:
            if entry is not None:
                stays.append((entry, at, False))
            else:
                exits.append((at, before))
            entry = None
        before = at
    if entry is not None:
        if crosses_out:
            day.known(entry, window[1])
            day.missing(FindingKind.OVERNIGHT_STAY, entry, window[1] - entry)
        else:
            _missing_exit(day, entry, window[1], lending, added, open_end=open_end)
    # An added entry mends one exit: of two that it could mend the later, as an added exit mends the earlier entry.
    for leave, since in reversed(exits):
        _missing_entry(day, leave, since, lending, added)
    return day


def _missing_exit(day: Presence, entry: int, until: int, lending: Span | None, added: Sequence[Added], *, open_end: bool) -> None:
    """Mends an entry without an exit by the earliest added exit up to `until`, else assumes its end.

    `until` is the next counted read or, after the last one, the window's end.
    """
    fitting = [each for each in _between(added, entry, until) if each.direction is OUT and each not in day.used]
    if fitting:
        mended = fitting[0]
        day.used.add(mended)
        day.known(entry, mended.at)
    elif open_end:
        day.assumed(entry, entry)
    else:
        end = max(entry, min(until, lending[1])) if lending is not None else entry
        day.assumed(entry, end)
        day.missing(FindingKind.MISSING_EXIT, entry, end - entry)


def _missing_entry(day: Presence, leave: int, since: int, lending: Span | None, added: Sequence[Added]) -> None:
    """Mends an exit without an entry by the latest added entry from `since` on, else assumes its begin.

    `since` is the previous counted read, an exit since nobody is inside, or the window's start.
    """
    fitting = [each for each in _between(added, since, leave) if each.direction is IN and each not in day.used]
    if fitting:
        mended = fitting[-1]
        day.used.add(mended)
        day.known(mended.at, leave)
        return
    start = min(leave, max(since, lending[0])) if lending is not None else leave
    day.assumed(start, leave)
    day.missing(FindingKind.MISSING_ENTRY, leave, leave - start)


def _instant_of(added: Added) -> int:
    return added.at


def _between(added: Sequence[Added], first: int, last: int) -> Sequence[Added]:
    """Those that were added at instants from `first` to `last`, both included; `added` is in time order."""
    return added[bisect_left(added, first, key=_instant_of) : bisect_right(added, last, key=_instant_of)] if added else added
