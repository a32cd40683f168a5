"""What refusals say."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from chassis.messages import Messages, TextMissing, shown
from kernel.text import LocalizedText
from tartip.registry.v1 import error_reason_pb2

COMMON = Messages.load("chassis")


def test_the_common_reasons_have_texts() -> None:
    named = {
        "MALFORMED", "NOT_FOUND", "ALREADY_EXISTS", "STALE_ETAG", "REQUEST_ID_REUSED", "FORBIDDEN", "UNAUTHENTICATED",
        "UNAVAILABLE", "PROJECTION_BEHIND", "PAGE_TOKEN", "SPAN_REVERSED", "NOT_IN_FORCE", "INTERNAL", "TOO_MUCH", "OUT_OF_TIME",
    }  # fmt: skip
    assert named <= set(COMMON.texts)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("kk", "Кезең басталмай тұрып аяқталады: 2026-02-01 — 2026-01-31."),
        ("ru", "Период кончается раньше, чем начинается: 2026-02-01 — 2026-01-31."),
        ("en", "The span ends before it begins: 2026-02-01 to 2026-01-31."),
    ],
)
def test_a_text_shows_the_facts(language: str, text: str) -> None:
    facts = {"since": date(2026, 2, 1), "until": date(2026, 1, 31)}
    assert COMMON.render("SPAN_REVERSED", facts, language) == text


def test_a_fact_that_did_not_come_is_a_dash() -> None:
    assert COMMON.render("NOT_FOUND", {}, "en") == "— was not found, or you may not see it."


def test_a_fact_is_never_taken_for_a_format() -> None:
    assert (
        COMMON.render("NOT_FOUND", {"resource": "{requestId.__class__}"}, "en")
        == "{requestId.__class__} was not found, or you may not see it."
    )


def test_a_reason_without_texts_has_none() -> None:
    assert COMMON.render("SOMETHING_ELSE", {}, "kk") is None


def test_facts_stand_alike_in_texts_and_metadata() -> None:
    assert [shown(fact) for fact in ("a", 6, date(2026, 1, 2), datetime(2026, 1, 2, 3, tzinfo=UTC))] == [
        "a",
        "6",
        "2026-01-02",
        "2026-01-02T03:00:00+00:00",
    ]


def test_every_reason_needs_its_text() -> None:
    with pytest.raises(TextMissing, match="IIN_CHECKSUM"):
        COMMON.require(error_reason_pb2.ErrorReason.DESCRIPTOR)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("{kk: a, ru: b}", "lacks|missing"),
        ("{kk: a, ru: b, en: ''}", "en"),
        ("{kk: '{since}', ru: b, en: c}", "same facts"),
        ("{kk: a, ru: b, en: c, de: d}", "de"),
    ],
)
def test_a_text_that_is_not_whole_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, problem: str) -> None:
    package = tmp_path / "planted_texts"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "messages.yaml").write_text(f"PLANTED: {row}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "planted_texts", raising=False)
    with pytest.raises(TextMissing, match=problem):
        Messages.load("planted_texts")


def test_a_service_says_a_common_reason_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "better_texts"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "messages.yaml").write_text("NOT_FOUND: {kk: а, ru: б, en: c}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    texts = Messages.load("better_texts")
    assert texts.render("NOT_FOUND", {}, "ru") == "б"
    assert texts.texts["FORBIDDEN"] == COMMON.texts["FORBIDDEN"]
    assert isinstance(texts.texts["NOT_FOUND"], LocalizedText)
