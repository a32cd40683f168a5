"""The order of reads, and which of them count."""

from itertools import permutations

import pytest
from timetracking.workdays.domain import Became, Direction, Facts, Read

from .situations import Situation

NONE, IN, OUT = Direction.NONE, Direction.IN, Direction.OUT
C, D = Became.COUNTED, Became.DOUBLE_READ


def became(week: Situation, reads: str) -> list[Became]:
    return [became for _, became in week.read("Tue", reads).day().reads]


@pytest.mark.parametrize(
    ("reads", "expected"),
    [
        ("in 09:00:00, in 09:01:00", [C, D]),
        ("in 09:00:00, in 09:01:01", [C, C]),
        ("in 09:00:00, in 09:00:50, in 09:01:40", [C, D, D]),  # after the group's last read, not its first
        ("in 09:00:00, none 09:00:50, in 09:01:40", [C, D, D]),
        ("in 09:00:00, out 09:00:01", [C, C]),
        ("none 09:00:00, out 09:00:10, in 09:00:20", [C, D, C]),  # the group has got a direction
        ("none 09:00:00, none 09:00:10, out 09:00:20", [C, D, D]),
        ("in 09:00:00, out 09:00:10, in 09:00:20", [C, C, C]),  # the group before it alone
        ("none 09:00:00, none 09:00:01", [C, D]),
    ],
)
def test_a_read_joins_the_group_before_it(week: Situation, reads: str, expected: list[Became]) -> None:
    assert became(week, reads) == expected


def test_a_group_counts_at_its_first_instant_with_the_direction_of_any_of_its_reads(week: Situation) -> None:
    """Undirected reads alone would be an entry."""
    day = week.read("Tue", "in 08:00, none 09:00:00, none 09:00:30, out 09:01:00, out 10:00").day()
    assert [(week.wall(stay.start)[3:], week.wall(stay.end)[3:], stay.assumed) for stay in day.stays] == [
        ("08:00:00", "09:00:00", False),
        ("09:00:00", "10:00:00", True),
    ]


def test_the_order_of_reads_is_total_and_says_nothing_of_their_arrival(week: Situation) -> None:
    at, later = week.at("Tue", "12:00"), week.at("Tue", "12:00:01")
    ordered = (
        Read(at, "2", "9", NONE),
        Read(at, "2", "9", IN),
        Read(at, "2", "9", IN, sent=IN),
        Read(at, "2", "9", IN, sent=OUT),
        Read(at, "2", "9", OUT),
        Read(at, "2", "010", NONE),
        Read(at, "2", "10", NONE),
        Read(at, "2", "", NONE),
        Read(at, "2", "9a", NONE),
        Read(at, "2", "a", NONE),
        Read(at, "2", "é", NONE),
        Read(at, "2", "٣", NONE),  # a digit, but no ASCII one
        Read(at, "10", "1", NONE),
        Read(at, "gate", "0", NONE),
        Read(later, "1", "0", NONE),
    )
    for index in range(len(ordered)):
        for few in permutations(ordered[index : index + 4]):
            day = week.day(facts=Facts(week.plans, reads=few))
            assert tuple(read for read, _ in day.reads) == ordered[index : index + 4]
    assert tuple(read for read, _ in week.day(facts=Facts(week.plans, reads=ordered[::-1])).reads) == ordered


def test_equal_reads_are_one(week: Situation) -> None:
    week.read("Tue", "in 09:00, out 10:00")
    assert len(week.day(facts=Facts(week.plans, reads=tuple(week.reads * 3))).reads) == 2


def test_a_void_takes_out_every_read_of_its_device_and_key_and_nothing_else(week: Situation) -> None:
    week.read("Tue", "in 09:00, in 09:05, in 09:10", keys=("1", "1", "2")).read(
        "Tue", "in 09:15", device="house", keys=("1",), perimeter=False
    )
    week.void(week.reads[0]).void(week.reads[3])
    assert [became for _, became in week.day().reads] == [Became.VOID, Became.VOID, C, Became.VOID]


def test_a_read_at_the_border_belongs_to_the_next_date(week: Situation) -> None:
    monday, tuesday = week.read("Tue", "none 04:00").contents("Mon", "Tue")
    assert (len(monday.reads), len(tuesday.reads)) == (0, 1)
