"""Keys and what is encrypted under them: bound to its place, of one length, never twice the same."""

import base64
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from chassis.settings import SettingsError, read
from hypothesis import given
from hypothesis import strategies as st
from kernel.days import DaySpan
from kernel.faults import WrongState
from registry.protected.domain import Content, ProtectedFact, ProtectedFactKind, RestrictedWork, Unread, UnreadFact
from registry.protected.keys import SensitiveKeys, WrongKeys
from registry.protected.sealing import LENGTH, opened, sealed
from registry.settings import RegistrySettings

from ..samples import KEYS, key

DAYS = st.dates(date(1990, 1, 1), date(2199, 12, 31))
CONTENTS = st.builds(
    lambda kind, since, until, document, born, group, barred: Content(
        kind, DaySpan(*sorted((since, until))), document, born, group, frozenset(barred)
    ),
    st.sampled_from(ProtectedFactKind),
    DAYS,
    DAYS,
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=200),
    st.none() | DAYS,
    st.none() | st.integers(1, 3),
    st.sets(st.sampled_from(RestrictedWork)),
)
FACT = ProtectedFact("f", "serikova", Content(ProtectedFactKind.DISABILITY, DaySpan(date(2026, 1, 12)), "№ 118", group=2))


@given(CONTENTS)
def test_any_fact_comes_back_and_takes_the_same_room(content: Content) -> None:
    fact = replace(FACT, content=content)
    stored = sealed(fact, KEYS)
    assert opened(stored, KEYS) == fact
    assert len(stored.content) == LENGTH + 12 + 16
    assert content.document.encode() not in stored.content or len(content.document) < 4


def test_the_longest_content_fits() -> None:
    day = DaySpan(date(2026, 1, 12), date(2027, 1, 12))
    longest = Content(ProtectedFactKind.CHILD_WITH_DISABILITY, day, "𝔄" * 200, day.since, 3, frozenset(RestrictedWork))
    assert opened(sealed(replace(FACT, content=longest), KEYS), KEYS) == replace(FACT, content=longest)


def test_the_same_fact_is_stored_differently_each_time() -> None:
    stored = [sealed(FACT, KEYS).content for _ in range(20)]
    assert len({each[:12] for each in stored}) == len({each[12:] for each in stored}) == 20


@pytest.mark.parametrize(
    "moved",
    [{"servant": "akhmetov"}, {"id": "g"}, {"revision": 2}, {"key": "twin"}, {"content": b""}, {"content": b"\0" * (LENGTH + 28)}],
    ids=["to another servant", "to another row", "as a newer state", "under another name", "emptied", "replaced"],
)
def test_what_is_stored_opens_in_its_own_row_alone(moved: dict[str, Any]) -> None:
    twins = SensitiveKeys.told(f"spring:{LONG_ENOUGH},twin:{LONG_ENOUGH}")
    stored = sealed(FACT, twins)
    assert opened(stored, twins) == FACT
    found = opened(replace(stored, **moved), twins)
    assert isinstance(found, UnreadFact)
    assert found.why is Unread.DAMAGED


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old = sealed(FACT, KEYS)
    both = SensitiveKeys.told(f"{key('autumn')},{key('spring')}")
    assert (old.key, both.current) == ("spring", "autumn")
    assert opened(old, both) == FACT
    new = sealed(FACT, both)
    assert new.key == "autumn"
    assert opened(new, KEYS) == UnreadFact("f", "serikova", "autumn", Unread.KEY_ABSENT, 1)
    assert repr(both) == "SensitiveKeys()"


def test_without_keys_nothing_is_sealed() -> None:
    with pytest.raises(WrongState, match="SENSITIVE_KEYS_ABSENT"):
        sealed(FACT, SensitiveKeys.told(""))


SHORT = base64.b64encode(b"sixteen bytes ..").decode()
LONG_ENOUGH = key("spring").partition(":")[2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LONG_ENOUGH, "key 1 has no name"),
        (f":{LONG_ENOUGH}", "key 1 has no name"),
        (f"{key('spring')},{key('spring')}", "key 2 has the name of another"),
        (f"{key('spring')},autumn:{SHORT}", "key 2 is not 32 bytes in base64"),
        ("spring:no base64 at all", "key 1 is not 32 bytes in base64"),
        ("spring:", "key 1 is not 32 bytes in base64"),
        (f"{key('spring')},", "key 2 has no name"),
    ],
)
def test_wrong_keys_are_named_by_their_place_and_never_shown(monkeypatch: pytest.MonkeyPatch, text: str, says: str) -> None:
    with pytest.raises(WrongKeys, match=says):
        SensitiveKeys.told(text)
    monkeypatch.setenv("TARTIP_SENSITIVE_KEYS", text)
    with pytest.raises(SettingsError) as refused:
        read(RegistrySettings, need=())
    assert str(refused.value).startswith(f"TARTIP_SENSITIVE_KEYS: {says}")
    assert SHORT not in str(refused.value)
    assert LONG_ENOUGH not in str(refused.value)


def test_the_settings_show_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARTIP_SENSITIVE_KEYS", key("spring"))
    told = read(RegistrySettings, need=())
    assert LONG_ENOUGH not in f"{told!r} {told}"
    assert SensitiveKeys.told(told.sensitive_keys.get_secret_value()).current == "spring"
