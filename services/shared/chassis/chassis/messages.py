"""What a refusal says to people, in Kazakh, Russian and English."""

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Self

from google.protobuf.descriptor import EnumDescriptor
from kernel.faults import Fact
from kernel.text import LocalizedText
from ruamel.yaml import YAML

REASON_PREFIX = "ERROR_REASON_"
_FORMATTER = string.Formatter()


class TextMissing(Exception):
    """A reason that the service may give has no text, or not the same facts in every language."""


@dataclass(frozen=True, slots=True)
class Messages:
    """The texts of a service's reasons; `{limitMonths}` in a text is the fact of that name."""

    texts: Mapping[str, LocalizedText] = field(default_factory=dict)

    @classmethod
    def load(cls, package: str) -> Self:
        """Reads the common texts and, over them, `<package>/messages.yaml` where the package has one."""
        return cls({**_read("chassis"), **_read(package)})

    def render(self, reason: str, facts: Mapping[str, Fact], language: str) -> str | None:
        """Returns the text of `reason` with its facts, or None where there is no text."""
        text = self.texts.get(reason)
        if text is None:
            return None
        return _FORMATTER.vformat(text.get(language), (), _Shown(facts))

    def require(self, reasons: EnumDescriptor) -> None:
        """Raises TextMissing unless every reason of the enum but UNSPECIFIED has its texts."""
        names = [value.name.removeprefix(REASON_PREFIX) for value in reasons.values if value.number != 0]
        missing = [name for name in names if name not in self.texts]
        if missing:
            raise TextMissing(f"{reasons.full_name}: messages.yaml has no text of {', '.join(missing)}")


class _Shown(dict[str, str]):
    """The facts as a text shows them; a fact that the fault did not bring is a dash rather than a second failure."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        super().__init__({key: shown(value) for key, value in facts.items()})

    def __missing__(self, key: str) -> str:
        return "—"


def shown(value: Fact) -> str:
    """Returns a fact as it stands in texts and in the metadata alike: dates and instants in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


@cache
def _read(package: str) -> Mapping[str, LocalizedText]:
    file = resources.files(package).joinpath("messages.yaml")
    if not file.is_file():
        return {}
    rows = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) or {}
    return {reason: _text(f"{package}/messages.yaml: {reason}", row) for reason, row in rows.items()}


def _text(where: str, row: Mapping[str, str]) -> LocalizedText:
    try:
        text = LocalizedText(**row)
    except (TypeError, ValueError) as error:
        raise TextMissing(f"{where}: {error}") from error
    named = {language: frozenset(_facts_named(getattr(text, language))) for language in ("kk", "ru", "en")}
    if len(set(named.values())) > 1:
        raise TextMissing(f"{where} does not name the same facts in every language: {named}")
    return text


def _facts_named(text: str) -> Iterable[str]:
    return (name for _, name, _, _ in _FORMATTER.parse(text) if name is not None)
