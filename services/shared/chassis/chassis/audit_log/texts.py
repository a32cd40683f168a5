"""What verification says to people, in kk, ru and en."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from kernel.text import LANGUAGES, LocalizedText
from ruamel.yaml import YAML

from chassis.audit_log.verification import Found

NOBODY = "—"


def statement(found: Found) -> LocalizedText:
    """What was found."""
    place = found.place or found.reached.place
    return _said(found.verdict.value, place=place, record=found.record or NOBODY, other=found.other or NOBODY)


def limits(found: Found) -> LocalizedText:
    """What could not be found."""
    if found.confirmed is None:
        return _said("unconfirmed")
    return _said("limits", place=found.confirmed.place)


def doubts(found: Found) -> LocalizedText:
    """What could not be found, and which restorations the chain tells of, for whoever must know of them by themselves."""
    told = [
        limits(found),
        *(
            _said("restored", place=each.place, era=each.era, at=f"{each.at:%Y-%m-%d %H:%M} UTC", kept=each.kept)
            for each, _ in found.restored
        ),
    ]
    return LocalizedText(**{language: " ".join(each.get(language) for each in told) for language in LANGUAGES})


def _said(name: str, **facts: object) -> LocalizedText:
    texts = {language: text.format(**facts) for language, text in _texts()[name].items()}
    return LocalizedText(**{language: texts[language] for language in LANGUAGES})


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    rows: Mapping[str, Mapping[str, str]] = YAML(typ="safe", pure=True).load(
        files("chassis.audit_log").joinpath("texts.yaml").read_text(encoding="utf-8")
    )
    return rows
