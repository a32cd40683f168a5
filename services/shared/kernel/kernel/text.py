"""Texts in the three languages of the platform."""

from dataclasses import dataclass

from kernel.faults import Malformed

LANGUAGES = ("kk", "ru", "en")


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """A text in Kazakh, Russian and English, none of them empty (ValueError otherwise)."""

    kk: str
    ru: str
    en: str

    def __post_init__(self) -> None:
        empty = [language for language in LANGUAGES if not getattr(self, language).strip()]
        if empty:
            raise ValueError(f"a text lacks the languages {', '.join(empty)}")

    def get(self, language: str) -> str:
        """Returns the text in `language` ("ru", "ru-KZ"), in Kazakh where the platform does not speak it."""
        spoken = language.split("-")[0].strip().lower()
        return str(getattr(self, spoken)) if spoken in LANGUAGES else self.kk


def line(text: str, field: str, longest: int, empty: bool = False) -> str:
    """Returns `text` without outer blanks if it is one printable line of at most `longest` characters; else Malformed for `field`.

    A no-break space, which office programs like to put into names, becomes an ordinary one.
    """
    text = text.replace("\u00a0", " ").strip()
    if len(text) > longest or not text.isprintable() or not (text or empty):
        raise Malformed({field: f"one line of {'0' if empty else '1'} to {longest} characters"})
    return text
