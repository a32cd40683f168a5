"""Cases that every implementation of the working day must get right, each a test by its name in the contract.

`said` is compared with all figures and all findings: what a case does not name is zero and not raised.
"""

from datetime import date, datetime
from itertools import permutations

from timetracking.device_findings.domain import DeviceRead, clock
from timetracking.workdays.domain import Became, Direction, Facts, Place, PlannedInterval, Read, State
from timetracking.workdays.domain.adjustment import Adjustment, adjustment
from timetracking.workdays.domain.kept import DOUBTFUL_CLOCK, Shown, marks_of

from .situations import FOUR, Situation, found, said

H, M = 3600, 60
ORDINARY = {"worked": 8 * H, "outside_hours": 8 * M, "gap": 7 * M}
BREAK = 90 * M
"""Presence through the break is a gap."""


def test_an_ordinary_day(week: Situation) -> None:
    day = week.read("Tue", FOUR).day()
    assert said(day) == (ORDINARY, {})
    assert day.state is State.COMPUTED
    assert day.seconds.known == 8 * H + 15 * M
    assert [became for _, became in day.reads] == [Became.COUNTED] * 4


def test_the_exit_came_first(week: Situation) -> None:
    ordinary = week.read("Tue", FOUR).day()
    for reads in permutations(week.reads):
        arrived: tuple[Read, ...] = ()
        for batch in (reads[:1], reads[1:3], reads[3:]):
            arrived += batch
            early = week.day(facts=Facts(week.plans, reads=arrived))  # a day in between says what it knows, and leaves no trace
            assert len(early.reads) == len(arrived)
        assert week.day(facts=Facts(week.plans, reads=arrived)) == ordinary


def test_the_whole_batch_came_twice(week: Situation) -> None:
    ordinary = week.read("Tue", FOUR).day()
    assert week.day(facts=Facts(week.plans, reads=tuple(week.reads * 2))) == ordinary


def test_the_card_was_read_twice(week: Situation) -> None:
    day = week.read("Tue", FOUR).read("Tue", "in 08:55:02").day()
    assert said(day) == (ORDINARY, {})
    assert [became for _, became in day.reads] == [Became.COUNTED, Became.DOUBLE_READ, Became.COUNTED, Became.COUNTED, Became.COUNTED]


def test_late(week: Situation) -> None:
    day = week.read("Tue", "in 09:12:40, out 13:02, in 14:25, out 18:33").day()
    late = 12 * M + 40
    assert said(day) == ({"worked": 8 * H - late, "late": late, "outside_hours": 3 * M, "gap": 7 * M}, {"late": late})
    assert [(week.wall(each.first), each.rule) for each in day.findings] == [("24 09:00:00", "o121-p4")]


def test_left_early(week: Situation) -> None:
    day = week.read("Tue", "in 08:55, out 13:02, in 14:25, out 17:50").day()
    assert said(day) == ({"worked": 8 * H - 40 * M, "early": 40 * M, "outside_hours": 5 * M, "gap": 7 * M}, {"early_leave": 40 * M})
    assert [(week.wall(each.first), each.rule) for each in day.findings] == [("24 17:50:00", "o121-p4")]


def test_came_after_lunch(week: Situation) -> None:
    day = week.read("Tue", "in 14:45, out 18:33").day()
    late = 4 * H + 15 * M
    assert said(day) == ({"worked": 8 * H - late, "late": late, "outside_hours": 3 * M}, {"late": late})


def test_left_for_good_at_noon(week: Situation) -> None:
    day = week.read("Tue", "in 08:55, out 12:00").day()
    assert said(day) == ({"worked": 3 * H, "early": 5 * H, "outside_hours": 5 * M}, {"early_leave": 5 * H})
    assert week.wall(day.findings[0].first) == "24 12:00:00"


def test_forgot_to_badge_out(week: Situation) -> None:
    day = week.read("Tue", "in 08:55, out 13:02, in 14:25").day()
    worked = {"worked": 8 * H, "assumed": 4 * H, "outside_hours": 5 * M, "gap": 2 * M}
    assert said(day) == (worked, {"missing_exit": 4 * H + 5 * M})
    assert [(week.wall(each.first), each.rule) for each in day.findings] == [("24 14:25:00", "lc-79")]


def test_forgot_to_badge_in(week: Situation) -> None:
    day = week.read("Tue", "out 18:33").day()
    assert said(day) == ({"worked": 8 * H, "assumed": 8 * H}, {"missing_entry": 9 * H + 33 * M})
    assert [(week.wall(each.first), each.rule) for each in day.findings] == [("24 18:33:00", "lc-79")]


def test_forgot_to_badge_out_under_an_order(week: Situation) -> None:
    day = week.order("Tue", "18:30–20:30").read("Tue", "in 08:55").day()
    assert said(day) == ({"worked": 8 * H, "assumed": 8 * H}, {"missing_exit": 9 * H + 35 * M})


def test_stayed_late_without_an_order(week: Situation) -> None:
    day = week.read("Tue", "in 08:55, out 13:02, in 14:25, out 21:00").day()
    assert said(day) == ({"worked": 8 * H, "outside_hours": 2 * H + 35 * M, "gap": 7 * M}, {})


def test_stayed_late_under_an_order(week: Situation) -> None:
    day = week.order("Tue", "18:30–20:30").read("Tue", "in 08:55, out 13:02, in 14:25, out 21:00").day()
    assert said(day) == ({"worked": 8 * H, "overtime": 2 * H, "outside_hours": 35 * M, "gap": 7 * M}, {})


def test_rest_day_order_without_an_exit(week: Situation) -> None:
    week.order("Sat", "10:00–15:00", "rest_day").read("Sat", "in 09:58")
    assert said(week.day("Sat")) == ({}, {"missing_exit": 0})
    assert said(week.add("Sat", "exit 15:00").day("Sat")) == ({"rest_day": 5 * H, "outside_hours": 2 * M}, {})


def night_shift(week: Situation) -> Situation:
    return week.plan("Tue", "shift", {"20:00–+08:00": "office"}, ("+01:00–+02:00",)).read("Tue", "in 19:50, out +08:05")


NIGHT_SHIFT = {"worked": 11 * H, "night": 7 * H, "outside_hours": 15 * M, "gap": H}


def test_night_shift(week: Situation) -> None:
    night_shift(week).day_off("Wed")
    assert said(week.day()) == (NIGHT_SHIFT, {})
    wednesday = week.day("Wed")
    assert (said(wednesday), wednesday.seconds.known, wednesday.reads) == (({}, {}), 0, ())


def test_night_shift_ending_on_a_day_off(week: Situation) -> None:
    night_shift(week).day_off("Wed")
    assert said(week.day()) == (NIGHT_SHIFT, {})  # no rest-day hours
    week.day_off("Wed", holiday=True)
    assert said(week.day()) == (NIGHT_SHIFT | {"holiday": 7 * H}, {})


def test_24_hour_duty(week: Situation) -> None:
    for each in ("Mon", "Wed"):
        week.day_off(each)
    week.plan("Tue", "summarised", {"09:00–+09:00": "office"}, ("13:00–14:00",)).read("Tue", "in 08:50, out +09:10")
    assert said(week.day()) == ({"worked": 23 * H, "night": 8 * H, "outside_hours": 20 * M, "gap": H}, {})
    assert (said(week.day("Wed")), week.day("Wed").seconds.known) == (({}, {}), 0)


def test_duty_followed_by_an_office_date(week: Situation) -> None:
    week.day_off("Mon").plan("Tue", "shift", {"09:00–+09:00": "office"})
    week.read("Tue", "in 08:50").read("Wed", "out 09:10, in 09:20, out 18:31")
    first, second = week.contents("Tue", "Wed")
    assert week.wall(first.window[1]) == "25 09:00:00"
    assert said(first) == ({"worked": 24 * H, "night": 8 * H, "outside_hours": 10 * M}, {"overnight_stay": 24 * H + 10 * M})
    assert not any(stay.assumed for stay in first.stays)
    worked = {"worked": 7 * H + 50 * M, "left": 10 * M, "outside_hours": M, "gap": BREAK}
    assert said(second) == (worked, {"left_during_day": 10 * M})


def test_past_midnight_on_friday(week: Situation) -> None:
    friday, saturday = week.read("Fri", "in 08:55, out +00:30").contents("Fri", "Sat")
    assert said(friday) == ({"worked": 8 * H, "outside_hours": 6 * H + 5 * M, "gap": BREAK}, {})
    assert (said(saturday), saturday.reads, saturday.stays) == (({}, {}), (), ())


def test_overnight_by_directed_reads(week: Situation) -> None:
    friday, saturday = week.read("Fri", "in 14:00, out +05:00").contents("Fri", "Sat")
    worked = {"worked": 4 * H, "late": 4 * H, "outside_hours": 9 * H + 30 * M, "gap": 30 * M}
    assert said(friday) == (worked, {"late": 4 * H, "overnight_stay": 14 * H})
    overnight = friday.findings[1]
    assert (week.wall(overnight.first), overnight.rule) == ("27 14:00:00", "lc-79")
    assert said(saturday) == ({"outside_hours": H}, {})
    assert not any(stay.assumed for stay in friday.stays + saturday.stays)


def test_one_reader_no_direction(week: Situation) -> None:
    assert said(week.read("Tue", FOUR.replace("in", "none").replace("out", "none")).day()) == (ORDINARY, {})


def test_one_reader_nobody_badged_out_at_night(week: Situation) -> None:
    week.read("Tue", "none 08:55, none 13:02, none 14:25, none 16:40, none 17:05")
    week.read("Wed", "none 08:55, none 13:02, none 14:25, none 18:33")
    tuesday, wednesday = week.contents("Tue", "Wed")
    assert found(tuesday) == {"left_during_day": 25 * M, "missing_exit": BREAK - 5 * M}
    assert said(wednesday) == (ORDINARY, {})


def test_undirected_between_in_and_out(week: Situation) -> None:
    day = week.read("Tue", "in 08:55:00, none 08:55:10, out 08:55:20, in 09:30, out 18:31").day()
    worked = {"worked": 8 * H - 30 * M, "late": 30 * M, "outside_hours": 20 + M, "gap": BREAK}
    assert said(day) == (worked, {"late": 30 * M})
    assert [became for _, became in day.reads] == [Became.COUNTED, Became.DOUBLE_READ, *[Became.COUNTED] * 3]


def test_first_of_a_double_voided(week: Situation) -> None:
    week.read("Tue", "in 08:55:00, in 08:55:30, out 13:02, in 14:25, out 18:33")
    day = week.void(week.reads[0]).day()
    assert said(day) == (ORDINARY | {"outside_hours": 8 * M - 30}, {})
    assert [became for _, became in day.reads] == [Became.VOID, *[Became.COUNTED] * 4]


def test_the_real_exit_came_after_the_correction(week: Situation) -> None:
    mended = week.read("Tue", "in 08:55, out 13:02, in 14:25").add("Tue", "exit 18:30").day()
    assert (said(mended), mended.superseded) == (({"worked": 8 * H, "outside_hours": 5 * M, "gap": 7 * M}, {}), ())
    late_truth = week.read("Tue", "out 18:33").day()
    assert said(late_truth) == (ORDINARY, {})
    assert [week.wall(each.at) for each in late_truth.superseded] == ["24 18:30:00"]


def test_numbers_are_numbers(week: Situation) -> None:
    week.reads = [Read(week.at("Tue", "12:00"), "gate", key, way) for key, way in (("10", Direction.OUT), ("9", Direction.IN))]
    day = week.day()
    assert [read.event_key for read, _ in day.reads] == ["9", "10"]
    assert [(stay.start, stay.end, stay.assumed) for stay in day.stays] == [(week.at("Tue", "12:00"),) * 2 + (False,)]
    assert found(day) == {"absent": 8 * H}


def test_entries_across_the_border(week: Situation) -> None:
    friday, saturday = week.read("Fri", "in +03:59:30, in +04:00:10").contents("Fri", "Sat")
    assert [became for _, became in friday.reads] == [Became.COUNTED]
    assert [became for _, became in saturday.reads] == [Became.COUNTED]
    assert found(friday) == {"absent": 8 * H, "missing_exit": 0}
    assert found(saturday) == {"missing_exit": 0}


def test_two_shifts_meet(week: Situation) -> None:
    week.plan("Tue", "shift", {"14:00–22:00": "office"}).plan("Wed", "shift", {"00:00–08:00": "office"})
    days = week.week()
    assert week.wall(days[1].window[1]) == "24 23:00:00"
    assert [day.window[0] for day in days[1:]] == [day.window[1] for day in days[:-1]]
    assert all(day.window[0] < day.window[1] for day in days)


def test_the_devices_clock_is_an_hour_ahead(week: Situation) -> None:
    """The day is computed from the stamps as sent, and marked."""
    day = week.read("Tue", "in 09:55, out 14:02, in 15:25, out 19:33").day()
    assert found(day) == {"late": 55 * M, "left_during_day": 55 * M}

    def seen(received_after: int) -> list[DeviceRead]:
        walls = [datetime.fromtimestamp(read.at, week.zone).replace(tzinfo=None) for read in week.reads]
        return [
            DeviceRead(read.at, read.event_key, wall, 5 * H, "main:7", read.direction, read.at + received_after, live=True, held=True)
            for read, wall in zip(week.reads, walls, strict=True)
        ]

    (claim,) = clock("gate", week.on("Tue"), seen(2 - H)[:1], tolerance=300)  # its first passage shows it
    assert (claim.kind, claim.first, claim.seconds) == ("device_clock", week.at("Tue", "09:55"), H - 2)
    assert clock("gate", week.on("Tue"), seen(2), tolerance=300) == []

    def marks(clock_off: bool) -> tuple[str, ...]:
        shown = Shown({read.device: "bodies/1" for read in week.reads})
        shown.clock_off.update((read.device, read.event_key, read.at) for read in week.reads if clock_off)
        return marks_of(day, shown, "bodies/1", doubt=False)

    assert marks(clock_off=True) == (DOUBTFUL_CLOCK,)
    assert marks(clock_off=False) == ()


def test_the_event_came_after_the_timesheet_was_closed(week: Situation) -> None:
    closed = week.read("Tue", "in 08:55, out 13:02, in 14:25").day()
    assert adjustment(closed, week.day()) is None
    recomputed = week.read("Tue", "out 18:33").day()
    assert said(recomputed) == (ORDINARY, {})
    assert adjustment(closed, recomputed) == Adjustment(closed, recomputed)
    assert closed.seconds.assumed == 4 * H  # the closed figures stand


def test_badge_assigned_later(week: Situation) -> None:
    assert said(week.day()) == ({"absent": 8 * H}, {"absent": 8 * H})  # the reads of an unknown badge are nobody's
    assert said(week.read("Tue", FOUR).day()) == (ORDINARY, {})


def test_plan_changed_backwards(week: Situation) -> None:
    for each in ("Mon", "Tue", "Wed"):
        week.read(each, FOUR)
    before = week.week()
    for each in ("Mon", "Tue", "Wed"):
        week.plan(each, "office", {"08:30–18:00": "office"}, ("13:00–14:30",))
    after = week.week()
    shifted = {"worked": 8 * H - 25 * M, "late": 25 * M, "outside_hours": 33 * M, "gap": 7 * M}
    assert [said(day) for day in before[:3]] == [(ORDINARY, {})] * 3
    assert [said(day) for day in after[:3]] == [(shifted, {"late": 25 * M})] * 3
    assert after[3:] == before[3:]


def test_public_holiday() -> None:
    week = Situation(monday=date(2026, 12, 14)).day_off("Wed", holiday=True).read("Wed", "in 10:00, out 15:00")
    assert week.on("Wed") == date(2026, 12, 16)
    assert said(week.day("Wed")) == ({"outside_hours": 5 * H}, {})
    week.order("Wed", "10:00–15:00", "rest_day")
    assert said(week.day("Wed")) == ({"rest_day": 5 * H, "holiday": 5 * H}, {})


def test_transferred_day_off(week: Situation) -> None:
    assert said(week.office("Sat").read("Sat", FOUR).day("Sat")) == (ORDINARY, {})


REMOTE = {"09:00–13:00": "remote", "14:30–18:30": "remote"}


def test_remote_day(week: Situation) -> None:
    day = week.plan("Tue", "remote", REMOTE).session("Tue", "09:00–13:00").session("Tue", "14:30–18:30").day()
    assert (said(day), day.seconds.known) == (({"worked": 8 * H}, {}), 0)


def test_remote_day_nothing_recorded(week: Situation) -> None:
    day = week.plan("Tue", "remote", REMOTE).day()
    assert said(day) == ({"absent": 8 * H}, {"remote_without_session": 8 * H})
    assert [(week.wall(each.first), each.rule) for each in day.findings] == [("24 09:00:00", "o120-p9")]


def test_a_session_on_an_office_day(week: Situation) -> None:
    day = week.session("Tue", "09:00–18:30").day()
    assert said(day) == ({"absent": 8 * H}, {"absent": 8 * H, "session_in_office_interval": 8 * H})
    assert [(week.wall(each.first), each.rule) for each in day.findings] == [("24 09:00:00", "o121-p4"), ("24 09:00:00", "o120-p9")]


def recall_plan(week: Situation) -> Situation:
    places = {"09:00–11:00": "remote", "11:00–12:00": "way", "12:00–18:30": "office"}
    return week.plan("Tue", "combined", places, ("13:00–14:30",))


def test_recalled_at_11_00(week: Situation) -> None:
    day = recall_plan(week).session("Tue", "09:00–11:00").read("Tue", "in 11:58, out 13:00, in 14:30, out 18:31").day()
    assert said(day) == ({"worked": 8 * H, "outside_hours": M}, {})


def test_recalled_came_late(week: Situation) -> None:
    day = recall_plan(week).session("Tue", "09:00–11:00").read("Tue", "in 12:30, out 13:00, in 14:30, out 18:31").day()
    assert said(day) == ({"worked": 8 * H - 30 * M, "late": 30 * M, "outside_hours": M}, {"late": 30 * M})
    assert week.wall(day.findings[0].first) == "24 12:00:00"


def test_permission_to_be_away(week: Situation) -> None:
    day = week.office("Tue", excused=("09:00–11:00",)).read("Tue", "in 10:50, out 18:31").day()
    excused = H + 50 * M
    assert said(day) == ({"worked": 8 * H - excused, "excused": excused, "outside_hours": M, "gap": BREAK}, {})


def test_flexible_07_00_16_30(week: Situation) -> None:
    week.plan("Tue", "flexible", {"07:00–16:30": "office"}, ("13:00–14:30",), core="10:00–16:00")
    day = week.read("Tue", "in 06:58, out 16:31").day()
    assert said(day) == ({"worked": 8 * H, "outside_hours": 3 * M, "gap": BREAK}, {})


def test_plan_not_yet_known(week: Situation) -> None:
    del week.plans[week.on("Tue")]
    day = week.read("Tue", FOUR).day()
    assert (day.state, said(day)) == (State.WAITING, ({}, {}))
    assert day.seconds.known == 8 * H + 15 * M
    assert len(day.reads) == 4


def test_at_ten_in_the_morning(week: Situation) -> None:
    week.now = week.at("Tue", "10:00")
    day = week.read("Tue", "in 08:55").day()
    assert (day.state, said(day)) == (State.IN_PROGRESS, ({}, {}))


def test_an_order_the_morning_after_a_night_shift(week: Situation) -> None:
    week.plan("Tue", "shift", {"20:00–+08:00": "office"}).day_off("Wed").order("Tue", "+08:00–+10:00")
    week.read("Tue", "in 19:50, out +10:05")
    assert said(week.day()) == ({"worked": 12 * H, "overtime": 2 * H, "night": 8 * H, "outside_hours": 15 * M}, {})
    assert (said(week.day("Wed")), week.day("Wed").seconds.known) == (({}, {}), 0)


def test_recalled_only_an_exit_was_read(week: Situation) -> None:
    day = recall_plan(week).read("Tue", "out 18:31").day()
    missed = {"missing_entry": 9 * H + 31 * M, "remote_without_session": 2 * H}
    assert said(day) == ({"worked": 6 * H, "assumed": 5 * H, "absent": 2 * H}, missed)


def test_house_behind_a_campus_gate(week: Situation) -> None:
    week.read("Tue", "in 08:50", device="gate").read("Tue", "in 08:55", device="house", perimeter=False).read("Tue", "out 18:33")
    day = week.day()
    assert [became for _, became in day.reads] == [Became.COUNTED, Became.INTERNAL, Became.COUNTED]
    assert [(week.wall(stay.start), week.wall(stay.end)) for stay in day.stays] == [("24 08:50:00", "24 18:33:00")]
    assert said(day) == ({"worked": 8 * H, "outside_hours": 13 * M, "gap": BREAK}, {})


def test_rest_too_short(week: Situation) -> None:
    week.order("Tue", "18:30–23:50").read("Tue", "in 08:55, out 13:02, in 14:25, out 23:50").read("Wed", FOUR)
    assert week.rests() == [(("Tue", "Wed"), 9 * H + 10 * M)]


def test_an_interval_of_a_way_has_nothing_due(week: Situation) -> None:
    week.plan("Tue", "combined", {"09:00–17:00": "way"})
    assert week.plans[week.on("Tue")].intervals == (PlannedInterval(*week.span("Tue", "09:00–17:00"), Place.WAY),)
    assert said(week.day()) == ({"worked": 8 * H}, {})
