"""How far a consumer is."""

from chassis.positions import Extent, Positions

LIVE, LATE = ("live", 0), ("late", 0)


def test_what_waits_of_a_topic_is_what_lies_between_its_positions_and_its_ends() -> None:
    positions = Positions()
    positions.assign([LIVE, ("live", 1), LATE])
    positions.look([LIVE, ("live", 1), LATE], {LIVE: Extent(3, 10), ("live", 1): Extent(5, 5), LATE: Extent(0, 100)})
    assert (positions.behind("live"), positions.behind("late"), positions.behind("other")) == (7, 100, 0)
    positions.applied(LIVE, 8)
    positions.end(("live", 1), 6)
    assert positions.behind("live") == 2
    positions.assign([LATE])
    assert (positions.behind("live"), positions.behind("late")) == (0, 100)
