"""Texts in the three languages of the platform."""

from dataclasses import dataclass

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
