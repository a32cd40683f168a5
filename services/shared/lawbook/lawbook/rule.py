"""Rules of law: how parameters and facts combine stands in the services; here stand their IDs, wordings and texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from kernel.text import LocalizedText

from lawbook.reader import LawUnreadable
from lawbook.source import LOWERED, Act, Confidence, check_fields, citation_of, confidence_of, text_of


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
        wordings += _parted(Rule(rule_id, citation_of(act, place), title, since, until, confidence, entry["source"]), act)
    return tuple(wordings)


def _parted(wording: Rule, act: Act) -> list[Rule]:
    """The wording up to the end of its act, and what goes on after that, less certain."""
    ended = act.in_force.until
    if ended is None or (wording.until is not None and wording.until <= ended):
        return [wording]
    first_without = max(ended + timedelta(days=1), wording.since)
    lowered = Rule(wording.id, wording.citation, wording.title, first_without, wording.until, LOWERED[wording.confidence], wording.source)
    if first_without == wording.since:
        return [lowered]
    return [Rule(wording.id, wording.citation, wording.title, wording.since, ended, wording.confidence, wording.source), lowered]
