"""`make docs`: docs/data-classes.md, from what each service declares of its tables and the terms of the lawbook."""

import importlib
from collections.abc import Iterator, Sequence
from datetime import date

from chassis.personal_data.declarations import PERSONAL_FILE, WORKING_TIME, Aging, DataClass, OfTopic, Passing, Standing, WithThePerson
from chassis.personal_data.own_tables import OWN_TABLES
from kernel.text import LANGUAGES
from lawbook import Lawbook, load

from .error_catalogue import ROOT, SERVICES

PAGE = ROOT / "docs" / "data-classes.md"
# The page says what holds from this day on; a term that changes has a later date in the lawbook.
ON = date(2026, 11, 26)
HEAD = """# Data classes

Written by `make docs` from what each service declares of its tables (`services/registry/registry/personal_data.py` and its like) and
from the lawbook; a test compares this page with what that command would write, another demands every table of every database here.

A row that belongs to a person is erased with the person, and given to them by `ExportOwnData`, unless it says otherwise. `open` is what
names nobody; `personal` what does; `sensitive` is health, family, disability. While a legal hold is in force anywhere in the deployment,
nothing is deleted for its age and nobody is erased: see [ADR 0023](adr/0023-what-is-deleted-when.md).

## Terms

| term | value | since | why | confidence |
| --- | --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    law = load()
    terms = "\n".join(_term(term, law) for term in (WORKING_TIME, PERSONAL_FILE))
    sections = [HEAD + terms + "\n", _section("In every service", OWN_TABLES, law)]
    own = {each.table for each in OWN_TABLES}
    for service in SERVICES:
        classes: Sequence[DataClass] = importlib.import_module(f"{service}.personal_data").DATA_CLASSES
        sections.append(_section(service, [each for each in classes if each.table not in own], law))
    return "\n".join(sections)


def _term(term: str, law: Lawbook) -> str:
    provision = law.require(term, ON)
    says = law.source(provision.source).says
    why = " · ".join(says.get(language) for language in LANGUAGES)
    return f"| `{term}` | {provision.value} {provision.unit} | {provision.since} | {why} | {provision.confidence} |"


def _section(title: str, classes: Sequence[DataClass], law: Lawbook) -> str:
    rows = [f"| `{each.table}` | {each.holds} | {each.sensitivity} | {_belongs(each)} | {_kept(each, law)} |" for each in classes]
    head = ["| table | holds | class | whose | kept |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([f"## {title}", "", *head, *rows, ""])


def _belongs(each: DataClass) -> str:
    if not each.person:
        return f"nobody's: {each.nobody}"
    return "the person's" + ("" if each.exported else ", not exported: it says nothing that other rows do not")


def _kept(each: DataClass, law: Lawbook) -> str:
    return ". ".join(_words(each, law))


def _words(each: DataClass, law: Lawbook) -> Iterator[str]:
    match each.keeping:
        case Aging(term, since, margin=margin):
            provision = law.require(term, ON)
            yield f"{provision.value} {provision.unit}{f' and {margin} days' if margin else ''} from {since} (`{term}`)"
        case WithThePerson():
            provision = law.require(PERSONAL_FILE, ON)
            yield f"{provision.value} {provision.unit} after the person's last appointment ended (`{PERSONAL_FILE}`)"
        case OfTopic(topics):
            yield "as " + ", ".join(f"`{topic}`" for topic in topics) + (" tells" if len(topics) == 1 else " tell")
        case Passing(until):
            yield until
        case Standing(because):
            yield f"not deleted: {because}"
    if each.told is not None:
        yield f"In `{each.told.topic}` a tombstone follows"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
