"""Appointments: which may stand beside one another, and what a row of an import makes of those that are there."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel.days import DaySpan, dates
from kernel.faults import Conflict, Malformed, NotFound, Stale, WrongState
from registry.servants.domain import Appointment, AppointmentKind, AppointmentTerms, NewServant, Order, Servant, refuse_overlaps

from ..samples import iin, person, position, terms

JANUARY = date(2026, 1, 12)
JUNE = date(2026, 6, 30)


def servant(*of: AppointmentTerms) -> Servant:
    return person("serikova", 0, *of).appointed(orders(*of))


def orders(*of: AppointmentTerms) -> list[Order]:
    return [Order(one, position(one.position)) for one in of]


@pytest.mark.parametrize("kind", AppointmentKind)
def test_main_temporary_and_secondment_keep_time(kind: AppointmentKind) -> None:
    assert kind.keeps_time == (kind.name in {"MAIN", "TEMPORARY", "SECONDMENT"})


@st.composite
def appointments(draw: st.DrawFn) -> list[Appointment]:
    made = []
    for number in range(draw(st.integers(1, 5))):
        since = JANUARY + timedelta(days=draw(st.integers(0, 30)))
        length = draw(st.none() | st.integers(0, 10))
        until = None if length is None else since + timedelta(days=length)
        made.append(Appointment(f"a{number}", position(), terms(since, until, kind=draw(st.sampled_from(AppointmentKind)))))
    return made


@given(appointments())
def test_no_day_has_two_appointments_of_one_kind_that_keep_time(made: list[Appointment]) -> None:
    twice = any(
        sum(one.terms.span.holds(day) for one in made if one.terms.kind is kind) > 1
        for kind in (AppointmentKind.MAIN, AppointmentKind.TEMPORARY, AppointmentKind.SECONDMENT)
        for day in dates(JANUARY, JANUARY + timedelta(days=60))
    )
    if not twice:
        refuse_overlaps(made)
        return
    with pytest.raises(WrongState) as refused:
        refuse_overlaps(made)
    assert refused.value.reason == "APPOINTMENTS_OVERLAP"
    assert set(refused.value.facts) == {"since", "until", "otherSince", "otherUntil"}


def test_an_overlap_names_both_spans() -> None:
    with pytest.raises(WrongState) as refused:
        servant(terms(JANUARY, JUNE), terms(date(2026, 6, 30), position="18"))
    facts = {"since": JANUARY, "until": JUNE, "otherSince": date(2026, 6, 30), "otherUntil": ""}
    assert refused.value.facts == facts


def test_a_secondment_stands_beside_the_own_post_that_is_kept() -> None:
    both = servant(terms(), terms(date(2026, 2, 1), kind=AppointmentKind.SECONDMENT, position="18"))
    assert [one.terms.kind for one in both.appointments] == [AppointmentKind.MAIN, AppointmentKind.SECONDMENT]


def test_two_concurrent_posts_may_overlap_since_they_keep_no_time() -> None:
    kind = AppointmentKind.CONCURRENT
    assert len(servant(terms(kind=kind), terms(kind=kind, position="18")).appointments) == 2


def test_the_same_appointment_twice_is_a_conflict() -> None:
    known = servant(terms(kind=AppointmentKind.ACTING))
    with pytest.raises(Conflict):
        known.appointed(*orders(terms(kind=AppointmentKind.ACTING)))


def test_appointments_stand_in_time_order() -> None:
    later, earlier = terms(date(2026, 7, 1)), terms(JANUARY, JUNE)
    assert [one.terms for one in servant(later, earlier).appointments] == [earlier, later]


def test_an_appointment_ends_on_its_last_day() -> None:
    known = servant(terms())
    ended = known.ended(known.appointments[0].id, JUNE)
    assert ended.appointments[0].terms.span == DaySpan(JANUARY, JUNE)
    assert ended.appointments[0].revision == known.appointments[0].revision + 1


def test_ending_again_on_the_same_day_changes_nothing() -> None:
    known = servant(terms(JANUARY, JUNE))
    assert known.ended(known.appointments[0].id, JUNE) == known


def test_an_appointment_cannot_end_before_it_begins() -> None:
    known = servant(terms())
    with pytest.raises(WrongState) as refused:
        known.ended(known.appointments[0].id, JANUARY - timedelta(days=1))
    assert refused.value.reason == "SPAN_REVERSED"


def test_a_stale_etag_is_refused_and_the_present_one_is_not() -> None:
    known = servant(terms())
    id = known.appointments[0].id
    with pytest.raises(Stale):
        known.ended(id, JUNE, seen="r0")
    assert known.ended(id, JUNE, seen="r1") != known


def test_ending_an_appointment_later_must_not_run_into_the_next() -> None:
    known = servant(terms(JANUARY, JUNE), terms(date(2026, 7, 1)))
    with pytest.raises(WrongState) as refused:
        known.ended(known.appointments[0].id, date(2026, 7, 1))
    assert refused.value.reason == "APPOINTMENTS_OVERLAP"


def test_an_appointment_of_somebody_else_is_not_found() -> None:
    with pytest.raises(NotFound):
        servant(terms()).ended("another", JUNE)


def test_the_same_row_again_changes_nothing() -> None:
    known = servant(terms(), terms(kind=AppointmentKind.ACTING, position="18"))
    assert known.merged(known.display_name, orders(terms())) == known


def test_a_row_adds_what_is_new_changes_what_is_known_and_ends_nothing_by_silence() -> None:
    known = servant(terms(), terms(kind=AppointmentKind.ACTING, position="18"))
    merged = known.merged("Серікова Ә.", orders(terms(JANUARY, JUNE), terms(date(2026, 7, 1), position="19")))
    assert merged.display_name == "Серікова Ә."
    assert {(one.terms.position, one.terms.span.until) for one in merged.appointments} == {("17", JUNE), ("18", None), ("19", None)}
    assert next(one for one in merged.appointments if one.terms.position == "17").id in {one.id for one in known.appointments}


def test_a_row_is_judged_by_its_end_result_and_not_by_the_order_of_its_appointments() -> None:
    known = servant(terms())
    row = [terms(date(2026, 7, 1), position="19"), terms(JANUARY, JUNE)]
    assert len(known.merged(known.display_name, orders(*row)).appointments) == 2


def refused(make: Callable[[], object]) -> set[str]:
    with pytest.raises(Malformed) as fault:
        make()
    return set(fault.value.violations)


def test_a_person_needs_an_appointment_a_name_and_a_birth_before_it() -> None:
    assert refused(lambda: NewServant.recorded("x", iin(), "А.", [])) == {"servant.appointments"}
    assert refused(lambda: NewServant.recorded("x", iin(), " ", [terms()])) == {"servant.display_name"}
    assert refused(lambda: NewServant.recorded("x", iin(), "А\nБ", [terms()])) == {"servant.display_name"}
    assert refused(lambda: NewServant.recorded("x y", iin(), "А.", [terms()])) == {"servant_id"}
    assert refused(lambda: NewServant.recorded("x", iin(born=date(2026, 1, 12)), "А.", [terms()])) == {"servant.iin"}
    assert refused(lambda: NewServant.recorded("x", iin(), "А.", [terms(), terms(until=JUNE)])) == {"servant.appointments"}


@pytest.mark.parametrize("rate", [0, -1, 101])
def test_a_share_of_a_post_is_one_to_a_hundred_percent(rate: int) -> None:
    def ordered() -> AppointmentTerms:
        return AppointmentTerms.ordered("KGD", "17", AppointmentKind.MAIN, JANUARY, None, rate, "", "appointment")

    assert refused(ordered) == {"appointment.rate_percent"}
