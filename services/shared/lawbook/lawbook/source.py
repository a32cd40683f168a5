"""Where the law stands: acts, their spans of validity, and the places in them that are used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from kernel.days import DaySpan
from kernel.text import LocalizedText

from lawbook.reader import LawUnreadable

Confidence = Literal["high", "medium", "low"]
LOWERED: Mapping[str, Confidence] = {"high": "medium", "medium": "low", "low": "low"}

# A place is a path in an act, widest part first: "art-68/par-1", "p-3/sub-5". The words put before its numbers:
PLACES = {
    "chapter": LocalizedText("{}-тарау", "глава {}", "chapter {}"),
    "art": LocalizedText("{}-бап", "статья {}", "article {}"),
    "par": LocalizedText("{}-тармақ", "пункт {}", "paragraph {}"),
    "p": LocalizedText("{}-тармақ", "пункт {}", "point {}"),
    "sub": LocalizedText("{}) тармақша", "подпункт {})", "subpoint {})"),
    "part": LocalizedText("{}-бөлік", "часть {}", "part {}"),
    "annex": LocalizedText("{}-қосымша", "приложение {}", "annex {}"),
}


@dataclass(frozen=True, slots=True)
class Act:
    """An act, or another document that the platform rests on, with the span in which it is in force.

    `number` and `adopted` are None for what is no act.
    """

    id: str
    title: LocalizedText
    citation: LocalizedText
    number: str | None
    adopted: date | None
    in_force: DaySpan
    replaced_by: str | None
    places: Mapping[str, LocalizedText]

    def ended(self, on: date) -> bool:
        """Says whether it had gone out of force before `on`."""
        return self.in_force.until is not None and on > self.in_force.until


@dataclass(frozen=True, slots=True)
class Source:
    """A place in an act: how to cite it and, in one sentence, what it says."""

    id: str
    act: Act
    citation: LocalizedText
    says: LocalizedText


def text_of(value: Any, where: str) -> LocalizedText:
    """Returns the text in three languages that a file holds at `where`."""
    if not isinstance(value, dict) or set(value) != {"kk", "ru", "en"} or not all(isinstance(text, str) for text in value.values()):
        raise LawUnreadable(f"{where}: needs kk, ru and en")
    try:
        return LocalizedText(**value)
    except ValueError as error:
        raise LawUnreadable(f"{where}: {error}") from error


def confidence_of(value: Any, where: str) -> Confidence:
    """Returns the confidence that a file holds at `where`."""
    if value not in LOWERED:
        raise LawUnreadable(f"{where}: confidence must be high, medium or low")
    confidence: Confidence = value
    return confidence


def check_fields(data: Mapping[Any, Any], needed: set[str], optional: set[str], where: str) -> None:
    """Refuses a mapping that lacks a needed field or has an unknown one."""
    if missing := needed - set(data):
        raise LawUnreadable(f"{where}: lacks {', '.join(sorted(missing))}")
    if unknown := set(map(str, data)) - needed - optional:
        raise LawUnreadable(f"{where}: has unknown {', '.join(sorted(unknown))}")


def act_of(data: Mapping[str, Any], where: str) -> Act:
    """Returns the act that a file describes."""
    check_fields(data, {"id", "title", "citation", "in_force", "places"}, {"number", "adopted", "replaced_by"}, where)
    span = data["in_force"]
    check_fields(span, {"since"}, {"until"}, f"{where}: in_force")
    return Act(
        id=data["id"],
        title=text_of(data["title"], f"{where}: title"),
        citation=text_of(data["citation"], f"{where}: citation"),
        number=data.get("number"),
        adopted=data.get("adopted"),
        in_force=DaySpan(span["since"], span.get("until")),
        replaced_by=data.get("replaced_by"),
        places={place: text_of(says, f"{where}: {place}") for place, says in data["places"].items()},
    )


def citation_of(act: Act, place: str) -> LocalizedText:
    """Returns how to cite `place` of the act: "Labour Code, article 68, paragraph 1"; the act itself for no place."""
    if not place:
        return act.citation
    parts: list[LocalizedText] = []
    for step in place.split("/"):
        kind, _, number = step.partition("-")
        if kind not in PLACES or not number:
            return act.citation  # a document that is not divided into articles
        parts.append(LocalizedText(*(PLACES[kind].get(language).format(number) for language in ("kk", "ru", "en"))))
    return LocalizedText(
        kk=", ".join([act.citation.kk, *(part.kk for part in parts)]),
        ru=", ".join([act.citation.ru, *(part.ru for part in parts)]),
        en=", ".join([act.citation.en, *(part.en for part in parts)]),
    )
