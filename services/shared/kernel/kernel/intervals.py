"""Spans of instants: the arithmetic under every presence, plan and figure.

An instant is a whole second since 1970 (UTC) as an int. A span is a half-open pair (start, end) with start < end.
`Spans` are disjoint, in time order, and never touch where it matters to nobody: touching spans may stand side by side,
since only sums and overlaps are asked of them.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

Span = tuple[int, int]
Spans = Sequence[Span]


def union(*groups: Iterable[Span]) -> list[Span]:
    """All seconds that any of the groups holds; empty and reversed spans hold none; touching spans become one."""
    merged: list[Span] = []
    until = 0
    for start, end in sorted(chain(*groups)):
        if start >= end:
            continue
        if merged and start <= until:
            if end > until:
                merged[-1] = (merged[-1][0], end)
                until = end
        else:
            merged.append((start, end))
            until = end
    return merged


def overlap(left: Spans, right: Spans) -> list[Span]:
    """The seconds that both hold."""
    shared: list[Span] = []
    if not left or not right:
        return shared
    i = j = 0
    start, end = left[0]
    since, until = right[0]
    while True:
        begin = start if start > since else since
        if end < until:
            if begin < end:
                shared.append((begin, end))
            i += 1
            if i == len(left):
                return shared
            start, end = left[i]
        else:
            if begin < until:
                shared.append((begin, until))
            j += 1
            if j == len(right):
                return shared
            since, until = right[j]


def less(left: Spans, right: Spans) -> list[Span]:
    """The seconds of the left that the right does not hold."""
    rest: list[Span] = []
    j = 0
    for start, end in left:
        while j < len(right):
            since, until = right[j]
            if since >= end:
                break
            if start < since:
                rest.append((start, since))
            if start < until:
                start = until
            if until >= end:
                break
            j += 1
        if start < end:
            rest.append((start, end))
    return rest


def within(spans: Spans, start: int, end: int) -> list[Span]:
    """The seconds inside [start, end)."""
    return [(a if a > start else start, b if b < end else end) for a, b in spans if a < end and b > start]


def total(spans: Iterable[Span]) -> int:
    """How many seconds they hold; the spans are disjoint."""
    seconds = 0
    for start, end in spans:
        seconds += end - start
    return seconds
