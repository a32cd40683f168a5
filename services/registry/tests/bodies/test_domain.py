"""Bodies, heads and the members of an HR service."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel.days import DaySpan, dates
from kernel.faults import Malformed
from registry.bodies.domain import Headship, HrMember, StateBody, StateBodyKind, UnknownZone, hr_members

from ..samples import body, title, unit

FIRST = date(2026, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_a_body_is_served_by_its_own_hr_service_or_by_the_single_one() -> None:
    assert body("KGD").served_by == "KGD"
    assert body("KGD", hr_service_body="KGD").served_by == "KGD"
    assert body("KGD", hr_service_body="MF").served_by == "MF"


@pytest.mark.parametrize(
    ("id", "region", "parent", "field"),
    [
        ("K", "75", None, "state_body_id"),
        ("К-Г-Д", "75", None, "state_body_id"),
        ("KGD", "", None, "state_body.region"),
        ("KGD", "75", "KGD", "state_body.parent"),
    ],
)
def test_a_body_with_impossible_values_is_malformed(id: str, region: str, parent: str | None, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        StateBody.founded(id, title(), StateBodyKind.CENTRAL, region, "Asia/Almaty", parent)
    assert set(refused.value.violations) == {field}


@pytest.mark.parametrize("zone", ["", "Asia/Astana", "../etc/passwd", "asia/almaty"])
def test_a_zone_that_iana_does_not_know_is_refused_by_name(zone: str) -> None:
    with pytest.raises(UnknownZone) as refused:
        StateBody.founded("KGD", title(), StateBodyKind.CENTRAL, "75", zone)
    assert refused.value.facts == {"zone": zone}


def test_the_head_before_ends_the_day_before() -> None:
    headed = unit().headed_by("a", day(0)).headed_by("b", day(10))
    assert headed.heads == (Headship("a", DaySpan(day(0), day(9))), Headship("b", DaySpan(day(10))))
    assert headed.revision == unit().revision + 2


def test_naming_the_present_head_again_changes_nothing() -> None:
    headed = unit().headed_by("a", day(0))
    assert headed.headed_by("a", day(5)) == headed


def test_a_head_named_for_an_earlier_day_takes_the_place_of_later_ones() -> None:
    headed = unit().headed_by("a", day(0)).headed_by("b", day(10)).headed_by("c", day(5))
    assert headed.heads == (Headship("a", DaySpan(day(0), day(4))), Headship("c", DaySpan(day(5))))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), max_size=8))
def test_each_day_from_the_first_has_one_head_and_it_is_the_one_named_last_for_it(named: list[tuple[str, int]]) -> None:
    headed = unit()
    expected: dict[date, str] = {}
    for servant, since in named:
        headed = headed.headed_by(servant, day(since))
        expected |= dict.fromkeys(dates(day(since), day(60)), servant)
    for on in dates(day(0), day(60)):
        assert [head.servant for head in headed.heads if head.span.holds(on)] == ([expected[on]] if on in expected else [])


spans = st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.none() | st.integers(0, 8))


@given(st.lists(spans, max_size=8))
def test_members_of_an_hr_service_are_the_days_of_their_spans_without_gaps_or_doubles(drawn: list[tuple[str, int, int | None]]) -> None:
    given_spans = [HrMember(who, DaySpan(day(since), None if length is None else day(since + length))) for who, since, length in drawn]
    members = hr_members(given_spans)
    for who in "ab":
        own = [member.span for member in members if member.servant == who]
        for on in dates(day(0), day(40)):
            inside = any(one.servant == who and one.span.holds(on) for one in given_spans)
            assert sum(span.holds(on) for span in own) == inside
        for before, after in pairwise(own):
            assert before.until is not None
            assert after.since > before.until + timedelta(days=1)
