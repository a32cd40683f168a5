"""Limits against the rows of the law: a function of what the facts are together, each day once, and silent about which fact it was."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import lawbook
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel.days import DaySpan
from lawbook import NotInForce
from registry.protected.domain import Content, ProtectedFactKind, RestrictedWork
from registry.protected.limits import Limit, Limits, dated_limits

LAW = lawbook.load()
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
FREE, CONSENT, BARRED = Limit.FREE, Limit.BY_CONSENT, Limit.BARRED
NOTHING = Limits(FREE, FREE, FREE, 40)


def fact(kind: ProtectedFactKind, since: date = FIRST, until: date | None = None, **rest: Any) -> Content:
    return Content(kind, DaySpan(since, until), "№ 118", **rest)


def facts_of(kind: ProtectedFactKind) -> st.SearchStrategy[Content]:
    born = st.dates(date(2007, 1, 1), date(2026, 12, 31)) if kind.of_a_child else st.none()
    group = st.integers(1, 3) if kind is ProtectedFactKind.DISABILITY else st.none()
    works = st.frozensets(st.sampled_from(RestrictedWork), min_size=1)
    barred = works if kind is ProtectedFactKind.MEDICAL_BAR else st.just(frozenset[RestrictedWork]())
    days = st.dates(date(2025, 6, 1), date(2027, 6, 1))
    spans = st.builds(lambda a, b, ends: DaySpan(min(a, b), max(a, b) if ends else None), days, days, st.booleans())
    return st.builds(Content, st.just(kind), spans, st.just("№ 118"), born, group, barred)


FACTS = st.lists(st.sampled_from(ProtectedFactKind).flatmap(facts_of), max_size=5)


def by_the_law(facts: Sequence[Content], on: date) -> tuple[Limit, Limit, Limit, int]:
    """What the articles say of a day, written from them."""
    held = [each for each in facts if each.span.since <= on and (each.span.until is None or on <= each.span.until)]
    pregnant = any(each.kind.value == "pregnancy" for each in held)
    disabled = {each.group for each in held if each.group}
    young = any(
        (on.year - each.child_born.year - ((on.month, on.day) < birthday(each.child_born, on.year)))
        < {"child": 7, "child-with-disability": 18}[each.kind.value]
        for each in held
        if each.child_born
    )
    barred = {work for each in held for work in each.barred}
    night = BARRED if pregnant or RestrictedWork.NIGHT in barred else CONSENT if disabled or young else FREE  # art. 76
    overtime = BARRED if pregnant or disabled or RestrictedWork.OVERTIME in barred else FREE  # art. 77, par. 3
    rest_day = BARRED if pregnant or RestrictedWork.REST_DAY in barred else FREE  # art. 85
    return night, overtime, rest_day, 36 if disabled & {1, 2} else 40  # art. 69


def birthday(born: date, year: int) -> tuple[int, int]:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (2, 28) if (born.month, born.day) == (2, 29) and not leap else (born.month, born.day)


@given(FACTS)
def test_each_day_is_in_one_span_and_has_the_limits_of_the_law(facts: list[Content]) -> None:
    found = dated_limits(facts, LAW, FIRST, LAST)
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    told = [(each.since + timedelta(days=number), each.limits) for each in found for number in range((each.until - each.since).days + 1)]
    assert [day for day, _ in told] == days
    assert [(each.night, each.overtime, each.rest_day, each.weekly_hours) for _, each in told] == [by_the_law(facts, day) for day in days]


@given(FACTS)
def test_the_answer_follows_from_the_limits_of_the_days_and_from_nothing_else(facts: list[Content]) -> None:
    """So two sets of facts with the same limits are answered alike: which of them it was cannot be told."""
    found = dated_limits(facts, LAW, FIRST, LAST)
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    runs = [list(run) for _, run in groupby(days, key=lambda day: by_the_law(facts, day))]
    assert [(each.since, each.until) for each in found] == [(run[0], run[-1]) for run in runs]
    for each in found:
        named = {"lc-76": each.limits.night, "lc-77": each.limits.overtime, "lc-85": each.limits.rest_day}
        week = ("lc-69",) if each.limits.weekly_hours < 40 else ()
        assert each.rules == (*(rule for rule, limit in named.items() if limit is not FREE), *week)


@given(FACTS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_facts_change_nothing(facts: list[Content], random: Any) -> None:
    mixed = [*facts, *(random.choice(facts) for _ in facts)]
    random.shuffle(mixed)
    assert dated_limits(mixed, LAW, FIRST, LAST) == dated_limits(facts, LAW, FIRST, LAST)


def test_different_facts_with_the_same_limits_are_answered_alike() -> None:
    pregnant = fact(ProtectedFactKind.PREGNANCY)
    by_opinion = fact(ProtectedFactKind.MEDICAL_BAR, barred=frozenset(RestrictedWork))
    assert dated_limits([pregnant], LAW, FIRST, LAST) == dated_limits([by_opinion], LAW, FIRST, LAST)
    first_group, second_group = (fact(ProtectedFactKind.DISABILITY, group=group) for group in (1, 2))
    assert dated_limits([first_group], LAW, FIRST, LAST) == dated_limits([second_group], LAW, FIRST, LAST)


def test_nobody_is_limited_without_a_fact() -> None:
    (whole,) = dated_limits([], LAW, FIRST, LAST)
    assert (whole.since, whole.until, whole.limits, whole.rules) == (FIRST, LAST, NOTHING, ())


def test_the_limits_of_a_child_end_on_its_birthday() -> None:
    seventh, eighteenth = fact(ProtectedFactKind.CHILD, child_born=date(2019, 5, 4)), date(2008, 9, 1)
    of_both = [seventh, fact(ProtectedFactKind.CHILD_WITH_DISABILITY, child_born=eighteenth)]
    assert [(each.since, each.limits.night) for each in dated_limits([seventh], LAW, FIRST, LAST)] == [
        (FIRST, CONSENT),
        (date(2026, 5, 4), FREE),
    ]
    assert [(each.since, each.limits.night) for each in dated_limits(of_both, LAW, FIRST, LAST)] == [
        (FIRST, CONSENT),
        (date(2026, 9, 1), FREE),
    ]


def test_before_the_law_began_there_are_no_limits() -> None:
    with pytest.raises(NotInForce):
        dated_limits([], LAW, date(2015, 12, 31), FIRST)
