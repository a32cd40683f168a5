import pytest
from kernel.text import LocalizedText

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
