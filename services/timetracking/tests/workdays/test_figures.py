"""What every second of a day is, and what is raised for those that are missing."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from timetracking.workdays.domain import State, workdays

from .situations import FOUR, Situation, figures, found, said

H, M = 3600, 60
THROUGH = "in 09:00, out 18:30"
BREAK = ("13:00–14:30",)
REMOTE_DAY = {"09:00–18:30": "remote"}


# Places and sessions


def test_known_presence_counts_in_a_remote_interval_and_assumed_presence_does_not(week: Situation) -> None:
    week.plan("Tue", "remote", REMOTE_DAY, BREAK)
    assert said(week.read("Tue", THROUGH).day()) == ({"worked": 8 * H, "gap": 90 * M}, {})
    week.plan("Wed", "remote", REMOTE_DAY, BREAK).read("Wed", "in 09:00")
    assert said(week.day("Wed")) == ({"absent": 8 * H}, {"missing_exit": 9 * H + 30 * M, "remote_without_session": 8 * H})


def test_overlapping_sessions_are_one_presence(week: Situation) -> None:
    week.plan("Tue", "remote", REMOTE_DAY, BREAK)
    for session in ("09:00–12:00", "11:00–13:00", "11:00–13:00", "14:30–18:30"):
        week.session("Tue", session)
    assert said(week.day()) == ({"worked": 8 * H}, {})


@pytest.mark.parametrize(
    ("start", "worked", "assumed", "length"), [("14:30", 4 * H, 4 * H, 4 * H), ("12:00", 5 * H, 5 * H, 6 * H + 30 * M), ("18:30", 0, 0, 0)]
)
def test_a_session_without_an_end_lasts_to_the_end_of_the_remote_interval_that_holds_its_start(
    week: Situation, start: str, worked: int, assumed: int, length: int
) -> None:
    day = week.plan("Tue", "remote", REMOTE_DAY, BREAK).session("Tue", f"{start}–").day()
    assert (day.seconds.worked, day.seconds.assumed) == (worked, assumed)
    missing = [each for each in day.findings if each.kind.value == "missing_end_of_session"]
    assert [(week.wall(each.first)[3:8], each.seconds, each.rule) for each in missing] == [(start, length, "o120-p9")]


def test_where_two_remote_intervals_meet_the_later_one_holds_the_start(week: Situation) -> None:
    week.plan("Tue", "remote", {"09:00–13:00": "remote", "13:00–17:00": "remote"}).session("Tue", "13:00–")
    assert week.day().seconds.assumed == 4 * H


def test_an_assumed_session_is_cut_at_the_border_and_counts_only_where_nothing_is_known(week: Situation) -> None:
    week.plan("Tue", "shift", {"14:00–+02:00": "remote"}).plan("Wed", "shift", {"00:00–08:00": "office"})
    day = week.session("Tue", "20:00–").session("Tue", "21:00–22:00").day()
    assert (day.seconds.worked, day.seconds.assumed) == (5 * H, 4 * H)
    assert [(week.wall(stay.start)[3:8], week.wall(stay.end)[3:8], stay.assumed) for stay in day.sessions] == [
        ("20:00", "01:00", True),
        ("21:00", "22:00", False),
    ]


def test_a_session_is_cut_at_the_border(week: Situation) -> None:
    friday, saturday = week.session("Fri", "20:00–+06:00").contents("Fri", "Sat")
    assert (friday.seconds.remote_outside_hours, saturday.seconds.remote_outside_hours) == (8 * H, 2 * H)


def test_a_session_outside_span_and_orders_is_remote_outside_hours_where_nobody_is_at_a_perimeter(week: Situation) -> None:
    week.order("Tue", "20:00–22:00", breaks=("21:00–21:10",)).read("Tue", "in 18:00, out 19:00").session("Tue", "18:00–23:00")
    shown = figures(week.day(), "early", "late", "worked")
    assert shown == {"outside_hours": 30 * M, "overtime": 2 * H - 10 * M, "remote_outside_hours": H + H}


def test_a_session_in_the_break_or_in_a_hole_of_the_plan_has_no_kind(week: Situation) -> None:
    week.plan("Tue", "remote", {"09:00–13:00": "remote", "14:30–18:30": "remote"}, ("15:00–15:15",)).session("Tue", "09:00–18:30")
    assert said(week.day()) == ({"worked": 8 * H - 15 * M}, {})


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        (("10:00–12:00",), [("10:00", 2 * H)]),
        (("08:00–19:00",), [("09:00", 8 * H)]),  # a break does not part it
        (("10:00–12:00", "11:00–12:30"), [("10:00", 2 * H + 30 * M)]),
        (("10:00–12:00", "12:00–12:30", "10:00–11:00"), [("10:00", 2 * H + 30 * M)]),
        (("10:00–11:00", "15:00–16:00"), [("10:00", H), ("15:00", H)]),
        (("13:00–14:30",), []),  # nothing is left of it without the break
        (("18:30–20:00",), []),
    ],
)
def test_a_session_in_an_office_interval_is_shown_once_for_each_unbroken_run(
    week: Situation, sessions: tuple[str, ...], expected: list[tuple[str, int]]
) -> None:
    for session in sessions:
        week.session("Tue", session)
    shown = [each for each in week.read("Tue", THROUGH).day().findings if each.kind.value == "session_in_office_interval"]
    assert [(week.wall(each.first)[3:8], each.seconds) for each in shown] == expected


# Kinds of seconds


def test_known_presence_in_a_hole_of_the_plan_is_a_gap_as_in_a_break(week: Situation) -> None:
    week.plan("Tue", "office", {"09:00–12:00": "office", "13:00–18:00": "office"}, ("16:00–16:30",)).read("Tue", "in 08:30, out 18:30")
    assert said(week.day()) == ({"worked": 7 * H + 30 * M, "gap": H + 30 * M, "outside_hours": H}, {})


def test_an_order_counts_outside_the_span_without_its_breaks_and_only_what_is_known(week: Situation) -> None:
    week.order("Tue", "17:00–21:00", breaks=("19:00–19:30",)).read("Tue", "in 09:00, out 18:45, in 19:15, out 20:00, in 20:30")
    day = week.day()
    assert figures(day, "gap") == {"worked": 8 * H, "overtime": 15 * M + 30 * M, "outside_hours": 15 * M}
    assert found(day) == {"missing_exit": 0}


def test_orders_of_both_kinds_count_beside_each_other_and_only_on_their_own_date(week: Situation) -> None:
    week.order("Sat", "10:00–12:00", "rest_day").order("Sat", "12:00–13:00", "overtime").order("Fri", "14:00–15:00", "rest_day")
    week.read("Sat", "in 10:00, out 16:00")
    assert said(week.day("Sat")) == ({"rest_day": 2 * H, "overtime": H, "outside_hours": 3 * H}, {})


def test_an_order_of_the_date_before_says_nothing_of_seconds_behind_the_border(week: Situation) -> None:
    week.day_off("Tue").day_off("Wed").order("Tue", "+03:00–+08:00").order("Wed", "06:00–06:30")
    tuesday, wednesday = week.read("Wed", "in 07:10, out 07:50").contents("Tue", "Wed")
    assert week.wall(tuesday.window[1]) == "25 07:00:00"
    assert said(wednesday) == ({"outside_hours": 40 * M}, {})


def test_a_session_is_ordered_too(week: Situation) -> None:
    day = week.order("Sat", "20:00–23:00", "rest_day").session("Sat", "21:00–+00:00").day("Sat")
    assert (said(day), day.seconds.known) == (({"rest_day": 2 * H, "night": H, "remote_outside_hours": H}, {}), 0)


def test_night_and_holiday_are_counted_over_work_alone_on_the_civil_clock(week: Situation) -> None:
    week.order("Tue", "21:00–23:00").day_off("Tue", holiday=True).read("Tue", "in 20:00, out +03:00")
    assert said(week.day()) == ({"overtime": 2 * H, "outside_hours": 5 * H, "night": H, "holiday": 2 * H}, {})
    del week.plans[week.on("Thu")]
    week.plan("Wed", "shift", {"20:00–+08:00": "office"}).read("Wed", "in 20:00, out +08:00")
    assert said(week.day("Wed")) == ({"worked": 12 * H, "night": 8 * H}, {})  # no row of Thursday, no holiday


def test_a_night_inside_one_civil_date(week: Situation) -> None:
    week.law = replace(week.law, night=(0, 5 * H))
    week.plan("Tue", "shift", {"20:00–+08:00": "office"}).read("Tue", "in 20:00, out +08:00")
    assert week.day().seconds.night == 5 * H


@pytest.mark.parametrize(
    ("zone", "work", "night", "seconds"),
    [
        ("Asia/Almaty", "05:00–13:00", (22, 6), H),
        ("Asia/Almaty", "00:00–05:00", (22, 6), 5 * H),
        ("Asia/Almaty", "00:00–04:00", (0, 6), 4 * H),
        ("Pacific/Kiritimati", "21:00–23:00", (22, 6), H),
        ("Pacific/Pago_Pago", "15:00–23:00", (22, 6), H),
        ("Pacific/Pago_Pago", "13:00–22:00", (22, 21), 8 * H),
    ],
)
def test_a_night_is_found_in_any_zone(zone: str, work: str, night: tuple[int, int], seconds: int) -> None:
    week = Situation(zone)
    week.law = replace(week.law, night=(night[0] * H, night[1] * H))
    day = week.plan("Tue", "shift", {work: "office"}).read("Tue", "in {}, out {}".format(*work.split("–"))).day()
    assert (day.seconds.worked, day.seconds.night) == (day.seconds.known, seconds)


def test_the_nights_of_a_day_are_on_the_clock_of_its_own_place(week: Situation) -> None:
    """Who was in Tokyo until Monday and works in Almaty from midnight on is in the night until six o'clock of Almaty."""
    tuesday, tokyo = week.on("Tue"), ZoneInfo("Asia/Tokyo")
    week.day_off("Mon").plan("Tue", "shift", {"00:00–08:00": "office"}).read("Tue", "in 00:00, out 08:00")
    (day,) = workdays(week.facts(), [tuesday], lambda day: tokyo if day < tuesday else week.zone, lambda _: week.law, week.now)
    assert (day.seconds.worked, day.seconds.night) == (8 * H, 6 * H)


# What is due


@pytest.mark.parametrize(
    ("reads", "missed"),
    [
        ("in 08:00, out 10:00, in 11:00, out 19:00", {"left_during_day": [("10:00", H)]}),
        ("in 08:00, out 12:30, in 15:00, out 19:00", {"left_during_day": [("12:30", H)]}),  # a break does not part a gap
        (
            "in 09:00:01, out 10:00, in 10:02, out 12:00, in 12:10, out 18:29:59",
            {"late": [("09:00", 1)], "left_during_day": [("10:00", 2 * M), ("12:00", 10 * M)], "early_leave": [("18:29", 1)]},
        ),
        ("in 13:00, out 14:30", {"absent": [("09:00", 8 * H)]}),
        ("in 12:59, out 14:30", {"late": [("09:00", 4 * H - M)], "early_leave": [("14:30", 4 * H)]}),
    ],
)
def test_what_is_due_and_not_worked_is_late_left_or_early(week: Situation, reads: str, missed: dict[str, list[tuple[str, int]]]) -> None:
    day = week.read("Tue", reads).day()
    shown: dict[str, list[tuple[str, int]]] = {}
    for each in day.findings:
        shown.setdefault(each.kind.value, []).append((week.wall(each.first)[3:8], each.seconds))
    assert shown == missed
    of = {"late": day.seconds.late, "left_during_day": day.seconds.left, "early_leave": day.seconds.early, "absent": day.seconds.absent}
    assert {kind: seconds for kind, seconds in of.items() if seconds} == {
        kind: sum(seconds for _, seconds in rows) for kind, rows in missed.items()
    }


def test_each_stretch_is_judged_by_itself(week: Situation) -> None:
    """A run of intervals at one place is one stretch, also over a hole."""
    places = {"09:00–11:00": "office", "11:30–13:00": "office", "13:00–15:00": "remote", "15:00–18:00": "office"}
    week.plan("Tue", "combined", places).read("Tue", "in 10:00, out 12:00, in 17:00, out 18:00")
    day = week.day()
    assert [(each.kind.value, week.wall(each.first)[3:8], each.seconds) for each in day.findings] == [
        ("late", "09:00", H),
        ("early_leave", "12:00", H),
        ("remote_without_session", "13:00", 2 * H),
        ("late", "15:00", 2 * H),
    ]
    assert figures(day) == {"worked": 2 * H + 30 * M, "late": 3 * H, "early": H, "absent": 2 * H, "gap": 30 * M}


def test_only_the_core_of_a_plan_with_a_core_is_due(week: Situation) -> None:
    week.plan("Tue", "flexible", {"07:00–19:00": "office"}, BREAK, core="10:00–16:00").read(
        "Tue", "in 10:30, out 12:00, in 12:10, out 15:00"
    )
    day = week.day()
    assert said(day) == (
        {"worked": 2 * H + 50 * M, "late": 30 * M, "left": 10 * M, "early": H, "gap": 90 * M},
        {"late": 30 * M, "left_during_day": 10 * M, "early_leave": H},
    )
    assert {each.rule for each in day.findings} == {"o120-p20"}


@pytest.mark.parametrize(("kind", "core", "rule"), [("flexible", None, "o121-p4"), ("office", "10:00–16:00", "o120-p20")])
def test_a_plan_is_flexible_by_its_core_whatever_its_kind(week: Situation, kind: str, core: str | None, rule: str) -> None:
    day = week.plan("Tue", kind, {"09:00–18:30": "office"}, BREAK, core=core).day()
    assert [(each.kind.value, each.rule) for each in day.findings] == [("absent", rule)]
    assert day.seconds.absent == (8 * H if core is None else 4 * H + 30 * M)


def test_excused_seconds_are_not_due_and_are_counted_where_they_were_not_worked(week: Situation) -> None:
    week.office("Tue", excused=("08:00–10:00", "09:30–10:00", "12:00–15:00", "18:30–20:00"))
    assert said(week.read("Tue", "in 09:30, out 12:30, in 15:00, out 18:30").day()) == (
        {"worked": 6 * H + 30 * M, "excused": 90 * M},
        {},
    )


def test_excused_time_inside_a_gap_does_not_part_it(week: Situation) -> None:
    week.office("Tue", excused=("10:30–11:00",)).read("Tue", "in 09:00, out 10:00, in 12:00, out 18:30")
    assert said(week.day()) == ({"worked": 6 * H, "left": 90 * M, "excused": 30 * M, "gap": 90 * M}, {"left_during_day": 90 * M})


def test_grace_keeps_findings_from_being_raised_and_reduces_no_figure(week: Situation) -> None:
    reads = "in 09:05, out 10:00, in 10:05, out 11:00, in 11:05:01, out 18:24:59"
    day = week.office("Tue", grace="5 min").read("Tue", reads).day()
    assert (day.seconds.late, day.seconds.left, day.seconds.early) == (5 * M, 10 * M + 1, 5 * M + 1)
    assert found(day) == {"left_during_day": 5 * M + 1, "early_leave": 5 * M + 1}
    assert found(week.office("Wed", grace="9 h").day("Wed")) == {"absent": 8 * H}  # absent has none


# The daily limit


LONG = "in 09:00, out 20:00"
KINDS = ("office", "remote", "combined", "day_off", "public_holiday", "flexible", "shift", "sliding", "summarised")


@pytest.mark.parametrize("kind", KINDS)
def test_work_beyond_the_daily_limit_is_shown_from_its_first_second(week: Situation, kind: str) -> None:
    week.plan("Tue", kind, {"09:00–12:00": "office", "13:00–20:00": "office"}).order("Tue", "20:00–22:00").read(
        "Tue", "in 09:00, out 22:00"
    )
    shown = [(week.wall(each.first)[3:8], each.seconds, each.rule) for each in week.day().findings]
    rule = "o120-p9" if kind in ("remote", "combined") else "lc-71"
    assert shown == ([] if kind in KINDS[-4:] else [("18:00", 2 * H, rule)])


def test_exactly_the_daily_limit_is_not_beyond_it(week: Situation) -> None:
    assert found(week.plan("Tue", "office", {"09:00–17:00": "office"}).read("Tue", "in 09:00, out 17:00").day()) == {}
    beyond = week.plan("Wed", "office", {"09:00–17:00:01": "office"}).read("Wed", "in 09:00, out 17:00:01").day("Wed")
    assert [(each.kind.value, each.seconds, week.wall(each.first)) for each in beyond.findings] == [("daily_limit", 1, "25 17:00:00")]


def test_the_limit_is_reached_at_the_end_of_an_interval(week: Situation) -> None:
    week.plan("Tue", "office", {"08:00–16:00": "office", "17:00–18:00": "office"}).read("Tue", "in 08:00, out 18:00")
    assert [(week.wall(each.first)[3:8], each.seconds) for each in week.day().findings] == [("17:00", H)]


# A day in progress


def test_in_progress_the_last_entry_and_an_open_session_claim_nothing(week: Situation) -> None:
    week.now = week.at("Tue", "17:00")
    week.plan("Tue", "combined", {"09:00–13:00": "office", "14:30–18:30": "remote"})
    day = week.read("Tue", "in 09:10, in 09:30, out 12:00, in 16:00").session("Tue", "14:45–").session("Tue", "14:30–14:40").day()
    assert day.state is State.IN_PROGRESS
    assert said(day) == (
        {"worked": 20 * M + 2 * H + 30 * M + 10 * M, "assumed": 20 * M, "late": 10 * M},
        {"late": 10 * M, "missing_exit": 20 * M},
    )
    week.now = week.day().window[1]
    assert week.day().state is State.COMPUTED
    assert {"early_leave", "missing_end_of_session", "missing_exit"} <= {each.kind.value for each in week.day().findings}


def test_in_progress_an_added_exit_mends(week: Situation) -> None:
    week.now = week.at("Tue", "17:00")
    assert said(week.read("Tue", "in 09:00").add("Tue", "exit 10:00").day()) == ({"worked": H}, {})


def test_a_plan_that_is_not_known_goes_before_progress(week: Situation) -> None:
    del week.plans[week.on("Tue")]
    week.now = week.at("Tue", "10:00")
    day = week.order("Tue", "08:00–20:00").session("Tue", "08:00–09:00").read("Tue", "in 09:00, out 10:00, in 11:00").day()
    assert (day.state, said(day), day.seconds.known) == (State.WAITING, ({}, {}), H)
    assert [stay.assumed for stay in day.stays] == [False]


# Rest between days


def test_a_rest_as_long_as_the_law_asks_is_long_enough(week: Situation) -> None:
    week.plan("Tue", "shift", {"12:00–21:00": "office"}).read("Tue", "in 12:00, out 21:00").read("Wed", FOUR)
    assert week.rests() == []
    week.plan("Tue", "shift", {"12:00–21:00:01": "office"}).reads = []
    week.read("Tue", "in 12:00, out 21:00:01").read("Wed", FOUR)
    assert week.rests() == [(("Tue", "Wed"), 12 * H - 1)]


@pytest.mark.parametrize("between", ["day off", "waiting", "in progress"])
def test_a_pair_is_a_date_with_work_and_the_next_one_with_work_if_nothing_unknown_is_between(week: Situation, between: str) -> None:
    week.law = replace(week.law, rest_between_days=48 * H)
    week.read("Tue", FOUR).read("Thu", FOUR)
    week.day_off("Wed")
    if between == "waiting":
        del week.plans[week.on("Wed")]
    if between == "in progress":
        week.now = week.day("Tue").window[1]
    assert week.rests() == ([(("Tue", "Thu"), 38 * H + 30 * M)] if between == "day off" else [])
