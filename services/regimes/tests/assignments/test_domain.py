"""What the law lets be assigned, and which of several assignments holds."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from kernel.faults import Malformed, RuleBroken, WrongState
from lawbook import load
from regimes.assignments.domain import Assignment, Flexible, Regime, Remote, in_effect
from regimes.people.domain import AppointmentKind, Servant

from ..samples import FLEXIBLE, REMOTE, appointment, assignment, body, clocks, servant, shifts

LAW = load()
MONDAY = date(2026, 11, 23)
TUESDAY = date(2026, 11, 24)
WEDNESDAY = date(2026, 11, 25)
FRIDAY = date(2026, 11, 27)


def check(given: Assignment, person: Servant | None = None, *others: Assignment) -> None:
    given.check(person or servant(), {"KGD": body()}, others, LAW)


def refused(given: Assignment, person: Servant | None = None, *others: Assignment) -> RuleBroken:
    with pytest.raises(RuleBroken) as fault:
        check(given, person, *others)
    return fault.value


@pytest.mark.parametrize("regime", [REMOTE, Remote("үйі", frozenset({1, 3})), FLEXIBLE, shifts((MONDAY, "20:00-08:00", "01:00-02:00"))])
def test_what_the_law_allows_is_kept(regime: Regime) -> None:
    check(assignment(regime, MONDAY, FRIDAY))


def test_a_regime_is_for_civil_servants_on_every_day_of_it() -> None:
    gap = servant("s", appointment(until=TUESDAY), appointment(FRIDAY))
    fault = refused(assignment(REMOTE, MONDAY, FRIDAY), gap)
    assert (fault.reason, fault.rule, fault.on) == ("NOT_APPOINTED", "o120-p1", WEDNESDAY)
    assert fault.facts == {"servant": "s", "on": WEDNESDAY}


def test_an_acting_post_alone_carries_no_regime() -> None:
    assert refused(assignment(REMOTE, MONDAY, FRIDAY), servant("s", appointment(kind=AppointmentKind.ACTING))).reason == "NOT_APPOINTED"


def test_flexible_hours_are_not_for_hours_set_by_regulation() -> None:
    person = servant("s", appointment(until=TUESDAY), appointment(WEDNESDAY, regulated=True))
    fault = refused(assignment(FLEXIBLE, MONDAY, FRIDAY), person)
    assert (fault.reason, fault.rule, fault.on) == ("HOURS_SET_BY_REGULATION", "o120-p14", WEDNESDAY)
    check(assignment(REMOTE, MONDAY, FRIDAY), person)


def test_remote_work_names_its_place() -> None:
    fault = refused(assignment(Remote("  "), MONDAY, FRIDAY))
    assert (fault.reason, fault.rule, fault.facts) == ("PLACE_MISSING", "o120-p6", {})


@pytest.mark.parametrize(
    ("since", "last"),
    [(date(2026, 1, 1), date(2026, 6, 30)), (date(2026, 1, 15), date(2026, 7, 14)), (date(2025, 8, 31), date(2026, 2, 27))],
)
def test_flexible_hours_last_six_calendar_months_and_not_a_day_more(since: date, last: date) -> None:
    check(assignment(FLEXIBLE, since, last))
    fault = refused(assignment(FLEXIBLE, since, date.fromordinal(last.toordinal() + 1)))
    assert (fault.reason, fault.rule, fault.facts["limitMonths"]) == ("TERM_TOO_LONG", "o120-p18", 6)


def test_remote_work_has_no_such_limit() -> None:
    check(assignment(REMOTE, date(2026, 1, 1), date(2027, 12, 31)))


@pytest.mark.parametrize(("pause", "seconds"), [(None, 0), ("13:00-13:20", 1200)])
def test_a_flexible_day_has_its_break(pause: str | None, seconds: int) -> None:
    regime = replace(FLEXIBLE, pause=clocks(pause) if pause else None)
    fault = refused(assignment(regime, MONDAY, FRIDAY))
    assert (fault.reason, fault.rule, fault.facts["seconds"]) == ("BREAK_TOO_SHORT", "lc-81", seconds)


def test_a_flexible_band_may_be_longer_than_the_day_but_its_core_may_not() -> None:
    band, pause = clocks("06:00-22:00"), clocks("13:00-14:00")
    check(assignment(Flexible(band, clocks("09:00-18:00"), pause), MONDAY, FRIDAY))
    fault = refused(assignment(Flexible(band, clocks("09:00-18:01"), pause), MONDAY, FRIDAY))
    assert (fault.reason, fault.rule) == ("DAILY_LIMIT", "lc-71")
    assert fault.facts == {"seconds": 28860, "limitSeconds": 28800}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(MONDAY, "08:00-20:00"), (TUESDAY, "08:00-20:00")], None),
        ([(MONDAY, "20:00-08:00"), (TUESDAY, "20:00-08:00")], None),
        ([(MONDAY, "09:00-09:00"), (WEDNESDAY, "09:00-09:00")], None),
        ([(MONDAY, "20:00-08:00"), (TUESDAY, "08:00-20:00")], "SHIFTS_IN_A_ROW"),
        ([(MONDAY, "20:00-08:00"), (TUESDAY, "07:00-15:00")], "SHIFTS_IN_A_ROW"),
        ([(MONDAY, "20:00-08:00"), (TUESDAY, "08:01-20:00")], "REST_TOO_SHORT"),
        ([(MONDAY, "08:00-20:00"), (TUESDAY, "07:59-15:00")], "REST_TOO_SHORT"),
    ],
)
def test_there_is_rest_between_shifts(rows: list[tuple[date, str]], reason: str | None) -> None:
    given = assignment(shifts(*rows), MONDAY, FRIDAY)
    if reason is None:
        return check(given)
    fault = refused(given)
    assert (fault.reason, fault.rule) == (reason, "lc-73" if reason == "SHIFTS_IN_A_ROW" else "lc-83")
    assert (fault.facts["date"], fault.facts["nextDate"]) == (MONDAY, TUESDAY)


def test_the_rest_is_named_in_seconds() -> None:
    fault = refused(assignment(shifts((MONDAY, "08:00-20:00"), (TUESDAY, "07:00-15:00")), MONDAY, FRIDAY))
    assert (fault.facts["seconds"], fault.facts["limitSeconds"]) == (11 * 3600, 12 * 3600)


def test_the_schedule_before_is_looked_at_too() -> None:
    sunday = date(2026, 11, 22)
    before = assignment(shifts((sunday, "20:00-08:00")), sunday, sunday, "before")
    this = assignment(shifts((MONDAY, "08:00-20:00")), MONDAY, MONDAY, "this", 2)
    assert refused(this, None, before).reason == "SHIFTS_IN_A_ROW"
    assert refused(before, None, this).reason == "SHIFTS_IN_A_ROW"


def test_a_schedule_that_is_replaced_is_not_looked_at() -> None:
    old = assignment(shifts((MONDAY, "20:00-08:00")), MONDAY, FRIDAY, "old")
    check(assignment(shifts((TUESDAY, "08:00-20:00")), MONDAY, FRIDAY, "new", 2), None, old)


def test_shifts_may_be_longer_than_a_day_of_eight_hours_and_without_a_break() -> None:
    check(assignment(shifts((MONDAY, "09:00-09:00")), MONDAY, FRIDAY))


def test_a_break_of_a_shift_is_half_an_hour_at_least() -> None:
    fault = refused(assignment(shifts((MONDAY, "20:00-08:00", "01:00-01:29")), MONDAY, FRIDAY))
    assert (fault.reason, fault.rule, fault.on) == ("BREAK_TOO_SHORT", "lc-81", MONDAY)


def test_of_two_on_one_date_the_later_recorded_holds() -> None:
    early, late = assignment(REMOTE, MONDAY, FRIDAY, "b", 1), assignment(FLEXIBLE, TUESDAY, TUESDAY, "a", 2)
    assert in_effect([late, early], MONDAY) == early
    assert in_effect([late, early], TUESDAY) == late
    assert in_effect([late, early], date(2026, 11, 28)) is None


@pytest.mark.parametrize(
    "malformed",
    [
        lambda: Remote("x", frozenset({0})),
        lambda: Remote("x", frozenset({8})),
        lambda: replace(FLEXIBLE, band=clocks("16:30-07:00")),
        lambda: replace(FLEXIBLE, core=clocks("06:00-10:00")),
        lambda: replace(FLEXIBLE, core=clocks("10:00-10:00")),
        lambda: replace(FLEXIBLE, pause=clocks("16:00-17:00")),
        lambda: shifts(),
        lambda: shifts((TUESDAY, "08:00-20:00"), (MONDAY, "08:00-20:00")),
        lambda: shifts((MONDAY, "00:00-06:00"), (MONDAY, "18:00-23:00")),
        lambda: shifts((MONDAY, "08:00-20:00", "19:00-21:00")),
        lambda: assignment(shifts((MONDAY, "08:00-20:00")), TUESDAY, FRIDAY),
        lambda: replace(assignment(REMOTE, MONDAY, FRIDAY), act=" "),
    ],
)
def test_what_says_no_regime_is_malformed(malformed: Any) -> None:
    with pytest.raises(Malformed):
        malformed()


def test_a_reversed_span_is_refused() -> None:
    with pytest.raises(WrongState) as fault:
        assignment(REMOTE, FRIDAY, MONDAY)
    assert fault.value.reason == "SPAN_REVERSED"
