"""Rules of law: how parameters and facts combine stands in the services; here stand their IDs, wordings and texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from kernel.text import LocalizedText

from lawbook.reader import LawUnreadable
from lawbook.source import Act, Confidence, check_fields, citation_of, confidence_of, text_of


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in one of its wordings: where it stands, what it says in one line, and for which dates."""

    id: str
    citation: LocalizedText
    title: LocalizedText
    since: date
    until: date | None
    confidence: Confidence
    source: str


def wordings_of(rule_id: str, data: Mapping[str, Any], acts: Mapping[str, Act], where: str) -> tuple[Rule, ...]:
    """Returns the wordings of a rule in the order of their dates; a later one keeps the title unless it has its own."""
    where = f"{where}: {rule_id}"
    check_fields(data, {"title", "wordings"}, set(), where)
    if not data["wordings"]:
        raise LawUnreadable(f"{where}: has no wording")
    title = text_of(data["title"], f"{where}: title")
    wordings = []
    for since, following in pairwise([*sorted(data["wordings"]), None]):
        entry = data["wordings"][since]
        check_fields(entry, {"source", "confidence"}, {"title", "until"}, f"{where}: {since}")
        act = acts[entry["source"]]
        until = entry.get("until", following and following - timedelta(days=1))
        if until is not None and (until < since or (following and until >= following)):
            raise LawUnreadable(f"{where}: {since}: its last day does not fit")
        if "title" in entry:
            title = text_of(entry["title"], f"{where}: {since}")
        confidence = confidence_of(entry["confidence"], f"{where}: {since}")
        place = entry["source"].removeprefix(act.id).removeprefix("/")
        wordings.append(Rule(rule_id, citation_of(act, place), title, since, until, confidence, entry["source"]))
    return tuple(wordings)
