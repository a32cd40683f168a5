"""The reference: `fold(document)` says of every day what `fold.md` promises, as literally as it can be written.

Read in this order: `document` (what is given, or refused), `windows` (which reads count on which date), `presence`
(known and assumed stays), `pieces` (what every second is), `findings`, and here the day and the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from .document import Document, Plan, Servant, read_document
from .fields import Refused, Span
from .findings import Finding, daily_limit, judge, presence_findings, session_findings
from .pieces import FIGURES, figures_of, known_seconds, pieces_of, stretches_of
from .presence import Presence, presence_in
from .windows import DAY, Windows

__all__ = ["Refused", "fold"]


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    state: str
    figures: dict[str, int]
    findings: list[Finding]
    work: Span | None
    """From the beginning of work, worked or ordered, to its end."""


def fold(document: dict[str, Any]) -> dict[str, Any]:
    """The answer to a document, in the shape of `fold.md`. Raises `Refused`."""
    read = read_document(document)
    days: list[dict[str, Any]] = []
    across: list[dict[str, Any]] = []
    for servant in read.servants:
        windows = Windows(read, servant)
        computed = [compute(windows, day) for day in dates(read.since, read.until)]
        days += [shown for _, shown in computed]
        across += rests_too_short(read, servant, [day for day, _ in computed])
    return {"edition": "reference", "parameters": read.parameters, "days": days, "across_days": across}


def dates(since: date, until: date) -> Iterable[date]:
    return (since + DAY * number for number in range((until - since).days + 1))


def compute(windows: Windows, day: date) -> tuple[Day, dict[str, Any]]:
    document, plan, window = windows.document, windows.servant.plans.get(day), windows.window(day)
    state = "waiting" if plan is None else "in_progress" if window.end > document.now else "computed"
    presence = presence_in(windows, day, state == "in_progress")
    if plan is None:
        presence.stays = [stay for stay in presence.stays if not stay.assumed]
        answer = Day(day, state, {**dict.fromkeys(FIGURES, 0), "known": known_seconds(presence)}, [], None)
    else:
        answer = planned_day(document, windows.servant, plan, state, window, presence)
    return answer, show(windows, answer, presence)


def planned_day(document: Document, servant: Servant, plan: Plan, state: str, window: Span, presence: Presence) -> Day:
    in_progress = state == "in_progress"
    pieces = pieces_of(document, servant, plan, window, presence)
    figures = figures_of(pieces)
    findings = presence_findings(presence)
    for number, stretch in enumerate(stretches_of(plan)):
        owed = [piece for piece in pieces if piece.stretch == number and piece.due]
        more, found = judge(owed, stretch[0].place, plan, in_progress)
        for name, length in more.items():
            figures[name] += length
        findings += found
    findings += session_findings(pieces, presence, in_progress)
    findings += daily_limit(pieces, document.rules.daily_limit, plan.kind)
    findings.sort(key=lambda finding: (finding.first, finding.kind, finding.seconds))
    work = [piece for piece in pieces if piece.work]
    return Day(plan.date, state, figures, findings, Span(work[0].start, work[-1].end) if work else None)


def rests_too_short(document: Document, servant: Servant, days: list[Day]) -> list[dict[str, Any]]:
    """Of each date with work and the next date with work, the rest between them where it is too short."""
    found: list[dict[str, Any]] = []
    last: Day | None = None
    for day in days:
        if day.work is None:
            if day.state in ("waiting", "in_progress"):
                last = None
            continue
        if last is not None and last.work is not None and day.work.start - last.work.end < document.rules.rest_between_days:
            found.append(
                {
                    "servant": servant.servant,
                    "kind": "rest_too_short",
                    "dates": [last.day.isoformat(), day.day.isoformat()],
                    "seconds": day.work.start - last.work.end,
                    "rule": "lc-83",
                }
            )
        last = day
    return found


def show(windows: Windows, day: Day, presence: Presence) -> dict[str, Any]:
    """The day as `fold.md` writes it."""

    def shown(second: int) -> str:
        return datetime.fromtimestamp(second, windows.document.zone).isoformat()

    def shown_span(span: Span) -> dict[str, Any]:
        return {"start": shown(span.start), "end": shown(span.end)}

    answer: dict[str, Any] = {
        "servant": windows.servant.servant,
        "date": day.day.isoformat(),
        "state": day.state,
        "window": shown_span(windows.window(day.day)),
        "seconds": day.figures,
        "stays": [{**shown_span(stay), "assumed": stay.assumed} for stay in presence.stays],
        "reads": [{"device": read.device, "event_key": read.event_key, "became": became} for read, became in windows.what_became(day.day)],
        "findings": [{"kind": each.kind, "first": shown(each.first), "seconds": each.seconds, "rule": each.rule} for each in day.findings],
    }
    if presence.superseded:
        answer["superseded"] = presence.superseded
    return answer
