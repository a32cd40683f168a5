"""The table of cases in `workday.md`, by its names; the reference has to get them right before it judges anybody."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from .fold import Refused, fold
from .pieces import FIGURES
from .situations import (
    FOUR,
    FRI,
    MON,
    SAT,
    SUN,
    THU,
    TUE,
    WED,
    Json,
    at,
    document,
    interval,
    off,
    office,
    on,
    order,
    plan,
    reads,
    session,
    span,
)

H, M = 3600, 60


def day_of(given: Json, day: int) -> Json:
    return next(each for each in fold(given)["days"] if each["date"] == on(day))


def check(day: Json, findings: str = "", **seconds: int) -> None:
    """The figures that are named are as named, all others 0 (`known` and, unless named, `assumed` and `gap` are not looked at)."""
    free = {"known", "assumed", "gap"} - set(seconds)
    wanted = {**dict.fromkeys(FIGURES, 0), **seconds}
    assert {name: value for name, value in day["seconds"].items() if name not in free} == {
        name: value for name, value in wanted.items() if name not in free
    }
    assert sorted(each["kind"] for each in day["findings"]) == sorted(findings.split())


def ordinary(**more: Any) -> Json:
    return document([], reads(TUE, FOUR), **more)


def night_shift(next_date: Json, extra_orders: list[Json] | None = None, rest: bool = True, out: str = "08:05") -> Json:
    shift = plan(TUE, "shift", [interval(TUE, "20:00-08:00")], [span(WED, "01:00-02:00")] if rest else [])
    return document([shift, next_date], reads(TUE, "in 19:50") + reads(WED, f"out {out}"), until=WED, orders=extra_orders or [])


def recalled(came: str) -> Json:
    intervals = [interval(TUE, "09:00-11:00", "remote"), interval(TUE, "11:00-12:00", "way"), interval(TUE, "12:00-18:30")]
    combined = plan(TUE, "combined", intervals, [span(TUE, "13:00-14:30")])
    return document([combined], reads(TUE, came), sessions=[session(TUE, "09:00-11:00")])


def test_an_ordinary_day() -> None:
    check(day_of(ordinary(), TUE), worked=8 * H, outside_hours=8 * M, gap=7 * M, assumed=0)


def test_the_exit_came_first() -> None:
    usual = fold(ordinary())
    for order_of_reads in permutations(reads(TUE, FOUR)):
        assert fold(document([], list(order_of_reads))) == usual


def test_the_whole_batch_came_twice() -> None:
    assert fold(document([], reads(TUE, FOUR) * 2)) == fold(ordinary())


def test_the_card_was_read_twice() -> None:
    day = day_of(document([], reads(TUE, FOUR + ", in 08:55:02")), TUE)
    check(day, worked=8 * H, outside_hours=8 * M, gap=7 * M)
    assert [each["became"] for each in day["reads"]] == ["counted", "double_read", "counted", "counted", "counted"]


def test_late() -> None:
    day = day_of(document([], reads(TUE, "in 09:12:40, out 13:02, in 14:25, out 18:33")), TUE)
    check(day, "late", worked=8 * H - 760, late=760, outside_hours=3 * M)
    assert day["findings"] == [{"kind": "late", "first": at(TUE, "09:00"), "seconds": 760, "rule": "o121-p4"}]


def test_left_early() -> None:
    day = day_of(document([], reads(TUE, "in 08:55, out 13:02, in 14:25, out 17:50")), TUE)
    check(day, "early_leave", worked=8 * H - 40 * M, early=40 * M, outside_hours=5 * M)


def test_came_after_lunch() -> None:
    day = day_of(document([], reads(TUE, "in 14:45, out 18:33")), TUE)
    check(day, "late", worked=3 * H + 45 * M, late=4 * H + 15 * M, outside_hours=3 * M)


def test_left_for_good_at_noon() -> None:
    check(day_of(document([], reads(TUE, "in 08:55, out 12:00")), TUE), "early_leave", worked=3 * H, early=5 * H, outside_hours=5 * M)


def test_forgot_to_badge_out() -> None:
    day = day_of(document([], reads(TUE, "in 08:55, out 13:02, in 14:25")), TUE)
    check(day, "missing_exit", worked=8 * H, assumed=4 * H, outside_hours=5 * M)
    assert day["findings"] == [{"kind": "missing_exit", "first": at(TUE, "14:25"), "seconds": 4 * H + 5 * M, "rule": "lc-79"}]


def test_forgot_to_badge_in() -> None:
    check(day_of(document([], reads(TUE, "out 18:33")), TUE), "missing_entry", worked=8 * H, assumed=8 * H)


def test_forgot_to_badge_out_under_an_order() -> None:
    given = document([], reads(TUE, "in 08:55"), orders=[order(TUE, "overtime", "18:30-20:30")])
    check(day_of(given, TUE), "missing_exit", worked=8 * H, assumed=8 * H)


def test_stayed_late_without_an_order() -> None:
    given = document([], reads(TUE, "in 08:55, out 13:02, in 14:25, out 21:00"))
    check(day_of(given, TUE), worked=8 * H, outside_hours=2 * H + 35 * M)


def test_stayed_late_under_an_order() -> None:
    given = document([], reads(TUE, "in 08:55, out 13:02, in 14:25, out 21:00"), orders=[order(TUE, "overtime", "18:30-20:30")])
    check(day_of(given, TUE), worked=8 * H, overtime=2 * H, outside_hours=35 * M)


def test_rest_day_order_without_an_exit() -> None:
    orders = [order(SAT, "rest_day", "10:00-15:00")]
    check(day_of(document([], reads(SAT, "in 09:58"), since=SAT, orders=orders), SAT), "missing_exit")
    mended = document([], reads(SAT, "in 09:58"), since=SAT, orders=orders, corrections=[{"kind": "exit", "at": at(SAT, "15:00")}])
    check(day_of(mended, SAT), rest_day=5 * H, outside_hours=2 * M)


def test_night_shift() -> None:
    given = night_shift(off(WED))
    check(day_of(given, TUE), worked=11 * H, night=7 * H, outside_hours=15 * M)
    check(day_of(given, WED), known=0)


def test_night_shift_ending_on_a_day_off() -> None:
    check(day_of(night_shift(off(WED)), TUE), worked=11 * H, night=7 * H, outside_hours=15 * M, rest_day=0)
    check(day_of(night_shift(off(WED, holiday=True)), TUE), worked=11 * H, night=7 * H, outside_hours=15 * M, holiday=7 * H)


def test_24_hour_duty() -> None:
    duty = plan(TUE, "shift", [interval(TUE, "09:00-09:00")], [span(TUE, "13:00-14:00")])
    given = document([off(MON), duty, off(WED)], reads(TUE, "in 08:50") + reads(WED, "out 09:10"), until=WED)
    check(day_of(given, TUE), worked=23 * H, night=8 * H, outside_hours=20 * M)
    check(day_of(given, WED), known=0)


def test_duty_followed_by_an_office_date() -> None:
    duty = plan(TUE, "shift", [interval(TUE, "09:00-09:00")])
    given = document([off(MON), duty], reads(TUE, "in 08:50") + reads(WED, "out 09:10, in 09:20, out 18:31"), until=WED)
    check(day_of(given, TUE), "overnight_stay", worked=24 * H, assumed=0, night=8 * H, outside_hours=10 * M)
    check(day_of(given, WED), "left_during_day", worked=7 * H + 50 * M, left=10 * M, outside_hours=1 * M, assumed=0)


def test_past_midnight_on_friday() -> None:
    given = document([], reads(FRI, "in 08:55") + reads(SAT, "out 00:30"), since=FRI, until=SAT)
    check(day_of(given, FRI), worked=8 * H, outside_hours=6 * H + 5 * M)
    check(day_of(given, SAT), known=0)


def test_overnight_by_directed_reads() -> None:
    given = document([], reads(FRI, "in 14:00") + reads(SAT, "out 05:00"), since=FRI, until=SAT)
    friday = day_of(given, FRI)
    check(friday, "late overnight_stay", late=4 * H, worked=4 * H, outside_hours=9 * H + 30 * M)
    assert {"kind": "overnight_stay", "first": at(FRI, "14:00"), "seconds": 14 * H, "rule": "lc-79"} in friday["findings"]
    check(day_of(given, SAT), outside_hours=1 * H)


def test_one_reader_no_direction() -> None:
    given = document([], reads(TUE, FOUR, device="turnstile"))
    check(day_of(given, TUE), worked=8 * H, outside_hours=8 * M, gap=7 * M)


def test_one_reader_nobody_badged_out_at_night() -> None:
    tuesday = reads(TUE, "in 08:55, in 13:02, in 14:25, in 16:40, in 17:05", device="turnstile")
    given = document([], tuesday + reads(WED, FOUR, device="turnstile"), until=WED)
    check(day_of(given, WED), worked=8 * H, outside_hours=8 * M, gap=7 * M)
    check(day_of(given, TUE), "missing_exit left_during_day", worked=8 * H - 25 * M, left=25 * M, outside_hours=5 * M)


def test_undirected_between_in_and_out() -> None:
    given = document([], reads(TUE, "in 08:55:00, undirected 08:55:10, out 08:55:20, in 09:30, out 18:31"))
    check(day_of(given, TUE), "late", worked=7 * H + 30 * M, late=30 * M, outside_hours=80)


def test_first_of_a_double_voided() -> None:
    void = {"kind": "void", "device": "gate", "event_key": f"{on(TUE)} 08:55:00"}
    words = "in 08:55:00, in 08:55:30, out 13:02, in 14:25, out 18:33"
    day = day_of(document([], reads(TUE, words), corrections=[void]), TUE)
    check(day, worked=8 * H, outside_hours=8 * M - 30)
    assert [each["became"] for each in day["reads"]] == ["void", "counted", "counted", "counted", "counted"]


def test_the_real_exit_came_after_the_correction() -> None:
    added = [{"kind": "exit", "at": at(TUE, "18:30")}]
    before = day_of(document([], reads(TUE, "in 08:55, out 13:02, in 14:25"), corrections=added), TUE)
    check(before, worked=8 * H, outside_hours=5 * M, assumed=0)
    assert "superseded" not in before
    after = day_of(ordinary(corrections=added), TUE)
    assert after.pop("superseded") == [0]
    assert after == day_of(ordinary(), TUE)


def test_numbers_are_numbers() -> None:
    pair = [{"device": "gate", "event_key": key, "at": at(TUE, "09:00"), "direction": sent} for key, sent in (("10", "out"), ("9", "in"))]
    day = day_of(document([], pair), TUE)
    assert [(each["event_key"], each["became"]) for each in day["reads"]] == [("9", "counted"), ("10", "counted")]
    assert day["stays"] == [{"start": at(TUE, "09:00"), "end": at(TUE, "09:00"), "assumed": False}]


def test_entries_across_the_border() -> None:
    given = document([], reads(SUN, "in 03:59:30, in 04:00:10"), since=SAT, until=SUN)
    for day in (SAT, SUN):
        assert [each["became"] for each in day_of(given, day)["reads"]] == ["counted"]


def test_two_shifts_meet() -> None:
    shifts = [plan(TUE, "shift", [interval(TUE, "14:00-22:00")]), plan(WED, "shift", [interval(WED, "00:00-08:00")])]
    given = document(shifts, [], since=MON, until=THU)
    assert day_of(given, TUE)["window"]["end"] == day_of(given, WED)["window"]["start"] == at(TUE, "23:00")
    for each in fold(given)["days"]:
        assert each["window"]["start"] < each["window"]["end"]


def test_public_holiday() -> None:
    holiday = plan(WED, "public_holiday", [], holiday=True)
    words = reads(WED, "in 10:00, out 15:00")
    check(day_of(document([holiday], words, since=WED), WED), outside_hours=5 * H)
    ordered = document([holiday], words, since=WED, orders=[order(WED, "rest_day", "10:00-15:00")])
    check(day_of(ordered, WED), rest_day=5 * H, holiday=5 * H)


def test_transferred_day_off() -> None:
    check(day_of(document([office(SAT)], reads(SAT, FOUR), since=SAT), SAT), worked=8 * H, outside_hours=8 * M)


def test_remote_day() -> None:
    remote = plan(TUE, "remote", [interval(TUE, "09:00-18:30", "remote")], [span(TUE, "13:00-14:30")])
    given = document([remote], [], sessions=[session(TUE, "09:00-13:00"), session(TUE, "14:30-18:30")])
    check(day_of(given, TUE), worked=8 * H)


def test_remote_day_nothing_recorded() -> None:
    remote = plan(TUE, "remote", [interval(TUE, "09:00-18:30", "remote")], [span(TUE, "13:00-14:30")])
    day = day_of(document([remote], []), TUE)
    check(day, "remote_without_session", absent=8 * H)
    assert day["findings"] == [{"kind": "remote_without_session", "first": at(TUE, "09:00"), "seconds": 8 * H, "rule": "o120-p9"}]


def test_a_session_on_an_office_day() -> None:
    day = day_of(document([], [], sessions=[session(TUE, "09:00-18:30")]), TUE)
    check(day, "absent session_in_office_interval", absent=8 * H)
    assert {each["kind"]: each["seconds"] for each in day["findings"]} == {"absent": 8 * H, "session_in_office_interval": 8 * H}


def test_recalled_at_11_00() -> None:
    check(day_of(recalled("in 11:58, out 13:02, in 14:25, out 18:31"), TUE), worked=8 * H, outside_hours=1 * M)


def test_recalled_came_late() -> None:
    given = recalled("in 12:30, out 13:02, in 14:25, out 18:31")
    check(day_of(given, TUE), "late", worked=7 * H + 30 * M, late=30 * M, outside_hours=1 * M)


def test_permission_to_be_away() -> None:
    excused = [{**span(TUE, "09:00-11:00"), "reason": "permission"}]
    day = day_of(document([office(TUE, excused=excused)], reads(TUE, "in 10:50, out 18:31")), TUE)
    check(day, worked=6 * H + 10 * M, excused=1 * H + 50 * M, outside_hours=1 * M)


def test_flexible_07_00_to_16_30() -> None:
    flexible = plan(TUE, "flexible", [interval(TUE, "07:00-16:30")], [span(TUE, "13:00-14:30")], core=span(TUE, "10:00-16:00"))
    check(day_of(document([flexible], reads(TUE, "in 06:58, out 16:31")), TUE), worked=8 * H, outside_hours=3 * M)


def test_plan_not_yet_known() -> None:
    given = ordinary()
    given["servants"][0]["plans"] = [each for each in given["servants"][0]["plans"] if each["date"] != on(TUE)]
    day = day_of(given, TUE)
    check(day, known=8 * H + 15 * M)
    assert day["state"] == "waiting"
    assert len(day["stays"]) == 2


def test_at_ten_in_the_morning() -> None:
    day = day_of(document([], reads(TUE, "in 08:55"), now=at(TUE, "10:00")), TUE)
    check(day)
    assert day["state"] == "in_progress"


def test_an_order_the_morning_after_a_night_shift() -> None:
    given = night_shift(off(WED), [order(TUE, "overtime", "08:00-10:00", starts=WED)], rest=False, out="10:05")
    check(day_of(given, TUE), worked=12 * H, overtime=2 * H, outside_hours=15 * M, night=8 * H)
    check(day_of(given, WED), known=0)


def test_recalled_only_an_exit_was_read() -> None:
    given = recalled("out 18:31")
    given["servants"][0]["sessions"] = []
    day = day_of(given, TUE)
    check(day, "missing_entry remote_without_session", worked=6 * H, assumed=5 * H, absent=2 * H)
    assert {each["kind"]: each["seconds"] for each in day["findings"]}["remote_without_session"] == 2 * H


def test_house_behind_a_campus_gate() -> None:
    day = day_of(document([], reads(TUE, FOUR) + reads(TUE, "in 09:00", device="house")), TUE)
    check(day, worked=8 * H, outside_hours=8 * M)
    assert [each["became"] for each in day["reads"]] == ["counted", "internal", "counted", "counted", "counted"]


def test_rest_too_short() -> None:
    given = document(
        [],
        reads(TUE, "in 08:55, out 13:02, in 14:25, out 23:50") + reads(WED, FOUR),
        until=WED,
        orders=[order(TUE, "overtime", "18:30-23:50")],
    )
    assert fold(given)["across_days"] == [
        {"servant": "S1", "kind": "rest_too_short", "dates": [on(TUE), on(WED)], "seconds": 33000, "rule": "lc-83"}
    ]


def overlapping(plan_of_tuesday: Json) -> None:
    plan_of_tuesday["intervals"].append(interval(TUE, "10:00-11:00"))


@pytest.mark.parametrize(
    ("path", "spoil"),
    [
        ("colour", lambda d: d.update(colour="red")),
        ("now", lambda d: d.pop("now")),
        ("since", lambda d: d.update(since="2026-02-30")),
        ("until", lambda d: d.update(until=on(MON))),
        ("zone", lambda d: d.update(zone="Asia/Atlantis")),
        ("parameters.tea", lambda d: d.update(parameters={"tea": 1})),
        ("devices[3]", lambda d: d.update(devices=[*d["devices"], {**d["devices"][0], "role": "internal"}])),
        ("servants[0].reads[2].at", lambda d: d["servants"][0]["reads"][2].update(at="2026-11-24T25:00:00+05:00")),
        ("servants[0].reads[1].at", lambda d: d["servants"][0]["reads"][1].update(at="2026-11-24T13:02:00")),
        ("servants[0].reads[0].device", lambda d: d["servants"][0]["reads"][0].update(device="nowhere")),
        ("servants[0].plans[0].intervals[1]", lambda d: overlapping(d["servants"][0]["plans"][0])),
        (
            "servants[0].corrections[0]",
            lambda d: d["servants"][0].update(corrections=[{"kind": "void", "device": "gate", "event_key": "0"}]),
        ),
        ("servants[0].plans[15]", lambda d: d["servants"][0]["plans"].append(office(TUE, grace=60))),
    ],
)
def test_a_document_is_refused_with_its_path(path: str, spoil: Any) -> None:
    given = document([office(TUE)], reads(TUE, FOUR))
    fold(given)
    given["devices"] = list(given["devices"])
    spoil(given)
    with pytest.raises(Refused) as refusal:
        fold(given)
    assert refusal.value.path == path
