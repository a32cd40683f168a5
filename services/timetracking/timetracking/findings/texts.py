"""What findings say, in kk, ru and en, and how grave each kind is."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Self

from kernel.text import LocalizedText
from ruamel.yaml import YAML

from timetracking.findings.domain import Finding

UNITS = {"kk": ("сағ", "мин", "с"), "ru": ("ч", "мин", "с"), "en": ("h", "min", "s")}


@dataclass(frozen=True, slots=True)
class FindingTexts:
    """The texts by kind."""

    rows: dict[str, Any]

    @classmethod
    def load(cls) -> Self:
        """The texts of this package; refused where one lacks a language."""
        return cls(_rows())

    def severity(self, kind: str) -> str:
        """ "info", "warning" or "breach"."""
        return str(self.rows[kind]["severity"])

    def of(self, finding: Finding) -> LocalizedText:
        """What a finding says."""
        row, claim = self.rows[finding.claim.kind], finding.claim

        def said(language: str) -> str:
            return str(row[language]).format(duration=duration(claim.seconds, language), count=claim.seconds, badge=finding.badge or "")

        return LocalizedText(said("kk"), said("ru"), said("en"))


def duration(seconds: int, language: str) -> str:
    """Seconds as people say them: "4 h 15 min", "40 s"; smaller units only where they say something."""
    parts = seconds // 3600, seconds % 3600 // 60, seconds % 60
    said = [f"{value} {unit}" for value, unit in zip(parts, UNITS[language], strict=True) if value]
    return " ".join(said) or f"0 {UNITS[language][1]}"


@cache
def _rows() -> dict[str, Any]:
    rows: dict[str, Any] = YAML(typ="safe").load(files("timetracking.findings").joinpath("texts.yaml").read_text(encoding="utf-8"))
    for kind, row in rows.items():
        missing = {"kk", "ru", "en", "severity"} - {name for name, text in row.items() if text}
        if missing:
            raise ValueError(f"texts.yaml: {kind} lacks {sorted(missing)}")
    return rows
