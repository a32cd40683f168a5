"""Which day an instant belongs to, and which stays go over a border."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from .situations import Situation, found, said

H, M = 3600, 60


def border(week: Situation, day: str = "Tue") -> str:
    """The end of a date's window, as the wall clock shows it."""
    return week.wall(week.day(day).window[1])


def days_off(week: Situation, *but: str) -> Situation:
    for day in list(week.plans):
        if day not in {week.on(each) for each in but}:
            week.day_off(day)
    return week


def test_without_a_duty_near_it_a_day_ends_at_four(week: Situation) -> None:
    assert border(week) == "25 04:00:00"


@pytest.mark.parametrize(
    ("duty", "end"),
    [
        ("20:00–+01:59", "25 04:00:00"),
        ("20:00–+02:00", "25 04:00:00"),
        ("20:00–+02:01", "25 04:01:00"),
        ("20:00–+08:00", "25 10:00:00"),
    ],
)
def test_a_day_ends_two_hours_after_its_duty_or_later(week: Situation, duty: str, end: str) -> None:
    assert border(days_off(week).plan("Tue", "shift", {duty: "office"})) == end
    assert border(days_off(week).order("Tue", duty)) == end


def test_the_duty_of_the_date_before_keeps_a_border_too(week: Situation) -> None:
    days_off(week).plan("Mon", "shift", {"20:00–++04:00": "office"})
    assert border(week, "Mon") == "25 06:00:00"
    assert border(week, "Tue") == "25 06:00:00"
    assert week.day("Tue").window == (week.at("Wed", "06:00"),) * 2


@pytest.mark.parametrize(("start", "end"), [("06:01", "25 04:00:00"), ("05:59", "25 03:59:00"), ("00:30", "24 22:30:00")])
def test_a_day_ends_two_hours_before_the_next_dates_duty_or_earlier(week: Situation, start: str, end: str) -> None:
    assert border(days_off(week).plan("Wed", "shift", {f"{start}–10:00": "office"})) == end


def test_the_duty_of_the_date_after_next_keeps_a_border_too(week: Situation) -> None:
    """An order may begin before the date that it names."""
    days_off(week).order("Wed", "04:30–05:00")
    week.orders = [replace(week.orders[0], date=week.on("Thu"))]
    assert border(week, "Tue") == "25 02:30:00"


def test_duties_that_leave_no_room_part_in_the_middle_between_their_margins_rounded_down(week: Situation) -> None:
    days_off(week).plan("Tue", "shift", {"14:00–22:00": "office"}).plan("Wed", "shift", {"00:00:01–08:00": "office"})
    assert border(week) == "24 23:00:00"


def test_a_border_is_a_wall_time_of_its_date() -> None:
    """At the end of 29 February 2024 the clocks of Almaty went from 24:00 back to 23:00."""
    week = days_off(Situation(monday=date(2024, 2, 26)))
    for day, length in (("Wed", 24 * H), ("Thu", 25 * H), ("Fri", 24 * H)):
        start, end = week.day(day).window
        assert (week.wall(end)[3:], end - start) == ("04:00:00", length)
    duty = week.plan("Thu", "shift", {"20:00–+08:00": "office"}, ("+01:00–+02:00",)).read("Thu", "in 19:50, out +08:05").day("Thu")
    assert said(duty) == ({"worked": 12 * H, "night": 8 * H, "outside_hours": 15 * M, "gap": H}, {})


def test_the_hour_that_occurs_twice_is_worked_twice_on_a_holiday() -> None:
    week = Situation(monday=date(2024, 2, 26)).day_off("Thu", holiday=True).order("Thu", "22:00–+01:00", "rest_day")
    day = week.read("Thu", "in 22:00, out +01:00").day("Thu")
    assert said(day) == ({"rest_day": 4 * H, "night": 4 * H, "holiday": 3 * H}, {})


# Stays over a border


def crossed(week: Situation, day: str = "Fri") -> bool:
    """Whether a stay goes over the end of a date; both its parts are known then, and the date shows it."""
    one, other = week.contents(day, week.on(day) + timedelta(days=1))
    assert one.crosses == ("overnight_stay" in found(one))
    if one.crosses:
        assert (one.stays[-1].end, one.stays[-1].assumed) == (one.window[1], False)
        assert (other.stays[0].start, other.stays[0].assumed) == (other.window[0], False)
    return one.crosses


@pytest.mark.parametrize(("out", "over"), [("+13:00:00", True), ("+13:00:01", False)])
def test_a_stay_over_a_border_lasts_at_most_sixteen_hours(week: Situation, out: str, over: bool) -> None:
    assert crossed(days_off(week).read("Fri", f"in 21:00, out {out}")) is over


@pytest.mark.parametrize(("out", "over"), [("+20:00:00", True), ("+20:00:01", False)])
def test_or_as_long_as_the_own_duty_and_four_hours(week: Situation, out: str, over: bool) -> None:
    days_off(week).plan("Fri", "shift", {"04:00–10:00": "office", "12:00–20:00": "office"}).order("Fri", "20:00–+00:00")
    assert crossed(week.read("Fri", f"in 20:00, out {out}")) is over


@pytest.mark.parametrize(("out", "over"), [("+09:00:00", True), ("+09:00:01", False)])
def test_it_ends_before_the_next_dates_duty_begins(week: Situation, out: str, over: bool) -> None:
    assert crossed(days_off(week).office("Sat").read("Fri", f"in 18:00, out {out}")) is over


@pytest.mark.parametrize(("out", "over"), [("+11:00:00", True), ("+11:00:01", False)])
def test_or_within_two_hours_after_the_own_duty(week: Situation, out: str, over: bool) -> None:
    days_off(week).office("Sat").plan("Fri", "shift", {"09:00–+09:00": "office"})
    assert crossed(week.read("Fri", f"in 18:00, out {out}")) is over


def test_an_order_of_the_next_date_is_its_duty(week: Situation) -> None:
    days_off(week).read("Fri", "in 23:00, out +06:00")
    assert crossed(week)
    assert not crossed(week.order("Sat", "05:30–08:00"))


@pytest.mark.parametrize(
    "reads", ["none 21:00, out +05:00", "in 21:00, none +05:00", "in 21:00, out 22:00, in +05:00", "out 21:00, out +05:00"]
)
def test_only_an_entry_and_an_exit_of_their_own_direction_are_a_stay_over_a_border(week: Situation, reads: str) -> None:
    assert not crossed(days_off(week).read("Fri", reads))


def test_a_double_read_lends_its_direction_to_a_stay_over_a_border(week: Situation) -> None:
    assert crossed(days_off(week).read("Fri", "none 21:00, in 21:00:30, out +05:00:20, none +05:00:00"))


def test_a_voided_or_internal_read_does_not_stand_between(week: Situation) -> None:
    days_off(week).read("Fri", "in 21:00, out 23:00, out +05:00").read("Fri", "out 23:30", device="house", perimeter=False)
    assert crossed(week.void(week.reads[1]))


def test_no_stay_goes_over_two_borders(week: Situation) -> None:
    week.law = replace(week.law, longest_stay=99 * H)
    assert not crossed(days_off(week).read("Thu", "in 21:00").read("Sat", "out 05:00"), "Thu")


def test_a_stay_that_ends_on_the_border_goes_over_it(week: Situation) -> None:
    friday, saturday = days_off(week).read("Fri", "in 21:00, out +04:00").contents("Fri", "Sat")
    assert found(friday) == {"overnight_stay": 7 * H}
    assert (said(saturday), [(stay.start, stay.end) for stay in saturday.stays]) == (({}, {}), [(saturday.window[0],) * 2])


def test_who_is_inside_over_the_border_leaves_by_an_undirected_read_never_before_the_exit(week: Situation) -> None:
    """The stay takes the exit; the next read without direction is an entry again."""
    days_off(week).read("Fri", "in 21:00, out +05:00, none +06:00, none +07:00")
    saturday = week.day("Sat")
    assert [(week.wall(stay.start)[3:], week.wall(stay.end)[3:]) for stay in saturday.stays] == [
        ("04:00:00", "05:00:00"),
        ("06:00:00", "07:00:00"),
    ]


def test_the_plan_of_three_dates_before_may_decide_whether_a_stay_goes_over_a_border(week: Situation) -> None:
    """Its duty of 36 hours moves the border before the entry's window past the entry."""
    assert crossed(days_off(week).read("Fri", "in 12:00, out +04:00"))
    assert not crossed(week.plan("Wed", "shift", {"23:00–++11:00": "office"}))
