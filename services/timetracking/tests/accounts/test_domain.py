"""What was recorded of a partition, part by part, however it was cut and however often it came."""

import random

import pytest
from timetracking.accounts.domain import Counts, Recorded, Spot

PARTS = [(offset, index) for offset in range(6) for index in range(offset % 3 + 1)]
"""Messages of one, two and three parts."""


def after(spot: Spot, *, whole: bool) -> Spot:
    return (spot[0] + 1, 0) if whole else (spot[0], spot[1] + 1)


@pytest.mark.parametrize("seed", range(200))
def test_what_was_recorded_is_known_part_by_part(seed: int) -> None:
    drawn, recorded, model = random.Random(seed), Recorded(), set[Spot]()
    for _ in range(drawn.randrange(1, 12)):
        if drawn.random() < 0.5:
            offset = drawn.randrange(6)
            recorded = recorded.recording((offset, 0), (offset + 1, 0))
            model |= {spot for spot in PARTS if spot[0] == offset}
        else:
            spot = drawn.choice(PARTS)
            recorded = recorded.recording(spot, after(spot, whole=False))
            model.add(spot)
    assert {spot for spot in PARTS if recorded.has(spot)} == model
    beyond = {spot for spot in PARTS if spot >= recorded.end}
    assert {spot for spot in PARTS if recorded.in_gap(spot)} == set(PARTS) - model - beyond


def test_what_goes_on_where_it_ended_leaves_no_gap() -> None:
    recorded = Recorded()
    for offset in range(5):
        recorded = recorded.recording((offset, 0), (offset + 1, 0))
    assert recorded == Recorded((5, 0))


def test_a_gap_that_is_filled_is_gone() -> None:
    recorded = Recorded((3, 0)).recording((5, 0), (6, 0))
    assert recorded == Recorded((6, 0), (((3, 0), (5, 0)),))
    assert recorded.recording((3, 0), (4, 0)).recording((4, 0), (5, 0)) == Recorded((6, 0))


def test_what_is_in_flight_is_what_became_of_nothing() -> None:
    account = Counts(received=20, stored=7, repeated=4, parked=3, no_passages=2, sent_again=1)
    assert account.in_flight == 4
    assert (account + account).in_flight == 8
