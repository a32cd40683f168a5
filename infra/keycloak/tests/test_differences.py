"""Whatever differs is shown, and nothing else."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from realm.differences import SECRET, compared

NAMES = st.text("abc", min_size=1, max_size=3)
LEAVES = (
    st.booleans() | st.integers() | st.text("xyz", min_size=1, max_size=3) | st.lists(st.text("xyz", min_size=1), min_size=1, max_size=3)
)
PARTS = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3), lambda inner: st.dictionaries(NAMES, inner | LEAVES, max_size=3), max_leaves=9
)


def leaves(part: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    return [
        path for name, value in part.items() for path in (leaves(value, (*above, name)) if isinstance(value, dict) else [(*above, name)])
    ]


def put(part: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(part)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return changed


@given(PARTS)
def test_what_is_as_declared_shows_no_difference(part: dict[str, Any]) -> None:
    assert compared("x", part, copy.deepcopy(part)) == []
    assert compared("x", part, {**part, "more": 1}, known=None) == []
    assert compared("x", part, {**part, "more": 1}, known=["more"]) == []


@given(PARTS.filter(leaves), st.data())
def test_any_one_field_that_differs_is_shown_by_its_name(part: dict[str, Any], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(leaves(part)))
    found = put(part, path, "otherwise")
    for known in ((), None):
        assert [(each.field, each.found) for each in compared("x", part, found, known)] == [(".".join(path), "otherwise")]
    gone = put(part, path, None)
    assert [(each.field, each.found) for each in compared("x", part, gone)] == [(".".join(path), None)]
    assert [(each.field, each.declared) for each in compared("x", gone, part)] == [(".".join(path), None)]


@given(st.permutations(["ru", "kk", "en"]))
def test_the_order_of_texts_says_nothing(found: list[str]) -> None:
    assert compared("x", {"locales": ["kk", "ru", "en"]}, {"locales": found}) == []


@given(st.sampled_from(sorted(SECRET)), st.text(min_size=1))
def test_a_secret_is_neither_compared_nor_shown(name: str, value: str) -> None:
    assert compared("x", {name: "declared"}, {name: value}) == compared("x", {}, {name: value}) == []


def test_a_difference_says_where_and_what_it_is() -> None:
    [difference] = compared("clients/portal", {"enabled": True}, {})
    assert str(difference) == "clients/portal: enabled is absent, declared true"
