"""Known and assumed stays, and what corrections mend."""

import pytest

from .situations import Situation, found, said

H, M = 3600, 60


def stays(week: Situation, day: str = "Tue") -> list[str]:
    """The stays as "08:55–18:30", the assumed ones with "?"."""
    return [f"{week.wall(stay.start)[3:8]}–{week.wall(stay.end)[3:8]}{'?' if stay.assumed else ''}" for stay in week.day(day).stays]


@pytest.mark.parametrize(
    ("reads", "expected", "missed"),
    [
        ("in 07:00, in 08:00", ["07:00–08:00?", "08:00–18:30?"], {}),  # to the next counted read, also before the span
        ("in 10:00, in 12:00, out 13:00", ["10:00–12:00?", "12:00–13:00"], {"missing_exit": 2 * H}),
        ("in 18:00, in 19:00, out 20:00", ["18:00–18:30?", "19:00–20:00"], {"missing_exit": 30 * M}),  # or to the span's end
        ("in 18:30", ["18:30–18:30?"], {"missing_exit": 0}),
        ("in 19:00", ["19:00–19:00?"], {"missing_exit": 0}),  # after the span it is zero long
        ("out 10:00", ["09:00–10:00?"], {"missing_entry": H}),  # from the span's start
        ("out 08:00", ["08:00–08:00?"], {"missing_entry": 0}),  # but not after itself
        ("in 09:00, out 11:00, out 12:00", ["09:00–11:00", "11:00–12:00?"], {"missing_entry": H}),  # from the previous exit
        ("in 07:00, out 08:00, out 12:00", ["07:00–08:00", "09:00–12:00?"], {"missing_entry": 3 * H}),
        ("out 20:00", ["09:00–20:00?"], {"missing_entry": 11 * H}),
    ],
)
def test_what_is_missing_is_assumed_inside_the_span_and_between_the_reads(
    week: Situation, reads: str, expected: list[str], missed: dict[str, int]
) -> None:
    assert stays(week.read("Tue", reads)) == expected
    shown = {(each.kind.value, each.seconds) for each in week.day().findings if each.rule == "lc-79"}
    assert shown >= set(missed.items())
    assert len(shown) == len([each for each in expected if each.endswith("?")])


@pytest.mark.parametrize("reads", ["in 12:00", "out 12:00"])
def test_without_a_span_nothing_is_assumed_and_an_order_lends_nothing(week: Situation, reads: str) -> None:
    assert stays(week.order("Sat", "10:00–15:00", "rest_day").read("Sat", reads), "Sat") == ["12:00–12:00?"]


def test_of_a_plan_with_a_core_the_core_lends(week: Situation) -> None:
    week.plan("Tue", "flexible", {"07:00–19:00": "office"}, core="10:00–16:00").read("Tue", "in 08:00")
    assert stays(week) == ["08:00–16:00?"]
    week.plan("Wed", "office", {"07:00–19:00": "office"}, core="10:00–16:00").read("Wed", "out 18:00")
    assert stays(week, "Wed") == ["10:00–18:00?"]


def test_assumed_time_never_leaves_its_window(week: Situation) -> None:
    week.plan("Tue", "shift", {"14:00–+02:00": "office"}).plan("Wed", "shift", {"00:00–08:00": "office"})
    assert week.wall(week.day("Tue").window[1]) == "25 01:00:00"
    assert stays(week.read("Wed", "out 03:00"), "Wed") == ["01:00–03:00?"]
    assert stays(week.read("Tue", "none 20:00"), "Tue") == ["20:00–01:00?"]


@pytest.mark.parametrize(
    ("reads", "added", "expected", "left"),
    [
        ("in 09:00", ["exit 17:00"], ["09:00–17:00"], []),
        ("in 09:00", ["exit 17:00", "exit 16:00"], ["09:00–16:00"], ["17:00"]),  # the earliest
        ("in 09:00", ["exit 08:59", "entry 10:00"], ["09:00–18:30?"], ["08:59", "10:00"]),
        ("in 09:00", ["exit 09:00"], ["09:00–09:00"], []),
        ("in 09:00, in 12:00, out 13:00", ["exit 12:00"], ["09:00–12:00", "12:00–13:00"], []),
        ("in 09:00, in 12:00, out 13:00", ["exit 12:01"], ["09:00–12:00?", "12:00–13:00"], ["12:01"]),
        ("in 09:00, in 12:00", ["exit 12:00"], ["09:00–12:00", "12:00–18:30?"], []),  # of two the earlier entry
        ("in 09:00, in 12:00", ["exit 11:00", "exit 11:30"], ["09:00–11:00", "12:00–18:30?"], ["11:30"]),
        ("in 09:00", ["exit +03:59"], ["09:00–03:59"], []),
        ("in 09:00", ["exit +04:00"], ["09:00–18:30?"], []),  # the window's end is of the next date
        ("out 17:00", ["entry 09:30"], ["09:30–17:00"], []),
        ("out 17:00", ["entry 09:30", "entry 10:00"], ["10:00–17:00"], ["09:30"]),  # the latest
        ("out 17:00", ["entry 17:01", "exit 10:00"], ["09:00–17:00?"], ["10:00", "17:01"]),
        ("out 17:00", ["entry 17:00"], ["17:00–17:00"], []),
        ("out 17:00", ["entry 04:00"], ["04:00–17:00"], []),
        ("in 09:00, out 11:00, out 17:00", ["entry 11:00"], ["09:00–11:00", "11:00–17:00"], []),
        ("in 09:00, out 11:00, out 17:00", ["entry 10:59"], ["09:00–11:00", "11:00–17:00?"], ["10:59"]),
        ("out 11:00, out 17:00", ["entry 11:00"], ["09:00–11:00?", "11:00–17:00"], []),  # of two the later exit
        ("out 11:00, out 17:00", ["entry 09:10", "entry 12:00"], ["09:10–11:00", "12:00–17:00"], []),
        ("in 09:00, out 17:00", ["entry 09:00", "exit 17:00"], ["09:00–17:00"], ["09:00", "17:00"]),
    ],
)
def test_an_added_entry_or_exit_mends_what_it_fits(
    week: Situation, reads: str, added: list[str], expected: list[str], left: list[str]
) -> None:
    week.read("Tue", reads)
    for each in reversed(added):
        week.add("Tue", each)
    day = week.day()
    assert stays(week) == expected
    assert [week.wall(each.at)[3:8] for each in day.superseded] == left
    assert [each.rule for each in day.findings].count("lc-79") == len([each for each in expected if each.endswith("?")])


def test_an_exit_at_the_windows_end_is_a_correction_of_the_next_date(week: Situation) -> None:
    tuesday, wednesday = week.read("Tue", "in 09:00").add("Tue", "exit +04:00").contents("Tue", "Wed")
    assert (len(tuesday.superseded), len(wednesday.superseded)) == (0, 1)


def test_a_correction_does_not_part_a_stay_over_the_border(week: Situation) -> None:
    friday, saturday = week.read("Fri", "in 21:00, out +05:00").add("Fri", "exit 22:00").add("Fri", "entry +04:30").contents("Fri", "Sat")
    assert (friday.crosses, len(friday.superseded), len(saturday.superseded)) == (True, 1, 1)


def test_an_added_stay_is_known_and_mends_nothing_else(week: Situation) -> None:
    day = week.read("Tue", "in 12:00").add_stay("Tue", "09:00–15:00").day()
    assert stays(week) == ["09:00–15:00", "12:00–18:30?"]
    assert said(day) == ({"worked": 8 * H, "assumed": 3 * H + 30 * M, "gap": 90 * M}, {"missing_exit": 6 * H + 30 * M})
    assert day.superseded == ()


def test_an_added_stay_is_cut_at_the_border(week: Situation) -> None:
    friday, saturday, sunday = week.add_stay("Fri", "20:00–+06:00").contents("Fri", "Sat", "Sun")
    assert [(week.wall(stay.start), week.wall(stay.end)) for stay in friday.stays] == [("27 20:00:00", "28 04:00:00")]
    assert [(week.wall(stay.start), week.wall(stay.end)) for stay in saturday.stays] == [("28 04:00:00", "28 06:00:00")]
    assert sunday.stays == ()
    assert "overnight_stay" not in found(friday)


def test_an_added_stay_without_a_second_is_no_stay(week: Situation) -> None:
    assert stays(week.add_stay("Tue", "12:00–12:00")) == []


def test_an_undirected_read_follows_the_reads_and_not_the_corrections(week: Situation) -> None:
    """With the added exit nobody would be inside at noon; the read is an exit all the same."""
    assert stays(week.read("Tue", "in 09:00, none 12:00").add("Tue", "exit 10:00")) == ["09:00–12:00"]
