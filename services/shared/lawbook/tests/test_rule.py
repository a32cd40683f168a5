from datetime import date
from typing import Any

import pytest
from kernel.days import DaySpan
from kernel.text import LocalizedText
from lawbook.reader import LawUnreadable
from lawbook.rule import Rule, wordings_of
from lawbook.source import Act, citation_of

ORDER = LocalizedText("бұйрық", "приказ", "Order 1")
ACT = Act("kz/order-1", ORDER, ORDER, "1", date(2023, 5, 29), DaySpan(date(2023, 6, 10)), None, {})
TITLE = {"kk": "бір", "ru": "один", "en": "one"}


def wordings(entries: dict[date, Any]) -> tuple[Rule, ...]:
    return wordings_of("o1-p15", {"title": TITLE, "wordings": entries}, {"kz/order-1/p-15": ACT}, "order-1.yaml")


def wording(**more: Any) -> dict[str, Any]:
    return {"source": "kz/order-1/p-15", "confidence": "high", **more}


def test_a_reworded_rule_has_two_spans_that_meet() -> None:
    first, second = wordings({date(2023, 6, 10): wording(), date(2026, 7, 11): wording(confidence="low")})
    assert (first.since, first.until, first.confidence) == (date(2023, 6, 10), date(2026, 7, 10), "high")
    assert (second.since, second.until, second.confidence) == (date(2026, 7, 11), None, "low")


def test_a_new_wording_may_have_its_own_title() -> None:
    first, second = wordings({date(2023, 6, 10): wording(), date(2026, 7, 11): wording(title={"kk": "екі", "ru": "два", "en": "two"})})
    assert (first.title.en, second.title.en) == ("one", "two")


def test_a_rule_may_end() -> None:
    (only,) = wordings({date(2023, 6, 10): wording(until=date(2023, 8, 31))})
    assert only.until == date(2023, 8, 31)


@pytest.mark.parametrize(
    "entries",
    [
        {date(2023, 6, 10): wording(until=date(2023, 6, 9))},
        {date(2023, 6, 10): wording(until=date(2026, 7, 11)), date(2026, 7, 11): wording()},
    ],
)
def test_wordings_never_overlap_nor_end_before_they_begin(entries: dict[date, Any]) -> None:
    with pytest.raises(LawUnreadable, match="its last day does not fit"):
        wordings(entries)


@pytest.mark.parametrize(
    ("place", "kk", "ru", "en"),
    [
        ("p-18", "бұйрық, 18-тармақ", "приказ, пункт 18", "Order 1, point 18"),
        ("p-3/sub-5", "бұйрық, 3-тармақ, 5) тармақша", "приказ, пункт 3, подпункт 5)", "Order 1, point 3, subpoint 5)"),
        ("art-73-1/par-2", "бұйрық, 73-1-бап, 2-тармақ", "приказ, статья 73-1, пункт 2", "Order 1, article 73-1, paragraph 2"),
        ("", "бұйрық", "приказ", "Order 1"),
        ("day-border", "бұйрық", "приказ", "Order 1"),
    ],
)
def test_a_place_is_cited_as_lawyers_cite_it(place: str, kk: str, ru: str, en: str) -> None:
    assert citation_of(ACT, place) == LocalizedText(kk, ru, en)
