"""Cases that every implementation of the working day must get right, each a test by its name in the contract."""

from itertools import permutations
from typing import Any

import pytest
from timetracking.workdays.domain import Became, Direction, Facts, Place, PlannedInterval, Read, State

H, M = 3600, 60
FOUR = "in 08:55, out 13:02, in 14:25, out 18:33"
ORDINARY = {"worked": 8 * H, "outside_hours": 8 * M, "gap": 7 * M}


@pytest.fixture
def figures(words: Any) -> Any:
    return words.figures


@pytest.fixture
def found(words: Any) -> Any:
    return words.found


def test_an_ordinary_day(week: Any, figures: Any) -> None:
    day = week.read("Tue", FOUR).day()
    assert figures(day) == ORDINARY
    assert day.findings == ()
    assert day.state is State.COMPUTED
    assert day.seconds.known == 8 * H + 15 * M


def test_the_exit_came_first(week: Any) -> None:
    ordinary = week.read("Tue", FOUR).day()
    for reads in permutations(week.reads):
        assert week.day(facts=Facts(week.plans, reads=tuple(reads))) == ordinary


def test_the_whole_batch_came_twice(week: Any) -> None:
    ordinary = week.read("Tue", FOUR).day()
    assert week.day(facts=Facts(week.plans, reads=tuple(week.reads * 2))) == ordinary


def test_the_card_was_read_twice(week: Any, figures: Any) -> None:
    day = week.read("Tue", FOUR).read("Tue", "in 08:55:02").day()
    assert figures(day) == ORDINARY
    assert day.findings == ()
    assert [each.became for each in day.reads] == [Became.COUNTED, Became.DOUBLE_READ, Became.COUNTED, Became.COUNTED, Became.COUNTED]


def test_late(week: Any, figures: Any, found: Any) -> None:
    day = week.read("Tue", "in 09:12:40, out 13:02, in 14:25, out 18:33").day()
    assert day.seconds.late == 12 * M + 40
    assert found(day) == {"late": 12 * M + 40}
    assert [(week.wall(each.first), each.rule) for each in day.findings] == [("24 09:00:00", "o121-p4")]


def test_left_early(week: Any, found: Any) -> None:
    day = week.read("Tue", "in 08:55, out 13:02, in 14:25, out 17:50").day()
    assert day.seconds.early == 40 * M
    assert found(day) == {"early_leave": 40 * M}


def test_came_after_lunch(week: Any, found: Any) -> None:
    day = week.read("Tue", "in 14:45, out 18:33").day()
    assert day.seconds.late == 4 * H + 15 * M
    assert found(day) == {"late": 4 * H + 15 * M}


def test_left_for_good_at_noon(week: Any, found: Any) -> None:
    day = week.read("Tue", "in 08:55, out 12:00").day()
    assert day.seconds.early == 5 * H
    assert found(day) == {"early_leave": 5 * H}


def test_forgot_to_badge_out(week: Any, figures: Any, found: Any) -> None:
    day = week.read("Tue", "in 08:55, out 13:02, in 14:25").day()
    assert figures(day) == {"worked": 8 * H, "assumed": 4 * H, "outside_hours": 5 * M, "gap": 2 * M}
    assert found(day) == {"missing_exit": 4 * H + 5 * M}


def test_forgot_to_badge_in(week: Any, figures: Any, found: Any) -> None:
    day = week.read("Tue", "out 18:33").day()
    assert figures(day) == {"worked": 8 * H, "assumed": 8 * H}
    assert found(day) == {"missing_entry": 9 * H + 33 * M}


def test_forgot_to_badge_out_under_an_order(week: Any, found: Any) -> None:
    day = week.order("Tue", "18:30–20:30").read("Tue", "in 08:55").day()
    assert (day.seconds.early, day.seconds.overtime) == (0, 0)
    assert found(day) == {"missing_exit": 9 * H + 35 * M}


def test_stayed_late_without_an_order(week: Any) -> None:
    day = week.read("Tue", "in 08:55, out 13:02, in 14:25, out 21:00").day()
    assert (day.seconds.outside_hours, day.seconds.overtime) == (2 * H + 35 * M, 0)


def test_stayed_late_under_an_order(week: Any) -> None:
    day = week.order("Tue", "18:30–20:30").read("Tue", "in 08:55, out 13:02, in 14:25, out 21:00").day()
    assert (day.seconds.overtime, day.seconds.outside_hours, day.seconds.worked) == (2 * H, 35 * M, 8 * H)


def test_rest_day_order_without_an_exit(week: Any, found: Any) -> None:
    week.order("Sat", "10:00–15:00", "rest_day").read("Sat", "in 09:58")
    assert week.day("Sat").seconds.rest_day == 0
    assert found(week.day("Sat")) == {"missing_exit": 0}
    mended = week.add("Sat", "exit 15:00").day("Sat")
    assert mended.seconds.rest_day == 5 * H
    assert mended.findings == ()


def night_shift(week: Any) -> Any:
    return week.plan("Tue", "shift", {"20:00–+08:00": "office"}, ("+01:00–+02:00",)).day_off("Wed").read("Tue", "in 19:50, out +08:05")


def test_night_shift(week: Any, figures: Any) -> None:
    night_shift(week)
    assert figures(week.day()) == {"worked": 11 * H, "night": 7 * H, "outside_hours": 15 * M, "gap": H}
    assert week.day().findings == ()
    assert week.day("Wed").seconds.known == 0
    assert week.day("Wed").reads == ()


def test_night_shift_ending_on_a_day_off(week: Any) -> None:
    night_shift(week)
    assert (week.day().seconds.rest_day, week.day().seconds.holiday) == (0, 0)
    week.day_off("Wed", holiday=True)
    assert (week.day().seconds.rest_day, week.day().seconds.holiday) == (0, 7 * H)


def test_24_hour_duty(week: Any, figures: Any) -> None:
    for each in ("Mon", "Wed"):
        week.day_off(each)
    week.plan("Tue", "summarised", {"09:00–+09:00": "office"}, ("13:00–14:00",)).read("Tue", "in 08:50, out +09:10")
    assert figures(week.day()) == {"worked": 23 * H, "night": 8 * H, "outside_hours": 20 * M, "gap": H}
    assert week.day().findings == ()
    assert week.day("Wed").seconds.known == 0


def test_duty_followed_by_an_office_date(week: Any, figures: Any, found: Any) -> None:
    week.day_off("Mon").plan("Tue", "shift", {"09:00–+09:00": "office"})
    week.read("Tue", "in 08:50").read("Wed", "out 09:10, in 09:20, out 18:31")
    first, second = week.contents("Tue", "Wed")
    assert (first.seconds.worked, first.seconds.assumed) == (24 * H, 0)
    assert list(found(first)) == ["overnight_stay"]
    assert (second.seconds.worked, second.seconds.left) == (7 * H + 50 * M, 10 * M)
    assert found(second) == {"left_during_day": 10 * M}


def test_past_midnight_on_friday(week: Any, figures: Any) -> None:
    week.read("Fri", "in 08:55, out +00:30")
    assert week.day("Fri").seconds.outside_hours == 6 * H + 5 * M
    assert week.day("Fri").findings == ()
    saturday = week.day("Sat")
    assert (figures(saturday), saturday.findings, saturday.reads) == ({}, (), ())


def test_overnight_by_directed_reads(week: Any, found: Any) -> None:
    week.read("Fri", "in 14:00, out +05:00")
    friday, saturday = week.contents("Fri", "Sat")
    assert (friday.seconds.late, friday.seconds.worked, friday.seconds.outside_hours) == (4 * H, 4 * H, 9 * H + 30 * M)
    assert found(friday) == {"late": 4 * H, "overnight_stay": 14 * H}
    assert saturday.seconds.outside_hours == H
    assert saturday.findings == ()


def test_one_reader_no_direction(week: Any, figures: Any) -> None:
    day = week.read("Tue", FOUR.replace("in", "none").replace("out", "none")).day()
    assert figures(day) == ORDINARY
    assert day.findings == ()


def test_one_reader_nobody_badged_out_at_night(week: Any, figures: Any) -> None:
    week.read("Tue", "none 08:55, none 13:02, none 14:25, none 16:40, none 17:05")
    week.read("Wed", "none 08:55, none 13:02, none 14:25, none 18:33")
    assert figures(week.day("Wed")) == ORDINARY
    assert week.day("Wed").findings == ()


def test_undirected_between_in_and_out(week: Any, found: Any) -> None:
    day = week.read("Tue", "in 08:55:00, none 08:55:10, out 08:55:20, in 09:30, out 18:31").day()
    assert day.seconds.late == 30 * M
    assert found(day) == {"late": 30 * M}


def test_first_of_a_double_voided(week: Any, found: Any) -> None:
    week.read("Tue", "in 08:55:00, in 08:55:30, out 13:02, in 14:25, out 18:33")
    day = week.void(week.reads[0]).day()
    assert day.seconds.worked == 8 * H
    assert day.findings == ()
    assert [each.became for each in day.reads[:2]] == [Became.VOID, Became.COUNTED]


def test_the_real_exit_came_after_the_correction(week: Any, figures: Any) -> None:
    week.read("Tue", "in 08:55, out 13:02, in 14:25").add("Tue", "exit 18:30")
    mended = week.day()
    assert (mended.seconds.worked, mended.seconds.assumed, mended.findings, mended.superseded) == (8 * H, 0, (), ())
    late_truth = week.read("Tue", "out 18:33").day()
    assert figures(late_truth) == ORDINARY
    assert [week.wall(each.at) for each in late_truth.superseded] == ["24 18:30:00"]


def test_numbers_are_numbers(week: Any) -> None:
    week.reads = [Read(week.at("Tue", "12:00"), "gate", key, way) for key, way in (("10", Direction.OUT), ("9", Direction.IN))]
    day = week.day()
    assert [each.read.event_key for each in day.reads] == ["9", "10"]
    assert day.seconds.known == 0
    assert {each.kind.value for each in day.findings} == {"absent"}


def test_entries_across_the_border(week: Any) -> None:
    week.read("Fri", "in +03:59:30, in +04:00:10")
    friday, saturday = week.contents("Fri", "Sat")
    assert [each.became for each in friday.reads] == [Became.COUNTED]
    assert [each.became for each in saturday.reads] == [Became.COUNTED]


def test_two_shifts_meet(week: Any) -> None:
    week.plan("Tue", "shift", {"14:00–22:00": "office"}).plan("Wed", "shift", {"00:00–08:00": "office"})
    tuesday, wednesday = week.contents("Tue", "Wed")
    assert week.wall(tuesday.window[1]) == "24 23:00:00"
    assert wednesday.window[0] == tuesday.window[1]
    assert all(day.window[0] < day.window[1] for day in week.week())


def test_public_holiday(words: Any, figures: Any) -> None:
    from datetime import date

    week = words.Situation(monday=date(2026, 12, 14)).day_off("Wed", holiday=True).read("Wed", "in 10:00, out 15:00")
    assert figures(week.day("Wed")) == {"outside_hours": 5 * H}
    week.order("Wed", "10:00–15:00", "rest_day")
    assert figures(week.day("Wed")) == {"rest_day": 5 * H, "holiday": 5 * H}


def test_transferred_day_off(week: Any, figures: Any) -> None:
    day = week.office("Sat").read("Sat", FOUR).day("Sat")
    assert figures(day) == ORDINARY
    assert day.findings == ()


REMOTE = {"09:00–13:00": "remote", "14:30–18:30": "remote"}


def test_remote_day(week: Any, figures: Any) -> None:
    day = week.plan("Tue", "remote", REMOTE).session("Tue", "09:00–13:00").session("Tue", "14:30–18:30").day()
    assert figures(day) == {"worked": 8 * H}
    assert day.findings == ()


def test_remote_day_nothing_recorded(week: Any, figures: Any, found: Any) -> None:
    day = week.plan("Tue", "remote", REMOTE).day()
    assert figures(day) == {"absent": 8 * H}
    assert found(day) == {"remote_without_session": 8 * H}


def test_a_session_on_an_office_day(week: Any, figures: Any, found: Any) -> None:
    day = week.session("Tue", "09:00–18:30").day()
    assert figures(day) == {"absent": 8 * H}
    assert found(day) == {"absent": 8 * H, "session_in_office_interval": 8 * H}


def recall_plan(week: Any) -> Any:
    places = {"09:00–11:00": "remote", "11:00–12:00": "way", "12:00–18:30": "office"}
    return week.plan("Tue", "combined", places, ("13:00–14:30",))


def test_recalled_at_11_00(week: Any, figures: Any) -> None:
    day = recall_plan(week).session("Tue", "09:00–11:00").read("Tue", "in 11:58, out 13:00, in 14:30, out 18:31").day()
    assert day.seconds.worked == 8 * H
    assert day.findings == ()


def test_recalled_came_late(week: Any, found: Any) -> None:
    day = recall_plan(week).session("Tue", "09:00–11:00").read("Tue", "in 12:30, out 13:00, in 14:30, out 18:31").day()
    assert day.seconds.late == 30 * M
    assert found(day) == {"late": 30 * M}


def test_recalled_only_an_exit_was_read(week: Any, found: Any) -> None:
    day = recall_plan(week).read("Tue", "out 18:31").day()
    assert (day.seconds.worked, day.seconds.assumed) == (6 * H, 5 * H)
    assert {"missing_entry", "remote_without_session"} == set(found(day))
    assert found(day)["remote_without_session"] == 2 * H


def test_permission_to_be_away(week: Any, found: Any) -> None:
    day = week.office("Tue", excused=("09:00–11:00",)).read("Tue", "in 10:50, out 18:31").day()
    assert (day.seconds.late, day.seconds.excused) == (0, H + 50 * M)
    assert day.findings == ()


def test_flexible_07_00_16_30(week: Any, figures: Any) -> None:
    week.plan("Tue", "flexible", {"07:00–16:30": "office"}, ("13:00–14:30",), core="10:00–16:00")
    day = week.read("Tue", "in 06:58, out 16:31").day()
    assert day.seconds.worked == 8 * H
    assert day.findings == ()


def test_plan_not_yet_known(week: Any, figures: Any) -> None:
    del week.plans[week.on("Tue")]
    day = week.read("Tue", FOUR).day()
    assert (day.state, figures(day), day.findings) == (State.WAITING, {}, ())
    assert day.seconds.known == 8 * H + 15 * M


def test_at_ten_in_the_morning(week: Any, figures: Any) -> None:
    week.now = week.at("Tue", "10:00")
    day = week.read("Tue", "in 08:55").day()
    assert day.state is State.IN_PROGRESS
    assert (figures(day), day.findings) == ({}, ())


def test_an_order_the_morning_after_a_night_shift(week: Any, figures: Any) -> None:
    week.plan("Tue", "shift", {"20:00–+08:00": "office"}).day_off("Wed").order("Tue", "+08:00–+10:00")
    week.read("Tue", "in 19:50, out +10:05")
    day = week.day()
    assert figures(day, "night") == {"worked": 12 * H, "overtime": 2 * H, "outside_hours": 15 * M}
    assert week.day("Wed").seconds.known == 0


def test_house_behind_a_campus_gate(week: Any) -> None:
    week.read("Tue", "in 08:50", device="gate").read("Tue", "in 08:55", device="house", perimeter=False).read("Tue", "out 18:33")
    day = week.day()
    assert [each.became for each in day.reads] == [Became.COUNTED, Became.INTERNAL, Became.COUNTED]
    assert len(day.stays) == 1
    assert day.seconds.worked == 8 * H


def test_rest_too_short(week: Any) -> None:
    week.order("Tue", "18:30–23:50").read("Tue", "in 08:55, out 13:02, in 14:25, out 23:50").read("Wed", FOUR)
    assert week.rests() == [(("Tue", "Wed"), 9 * H + 10 * M)]


def test_an_interval_of_a_way_has_nothing_due(week: Any) -> None:
    week.plan("Tue", "combined", {"09:00–18:00": "way"})
    start, end = week.span("Tue", "09:00–18:00")
    assert week.plans[week.on("Tue")].intervals == (PlannedInterval(start, end, Place.WAY),)
    assert week.day().seconds.absent == 0
