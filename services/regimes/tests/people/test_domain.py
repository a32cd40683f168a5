"""Whose day it is, and what a change of appointments touches."""

from dataclasses import replace
from datetime import date

from kernel.days import DaySpan, dates
from regimes.people.domain import AppointmentKind, Unit

from ..samples import appointment, body, servant

ON = date(2026, 11, 24)
MAIN = appointment()
TEMPORARY = appointment(kind=AppointmentKind.TEMPORARY, unit="duty")
SECONDED = appointment(date(2026, 11, 1), date(2026, 11, 30), body="MF", unit="x", kind=AppointmentKind.SECONDMENT)
ACTING = appointment(kind=AppointmentKind.ACTING, unit="leaders")


def test_secondment_goes_before_main_and_main_before_temporary() -> None:
    person = servant("s", TEMPORARY, MAIN, SECONDED)
    assert person.keeping_time(ON) == SECONDED
    assert person.keeping_time(date(2026, 12, 1)) == MAIN
    assert servant("s", TEMPORARY).keeping_time(ON) == TEMPORARY


def test_acting_and_concurrent_posts_are_never_a_plan() -> None:
    concurrent = appointment(kind=AppointmentKind.CONCURRENT)
    assert servant("s", ACTING, concurrent).keeping_time(ON) is None
    assert servant("s", ACTING, MAIN, concurrent).keeping_time(ON) == MAIN


def test_a_kind_that_is_not_known_yet_is_never_a_plan() -> None:
    assert servant("s", appointment(kind=AppointmentKind.OTHER)).keeping_time(ON) is None


def test_an_appointment_that_keeps_no_time_is_passed_over() -> None:
    assert servant("s", MAIN, replace(SECONDED, keeps_time=False)).keeping_time(ON) == MAIN


def test_the_last_day_of_an_appointment_belongs_to_it() -> None:
    person = servant("s", appointment(until=ON))
    assert person.keeping_time(ON) is not None
    assert person.keeping_time(date(2026, 11, 25)) is None


def test_the_order_in_which_appointments_came_does_not_matter() -> None:
    twins = (appointment(), replace(appointment(), appointment="zz"))
    assert servant("s", *twins).keeping_time(ON) == servant("s", *reversed(twins)).keeping_time(ON)


def test_the_chain_of_a_unit_ends_with_the_whole_body() -> None:
    assert list(body().chain("audit-1")) == ["audit-1", "audit", ""]
    assert list(body().chain("unknown")) == ["unknown", ""]
    assert list(body().chain("")) == [""]


def test_a_ring_of_units_is_cut() -> None:
    assert list(body(units=(Unit("a", "b"), Unit("b", "a"))).chain("a")) == ["a", "b", ""]


def test_only_the_appointments_that_differ_are_touched() -> None:
    before = servant("s", MAIN, SECONDED)
    longer = replace(SECONDED, span=DaySpan(date(2026, 11, 1), date(2026, 12, 31)))
    assert before.differences(servant("s", SECONDED, MAIN, revision=2)) == ()
    assert before.differences(servant("s", MAIN, longer)) == (SECONDED.span, longer.span)
    assert servant("s", MAIN).differences(before) == (SECONDED.span,)


def test_who_keeps_time_changes_only_where_an_appointment_begins_or_has_ended() -> None:
    person = servant("s", appointment(until=date(2026, 12, 15)), SECONDED, TEMPORARY)
    span = DaySpan(date(2026, 10, 20), date(2026, 12, 31))
    turns = list(person.turns(span))
    assert turns == [date(2026, 10, 20), date(2026, 11, 1), date(2026, 12, 1), date(2026, 12, 16)]
    before = None
    for on in dates(span.since, date(2026, 12, 31)):
        assert on in turns or person.keeping_time(on) == before
        before = person.keeping_time(on)


def test_the_last_date_of_the_calendar_has_no_day_after_it() -> None:
    person = servant("s", appointment(until=date.max))
    assert list(person.turns(DaySpan(date(2026, 10, 20), date.max))) == [date(2026, 10, 20)]
