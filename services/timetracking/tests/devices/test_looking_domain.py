"""What devices show of themselves follows from the set of their reads, whatever the order in which they came."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from timetracking.device_findings.domain import (
    Crowd,
    DeviceRead,
    Pause,
    SilenceLaw,
    Watch,
    asked_for,
    between,
    clock,
    crowd_of,
    event_numbers_reused,
    missing_numbers,
    pauses,
    silences,
    silent_from,
    unknown_badges,
    watched,
)
from timetracking.device_findings.domain.silence import working_time
from timetracking.devices.domain import DeviceDirection, Role, event_number
from timetracking.findings.domain import Claim, Finding, State, badge_of, subject_of
from timetracking.workdays.domain import Direction, Place, Plan, PlanKind, PlannedInterval

from ..samples import MONDAY, TUESDAY, WEDNESDAY, device, office, planned, second, settings

TOLERANCE = 300
HOUR = 3600
LAW = SilenceLaw(after=4 * HOUR, margin=2 * HOUR)
ZONE = ZoneInfo("Asia/Almaty")
FRIDAY = date(2026, 11, 20)


def read(
    wall: str,
    key: str = "",
    lag: int = 2,
    badge: str = "hq:17",
    held: bool = True,
    live: bool = True,
    previous: int = -1,
    direction: int = 1,
) -> DeviceRead:
    """A read at a wall time of Almaty, received `lag` seconds after its instant."""
    at = second(wall)
    number = event_number(key)
    wall_time = datetime.fromisoformat(wall)
    return DeviceRead(
        at, key or wall, wall_time, 5 * HOUR, badge, direction, at + lag, live, held, -1 if number is None else number, previous
    )


def numbered(wall: str, number: int, previous: int | None = None) -> DeviceRead:
    """A read with a number, of a device that says which one came before."""
    return read(wall, str(number), previous=number - 1 if previous is None else previous)


def days(*reads: DeviceRead) -> dict[date, list[DeviceRead]]:
    found: dict[date, list[DeviceRead]] = {}
    for each in reads:
        found.setdefault(each.day, []).append(each)
    return found


class TestClock:
    def test_a_clock_an_hour_ahead_is_found_from_one_read(self) -> None:
        (claim,) = clock("gate", TUESDAY, [read("2026-11-24T09:55:00", "a", lag=4 - HOUR)], TOLERANCE)
        assert (claim.kind, claim.date, claim.first, claim.seconds, claim.rule) == (
            "device_clock", TUESDAY, second("2026-11-24T09:55:00"), HOUR - 4, "lc-79",
        )  # fmt: skip
        assert claim.reads == ("gate|a",)

    def test_the_largest_deviation_of_the_date_is_told_from_the_first_read_that_is_off(self) -> None:
        reads = [read("2026-11-24T08:00:00"), read("2026-11-24T10:00:00", lag=60 - HOUR), read("2026-11-24T19:00:00", lag=5 - HOUR)]
        (claim,) = clock("gate", TUESDAY, reads, TOLERANCE)
        assert (claim.first, claim.last, claim.seconds) == (second("2026-11-24T10:00:00"), second("2026-11-24T19:00:00"), HOUR - 5)

    @pytest.mark.parametrize(("lag", "found"), [(-TOLERANCE, 0), (-TOLERANCE - 1, 1)])
    def test_what_the_tolerance_holds_is_not_found(self, lag: int, found: int) -> None:
        assert len(clock("gate", TUESDAY, [read("2026-11-24T09:00:00", lag=lag)], TOLERANCE)) == found

    def test_a_replay_that_was_received_before_it_happened_shows_a_clock_too(self) -> None:
        assert clock("gate", TUESDAY, [read("2026-11-24T09:00:00", lag=-HOUR, live=False)], TOLERANCE)

    def test_a_clock_an_hour_behind_is_found_from_reads_that_are_late_alike(self) -> None:
        reads = [
            read("2026-11-24T07:55:00", lag=HOUR + 9),
            read("2026-11-24T12:02:00", lag=HOUR + 3),
            read("2026-11-24T17:33:00", lag=HOUR + 70),
        ]
        (claim,) = clock("gate", TUESDAY, reads, TOLERANCE)
        assert (claim.first, claim.seconds) == (second("2026-11-24T07:55:00"), HOUR + 3)

    def test_a_clock_that_fell_behind_at_noon_is_found_from_then_on(self) -> None:
        timely = [read("2026-11-24T08:55:00"), read("2026-11-24T11:30:00", lag=200)]
        late = [read("2026-11-24T12:00:00", lag=HOUR), read("2026-11-24T13:00:00", lag=HOUR + 5)]
        (claim,) = clock("gate", TUESDAY, [*timely, *late], TOLERANCE)
        assert (claim.first, claim.seconds) == (second("2026-11-24T12:00:00"), HOUR)

    def test_one_late_read_may_have_been_delayed_and_shows_nothing(self) -> None:
        assert clock("gate", TUESDAY, [read("2026-11-24T08:55:00", lag=HOUR), read("2026-11-24T09:00:00")], TOLERANCE) == []

    def test_a_backlog_that_is_sent_at_once_shows_nothing(self) -> None:
        """An offline terminal of a protocol without replays sends two days later; to the gateway each read is live."""
        sent = second("2026-11-26T08:00:00")
        reads = [
            read(f"2026-11-24T{hour:02}:{minute:02}:00")._replace(received=sent + minute // 10)
            for hour in (8, 9, 18)
            for minute in range(0, 60, 7)
        ]
        assert clock("gate", TUESDAY, reads, TOLERANCE) == []

    def test_delays_of_different_length_show_nothing(self) -> None:
        """Two backlogs, hours apart: a clock would make both late by the same."""
        reads = [
            read("2026-11-24T08:55:00", lag=HOUR),
            read("2026-11-24T13:02:00", lag=2 * HOUR),
            read("2026-11-24T18:00:00", lag=HOUR // 2),
        ]
        assert clock("gate", TUESDAY, reads, TOLERANCE) == []

    def test_replays_are_late_and_show_nothing(self) -> None:
        reads = [read("2026-11-24T08:55:00", lag=HOUR, live=False), read("2026-11-24T12:00:00", lag=HOUR, live=False)]
        assert clock("gate", TUESDAY, reads, TOLERANCE) == []


class TestMissingNumbers:
    def test_the_numbers_between_two_reads_are_missing(self) -> None:
        reads = days(numbered("2026-11-24T08:55:00", 10), numbered("2026-11-24T08:56:00", 14))
        (claim,) = missing_numbers("gate", TUESDAY, reads)
        assert (claim.kind, claim.date, claim.seconds, claim.reads) == ("device_missing_numbers", TUESDAY, 3, ("gate|10", "gate|14"))
        assert (claim.first, claim.last) == (second("2026-11-24T08:55:00"), second("2026-11-24T08:56:00"))

    def test_numbers_in_a_row_miss_nothing_and_neither_do_those_that_the_gateway_ignored(self) -> None:
        reads = days(
            numbered("2026-11-24T08:55:00", 10), numbered("2026-11-24T08:56:00", 11), numbered("2026-11-24T08:57:00", 15, previous=11)
        )
        assert missing_numbers("gate", TUESDAY, reads) == []

    def test_a_device_that_is_new_here_misses_nothing(self) -> None:
        assert missing_numbers("gate", TUESDAY, days(numbered("2026-11-24T08:55:00", 1186))) == []

    def test_a_device_that_does_not_say_what_came_before_misses_nothing(self) -> None:
        reads = days(numbered("2026-11-24T08:55:00", 10), numbered("2026-11-24T08:56:00", 14, previous=-1))
        assert missing_numbers("gate", TUESDAY, reads) == []

    def test_a_gap_over_days_without_reads_is_found_on_the_date_after_it(self) -> None:
        reads = days(numbered("2026-11-20T18:33:00", 10), numbered("2026-11-23T08:55:00", 12))
        assert missing_numbers("gate", FRIDAY, reads) == []
        (claim,) = missing_numbers("gate", MONDAY, reads)
        assert (claim.date, claim.first, claim.seconds) == (MONDAY, second("2026-11-20T18:33:00"), 1)

    def test_what_came_of_a_gap_leaves_a_gap_on_each_side(self) -> None:
        ends = numbered("2026-11-24T08:50:00", 10), numbered("2026-11-24T09:00:00", 20)
        middle = numbered("2026-11-24T08:55:00", 15)
        gaps = missing_numbers("gate", TUESDAY, days(*ends, middle))
        assert [(each.reads, each.seconds) for each in gaps] == [(("gate|10", "gate|15"), 4), (("gate|15", "gate|20"), 4)]

    def test_a_gap_ends_when_all_of_it_came(self) -> None:
        reads = [numbered(f"2026-11-24T08:{50 + number}:00", number) for number in range(1, 8)]
        assert missing_numbers("gate", TUESDAY, days(*reads)) == []

    def test_two_gaps_that_begin_in_one_second_are_two_findings(self) -> None:
        reads = [numbered("2026-11-24T08:55:00", 10), numbered("2026-11-24T08:55:00", 12), numbered("2026-11-24T08:55:00", 14)]
        gaps = missing_numbers("gate", TUESDAY, days(*reads))
        assert len({each.id for each in gaps}) == 2

    def test_a_number_that_is_stored_on_another_date_is_not_missing(self) -> None:
        reads = days(numbered("2026-11-24T08:55:00", 10), numbered("2026-11-24T08:56:00", 12))
        assert asked_for([TUESDAY], reads) == {9, 11}
        assert missing_numbers("gate", TUESDAY, reads, stored={11}) == []

    def test_a_late_read_is_known_to_lie_in_a_gap_by_its_number(self) -> None:
        gap = ("gate|9", "gate|14")
        assert between(gap, [numbered("2026-11-01T08:00:00", 10)])
        assert not between(gap, [numbered("2026-11-01T08:00:00", 9), numbered("2026-11-01T08:00:00", 14), read("2026-11-01T08:00:00")])


class TestReusedNumbers:
    def test_one_number_for_two_events_is_found_on_the_date_of_the_first(self) -> None:
        reads = [read("2026-11-23T18:00:00", "17"), read("2026-11-24T08:55:00", "17", badge="hq:18"), read("2026-11-24T08:55:00", "18")]
        (claim,) = event_numbers_reused("gate", reads)
        assert (claim.kind, claim.subject, claim.date) == ("event_number_reused", "gate/17", MONDAY)
        assert (claim.first, claim.last, claim.seconds) == (second("2026-11-23T18:00:00"), second("2026-11-24T08:55:00"), 2)

    def test_events_that_differ_in_the_badge_or_the_direction_alone_are_two(self) -> None:
        one = read("2026-11-24T08:55:00", "17")
        assert event_numbers_reused("gate", [one, one]) == []
        assert event_numbers_reused("gate", [one, one._replace(badge="hq:18")])
        assert event_numbers_reused("gate", [one, one._replace(direction=2)])

    def test_a_counter_that_began_anew_gives_each_number_its_own_finding(self) -> None:
        reads = [read(f"2026-11-24T{hour}:00:00", key) for hour in ("09", "17") for key in ("1", "2")]
        assert len({each.id for each in event_numbers_reused("gate", reads)}) == 2


class TestUnknownBadges:
    def test_a_badge_that_nobody_holds_is_found_once_a_date_with_how_often_it_came(self) -> None:
        reads = [
            read("2026-11-24T18:33:00", badge="hq:99", held=False),
            read("2026-11-24T08:55:00", badge="hq:99", held=False),
            read("2026-11-24T08:56:00"),
        ]
        (claim,) = unknown_badges("gate", TUESDAY, reads)
        assert (claim.kind, claim.date, claim.first, claim.seconds) == ("unknown_badge", TUESDAY, second("2026-11-24T08:55:00"), 2)
        assert badge_of(claim) == "hq:99"

    def test_two_badges_in_one_second_are_two_findings(self) -> None:
        reads = [read("2026-11-24T08:55:00", badge=badge, held=False) for badge in ("hq:98", "hq:99")]
        assert len({each.id for each in unknown_badges("gate", TUESDAY, reads)}) == 2


@pytest.mark.parametrize("find", [
    lambda reads: clock("gate", TUESDAY, reads, TOLERANCE),
    lambda reads: missing_numbers("gate", TUESDAY, days(*reads)),
    lambda reads: event_numbers_reused("gate", reads),
    lambda reads: unknown_badges("gate", TUESDAY, reads),
])  # fmt: skip
def test_any_order_and_any_repetition_of_the_reads_give_the_same_claims(find: Callable[[Sequence[DeviceRead]], list[Claim]]) -> None:
    found = 0
    for seed in range(300):
        rng = random.Random(seed)
        reads = [
            read(
                f"2026-11-{rng.choice((23, 24, 24))}T{rng.randrange(8, 19):02}:{rng.randrange(60):02}:00",
                str(rng.randrange(1, 40)),
                lag=rng.choice((1, 200, 700, HOUR, HOUR + 50, -HOUR)),
                badge=f"hq:{rng.randrange(4)}",
                held=rng.random() < 0.7,
                live=rng.random() < 0.8,
                previous=rng.randrange(-1, 40),
            )
            for _ in range(rng.randrange(1, 30))
        ]
        expected = find(reads)
        found += len(expected)
        shuffled = [*reads, *rng.choices(reads, k=5)]
        rng.shuffle(shuffled)
        assert find(shuffled) == expected, f"seed {seed}"
    assert found


@pytest.mark.parametrize("claim", [
    *clock("gate-1", TUESDAY, [read("2026-11-24T09:55:00", lag=-HOUR)], TOLERANCE),
    *missing_numbers("gate-1", TUESDAY, days(numbered("2026-11-24T08:55:00", 10), numbered("2026-11-24T08:56:00", 14))),
    *event_numbers_reused("gate-1", [read("2026-11-24T08:55:00", "17"), read("2026-11-24T08:56:00", "17")]),
    *unknown_badges("gate-1", TUESDAY, [read("2026-11-24T08:55:00", badge="hq:9:9", held=False)]),
])  # fmt: skip
def test_the_subject_of_a_claim_follows_from_what_is_kept_of_it(claim: Claim) -> None:
    kept = Finding(claim, "KGD", None, "gate-1", badge_of(claim), State.RAISED, 1, "e")
    assert subject_of(claim.kind, kept.servant, kept.device, kept.badge, claim.reads) == claim.subject


def office_crowd(day: date, people: int = 100) -> Crowd:
    plan = office(day)
    crowd = crowd_of(plan.plan, plan.details, "HQ", people)
    assert crowd is not None
    return crowd


def shift_crowd(day: date, start: str, end: str, people: int) -> Crowd:
    """People of a shift between two wall times."""
    plan = Plan(day, PlanKind.SHIFT, (PlannedInterval(second(start), second(end), Place.OFFICE),))
    crowd = crowd_of(plan, planned(plan, ("HQ",)).details, "HQ", people)
    assert crowd is not None
    return crowd


OFFICE = [office_crowd(day) for day in (MONDAY, TUESDAY, WEDNESDAY)]
LAST_EXIT = "2026-11-23T18:40:00"


def silent(waits: Sequence[Pause], crowds: Sequence[Crowd] = OFFICE, direction: Direction = Direction.NONE) -> list[Claim]:
    return silences(Watch("gate", ZONE, direction, crowds), waits, lambda _: LAW)


def pause(start: str, end: str) -> Pause:
    return Pause(read(start), second(end))


class TestSilence:
    def test_working_time_is_when_half_of_the_busiest_moment_are_to_be_in(self) -> None:
        crowds = [office_crowd(TUESDAY), shift_crowd(TUESDAY, "2026-11-24T20:00", "2026-11-25T08:00", 6)]
        assert working_time(crowds) == [
            (second(f"2026-11-24T{a}"), second(f"2026-11-24T{b}")) for a, b in (("09:00", "13:00"), ("14:30", "18:30"))
        ]

    def test_the_shift_of_a_day_off_makes_no_working_time_among_busy_days(self) -> None:
        saturday = shift_crowd(date(2026, 11, 28), "2026-11-28T08:00", "2026-11-28T20:00", 6)
        assert working_time([*OFFICE, saturday]) == working_time(OFFICE)
        assert working_time([saturday]) == [(saturday.comes, saturday.goes)]

    def test_a_device_that_is_dead_in_the_morning_is_silent_after_four_working_hours(self) -> None:
        assert silent([pause(LAST_EXIT, "2026-11-24T14:00")]) == []
        (claim,) = silent([pause(LAST_EXIT, "2026-11-24T15:00")])
        assert (claim.kind, claim.subject, claim.date) == ("device_silent", "gate", TUESDAY)
        assert (claim.first, claim.last, claim.seconds) == (second("2026-11-24T09:00"), second("2026-11-24T15:00"), 4 * HOUR + 1800)

    def test_a_silence_of_days_is_one_finding_from_its_first_working_second(self) -> None:
        (before,) = silent([pause(LAST_EXIT, "2026-11-24T15:00")])
        (claim,) = silent([pause(LAST_EXIT, "2026-11-25T23:00")])
        assert (claim.seconds, claim.last) == (16 * HOUR, second("2026-11-25T18:30"))
        assert claim.id == before.id

    def test_a_gate_by_which_people_come_and_go_home_is_not_silent_between(self) -> None:
        assert silent([pause("2026-11-24T09:20", "2026-11-24T18:31")]) == []

    def test_a_device_that_dies_at_noon_is_silent_two_hours_after_people_should_have_gone(self) -> None:
        assert silent([pause("2026-11-24T10:17", "2026-11-24T20:00")]) == []
        (claim,) = silent([pause("2026-11-24T10:17", "2026-11-24T21:00")])
        assert (claim.first, claim.seconds) == (second("2026-11-24T10:17"), 6 * HOUR + 43 * 60)

    def test_a_gate_for_going_out_is_not_waited_for_in_the_morning(self) -> None:
        waits = [pause(LAST_EXIT, "2026-11-24T18:31")]
        assert silent(waits, direction=Direction.OUT) == []
        assert silent(waits, direction=Direction.IN)

    def test_nights_and_days_off_are_not_silent(self) -> None:
        assert silent([pause("2026-11-25T18:40", "2026-11-30T08:50")]) == []

    def test_premises_where_nobody_is_to_be_are_not_silent(self) -> None:
        assert silent([pause(LAST_EXIT, "2026-12-30T15:00")], crowds=[]) == []

    def test_people_who_are_away_or_elsewhere_are_not_waited_for(self) -> None:
        plan = office(TUESDAY)
        away = replace(plan.plan, excused=((second("2026-11-24T09:00"), second("2026-11-24T18:30")),))
        assert crowd_of(away, plan.details, "HQ", 100) is None
        assert crowd_of(plan.plan, plan.details, "ANNEX", 100) is None
        morning = replace(plan.plan, excused=((second("2026-11-24T09:00"), second("2026-11-24T11:00")),))
        crowd = crowd_of(morning, plan.details, "HQ", 100)
        assert crowd is not None
        assert (crowd.comes, crowd.goes) == (second("2026-11-24T11:00"), second("2026-11-24T18:30"))

    def test_a_house_that_never_sleeps_expects_people_when_its_shifts_change(self) -> None:
        days = ("2026-11-23", "2026-11-24", "2026-11-25")
        shifts = [shift_crowd(date.fromisoformat(day), f"{day}T08:00", f"{day}T20:00", 5) for day in days]
        shifts += [shift_crowd(date.fromisoformat(a), f"{a}T20:00", f"{b}T08:00", 5) for a, b in pairwise(days)]
        assert silent([pause("2026-11-23T20:10", "2026-11-24T07:50")], shifts) == []
        assert silent([pause("2026-11-23T20:10", "2026-11-24T10:01")], shifts)

    def test_a_pause_may_become_a_silence_no_sooner_than_when_its_working_time_is_more_than_allowed(self) -> None:
        def may_begin(read_at: str, crowds: Sequence[Crowd] = OFFICE) -> int | None:
            return silent_from(Watch("gate", ZONE, Direction.NONE, crowds), pause(read_at, "2026-11-23T19:00"), lambda _: LAW)

        assert may_begin(LAST_EXIT) == second("2026-11-24T14:30")
        assert may_begin("2026-11-24T10:17") == second("2026-11-24T15:47")
        assert may_begin("2026-11-25T16:00") is None
        assert may_begin(LAST_EXIT, []) is None

    def test_more_reads_never_make_more_silence(self) -> None:
        """A late batch ends silences, and begins none."""
        for seed in range(200):
            rng = random.Random(seed)
            reads = [
                read(f"2026-11-2{rng.randrange(3, 6)}T{rng.randrange(24):02}:{rng.randrange(60):02}:00")
                for _ in range(rng.randrange(2, 12))
            ]
            until = second("2026-11-26T00:00")
            all_of_it = silent(pauses(reads, None, until, goes_on=True))
            rng.shuffle(reads)
            first = min(reads)
            some = silent(pauses([first, *reads[:2]], None, until, goes_on=True))
            assert sum(each.seconds for each in all_of_it) <= sum(each.seconds for each in some), f"seed {seed}"


class TestPauses:
    def test_pauses_lie_between_reads_in_a_row_whatever_their_order(self) -> None:
        a, b, c = (read(f"2026-11-24T{hour}:00:00") for hour in ("09", "10", "11"))
        until = second("2026-11-24T15:00")
        assert pauses([c, a, b, a], None, until, goes_on=True) == [Pause(a, b.at), Pause(b, c.at), Pause(c, until, open=True)]
        assert pauses([c, a, b], b.at, until, goes_on=False) == [Pause(b, c.at)]

    def test_nobody_looks_beyond_the_hour_that_is_over(self) -> None:
        a, b = read("2026-11-24T09:00:00"), read("2026-11-24T15:20:00")
        until = second("2026-11-24T15:00")
        assert pauses([a, b], None, until, goes_on=True) == [Pause(a, until)]

    def test_a_device_without_reads_is_not_in_service_yet(self) -> None:
        assert pauses([], None, second("2026-11-24T15:00"), goes_on=True) == []

    def test_a_pause_is_of_the_premises_and_the_way_that_held_at_its_read(self) -> None:
        moved = device("gate", "KGD", settings(), settings("ANNEX", DeviceDirection.IN, since="2026-11-24T00:00:00"))
        closed = pause("2026-11-23T18:00:00", "2026-11-25T09:00:00")
        assert watched(moved, closed, ZONE) == ("HQ", Direction.NONE)
        assert watched(moved, replace(closed, open=True), ZONE) == ("ANNEX", Direction.IN)
        assert watched(moved, pause("2026-11-24T18:00:00", "2026-11-25T09:00:00"), ZONE) == ("ANNEX", Direction.IN)

    def test_a_device_inside_is_never_silent_and_one_that_was_taken_inside_is_silent_no_longer(self) -> None:
        inside = device("gate", "KGD", settings(), settings(role=Role.INTERNAL, since="2026-11-24T12:00:00"))
        waiting = Pause(read("2026-11-23T18:00:00"), second("2026-11-24T11:00"), open=True)
        assert watched(inside, waiting, ZONE) == ("HQ", Direction.NONE)
        assert watched(inside, replace(waiting, end=second("2026-11-24T12:00")), ZONE) is None


def test_a_read_is_late_by_the_time_from_its_instant_to_its_receipt() -> None:
    one = read("2026-11-24T08:55:00", lag=7)
    assert (one.lag, one.day) == (7, TUESDAY)
    assert timedelta(seconds=one.received - one.at) == timedelta(seconds=7)
