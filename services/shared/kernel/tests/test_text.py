import pytest
from kernel.faults import Malformed
from kernel.text import LocalizedText, line

DAY = LocalizedText(kk="күн", ru="день", en="day")


@pytest.mark.parametrize(
    ("language", "text"), [("kk", "күн"), ("ru", "день"), ("en", "day"), ("ru-KZ", "день"), ("EN", "day"), ("fr", "күн"), ("", "күн")]
)
def test_a_text_is_given_in_the_language_asked_for_or_in_kazakh(language: str, text: str) -> None:
    assert DAY.get(language) == text


@pytest.mark.parametrize("texts", [("", "день", "day"), ("күн", " ", "day"), ("күн", "день", "")])
def test_no_language_may_be_empty(texts: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="lacks the languages"):
        LocalizedText(*texts)


def test_a_line_is_taken_without_blanks_around_it_and_with_ordinary_ones_in_it() -> None:
    assert line(" №\u00a0120 ", "act", 300) == "№ 120"
    assert line("  ", "act", 300, empty=True) == ""


@pytest.mark.parametrize("text", ["", " ", "a\nb", "a\0", "a" * 301, "\x1b[2J", "\u2028"])
def test_what_is_no_line_is_malformed(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        line(text, "act", 300)
    assert dict(refused.value.violations) == {"act": "one line of 1 to 300 characters"}
