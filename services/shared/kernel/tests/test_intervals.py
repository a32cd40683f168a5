"""Spans hold the seconds that a set of seconds would hold."""

import random
from itertools import pairwise

import pytest
from kernel.intervals import Span, less, overlap, total, union, within


def seconds(spans: list[Span]) -> set[int]:
    return {at for start, end in spans for at in range(start, end)}


def drawn(rng: random.Random) -> list[Span]:
    """Disjoint spans in time order; some touch."""
    edges = sorted(rng.sample(range(40), 2 * rng.randrange(6)))
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    return [part for start, end in spans for part in (((start, start + 1), (start + 1, end)) if end - start > 4 else ((start, end),))]


def sound(spans: list[Span]) -> bool:
    """In time order, without an empty one, none begins inside another."""
    return all(start < end for start, end in spans) and all(one[1] <= other[0] for one, other in pairwise(spans))


@pytest.mark.parametrize("seed", range(500))
def test_spans_hold_what_sets_of_seconds_hold(seed: int) -> None:
    rng = random.Random(seed)
    left, right = drawn(rng), drawn(rng)
    for found, expected in (
        (union(left, right), seconds(left) | seconds(right)),
        (overlap(left, right), seconds(left) & seconds(right)),
        (less(left, right), seconds(left) - seconds(right)),
        (within(left, 10, 25), seconds(left) & set(range(10, 25))),
    ):
        assert seconds(found) == expected
        assert total(found) == len(expected)
        assert sound(found)


def test_a_union_takes_spans_in_any_order_and_joins_those_that_touch_or_overlap() -> None:
    assert union([(5, 9), (1, 3)], [(3, 4), (6, 7), (8, 12), (20, 20), (30, 25)]) == [(1, 4), (5, 12)]


def test_nothing_overlaps_nothing() -> None:
    assert overlap([], [(1, 2)]) == overlap([(1, 2)], []) == less([], [(1, 2)]) == union() == []
