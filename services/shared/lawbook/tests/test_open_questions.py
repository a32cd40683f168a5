import re
from datetime import date
from pathlib import Path

import lawbook

BOOK = lawbook.load()
PAGE = Path(__file__).parents[4] / "docs" / "law-open-questions.md"
DAY = date(2026, 11, 22)


def uncertain() -> set[str]:
    """What has low confidence in the lawbook, was lowered because its act ended, or is a default of the platform."""
    found = {rule_id for rule_id in BOOK.rules() if any(wording.confidence == "low" for wording in BOOK.wordings(rule_id))}
    for parameter in BOOK.parameters():
        provision = BOOK.require(parameter, DAY)
        lowered = provision.confidence != BOOK.parameter(parameter).provisions[-1].confidence
        if lowered or provision.confidence == "low" or provision.source.startswith("tartip/defaults/"):
            found.add(parameter)
    return found | {f"calendars/{year}" for year in BOOK.years() if BOOK.calendar(year, "5-day").confidence == "low"}


def concerned() -> set[str]:
    paragraphs = re.findall(r"^Concerns: (.+?)\.$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return {name for paragraph in paragraphs for name in re.findall(r"`([^`]+)`", paragraph)}


def test_what_is_uncertain_in_the_lawbook_stands_among_the_open_questions_and_nothing_else() -> None:
    assert concerned() == uncertain()
