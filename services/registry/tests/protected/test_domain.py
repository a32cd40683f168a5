"""What makes a protected fact, and what no refusal of one says."""

from datetime import date
from typing import Any

import pytest
from kernel.faults import Malformed, Stale, WrongState
from registry.protected.domain import Content, ProtectedFact, ProtectedFactKind, RestrictedWork, Unread, UnreadFact, read

JANUARY, MARCH, JUNE = date(2026, 1, 12), date(2026, 3, 1), date(2026, 6, 30)
PREGNANCY = ProtectedFactKind.PREGNANCY


def content(kind: ProtectedFactKind = PREGNANCY, **rest: Any) -> Content:
    told: dict[str, Any] = {"since": JANUARY, "until": None, "document": "№ 118", "child_born": None, "group": None, "barred": []}
    return Content.told(kind, **{**told, **rest})


@pytest.mark.parametrize(
    ("kind", "needs"),
    [
        (ProtectedFactKind.PREGNANCY, {}),
        (ProtectedFactKind.CHILD, {"child_born": JANUARY}),
        (ProtectedFactKind.CHILD_WITH_DISABILITY, {"child_born": date(2015, 2, 3)}),
        (ProtectedFactKind.DISABILITY, {"group": 3}),
        (ProtectedFactKind.MEDICAL_BAR, {"barred": [RestrictedWork.NIGHT, RestrictedWork.OVERTIME]}),
    ],
)
def test_each_kind_has_what_it_needs_and_nothing_of_the_others(kind: ProtectedFactKind, needs: dict[str, Any]) -> None:
    assert content(kind, **needs).kind is kind
    foreign = {"child_born": JANUARY, "group": 1, "barred": [RestrictedWork.NIGHT]}
    for name in foreign.keys() - needs.keys():
        with pytest.raises(Malformed):
            content(kind, **needs, **{name: foreign[name]})
    for name in needs:
        with pytest.raises(Malformed):
            content(kind, **{other: value for other, value in needs.items() if other != name})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"until": date(2026, 1, 11)}, "until"),
        ({"kind": ProtectedFactKind.CHILD, "child_born": date(2026, 1, 13)}, "child_born"),
        ({"kind": ProtectedFactKind.DISABILITY, "group": 4}, "disability_group"),
        ({"document": "two\nlines"}, "document"),
        ({"document": ""}, "document"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_never_repeated(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        content(**wrong)
    assert set(refused.value.violations) == {f"protected_fact.{field}"}
    said = f"{refused.value} {refused.value.violations} {refused.value.facts}"
    assert not [value for value in ("2026", "-01-1", "two", "lines") if value in said]


def test_a_fact_shows_nothing_of_its_content() -> None:
    fact = ProtectedFact("f", "serikova", content(ProtectedFactKind.DISABILITY, group=2, document="№ 118"))
    assert not [word for word in ("disab", "118", "2026", "group") if word in f"{fact!r} {fact.content} {fact.content!r}"]


def test_a_fact_ends_on_the_state_that_was_seen_and_not_before_it_began() -> None:
    fact = ProtectedFact("f", "serikova", content())
    ended = fact.ended(MARCH, "r1")
    assert (ended.content.span.until, ended.revision) == (MARCH, 2)
    assert ended.ended(MARCH) is ended
    assert ended.ended(JUNE).revision == 3
    with pytest.raises(Stale):
        ended.ended(JUNE, "r1")
    with pytest.raises(Malformed) as refused:
        fact.ended(date(2026, 1, 11))
    assert refused.value.violations == {"until": "not before the first day"}


def test_a_fact_that_cannot_be_read_says_which_key_it_needs() -> None:
    with pytest.raises(WrongState) as refused:
        read(UnreadFact("f", "serikova", "spring", Unread.KEY_ABSENT, 1))
    assert refused.value.reason == "PROTECTED_FACT_UNREAD"
    assert refused.value.facts == {"resource": "servants/serikova/protectedFacts/f", "key": "spring", "why": "key-absent"}
