"""Who heads a unit, by itself or from above."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from kernel.days import DaySpan
from kernel.headships import Headship, headships

SINCE = DaySpan(date(2026, 1, 1))


def test_a_head_answers_for_the_units_beneath() -> None:
    parents = {"tax": "", "audit": "tax", "field": "audit", "hr": ""}
    found = headships(parents, {"tax": [("anna", SINCE)], "audit": [("bek", SINCE)]})
    assert {(each.unit, each.servant, each.own) for each in found} == {
        ("tax", "anna", True),
        ("audit", "bek", True),
        ("audit", "anna", False),
        ("field", "bek", False),
        ("field", "anna", False),
    }


def test_a_ring_of_units_is_cut() -> None:
    found = headships({"a": "b", "b": "a"}, {"a": [("anna", SINCE)]})
    assert found == (Headship("a", "anna", SINCE, True), Headship("b", "anna", SINCE, False))


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["", *"abcdefg"])), st.sampled_from("abcdef"))
def test_whatever_the_units_whoever_heads_a_unit_heads_exactly_what_hangs_beneath_it(parents: dict[str, str], headed: str) -> None:
    found = {each.unit for each in headships(parents, {headed: [("anna", SINCE)]})}

    def beneath(unit: str) -> bool:
        for _ in range(len(parents) + 1):
            if unit == headed:
                return True
            unit = parents.get(unit, "")
        return False

    assert found == {unit for unit in parents if beneath(unit)}
