"""What a day shows: late, early leave, left, absent, sessions out of place, the daily limit; and the rest between days."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from .document import Plan
from .pieces import Piece
from .presence import Presence

NO_DAILY_LIMIT = ("shift", "sliding", "flexible", "summarised")


@dataclass(frozen=True, slots=True)
class Finding:
    kind: str
    first: int
    seconds: int
    rule: str


def judge(owed: list[Piece], place: str, plan: Plan, in_progress: bool) -> tuple[dict[str, int], list[Finding]]:
    """The figures and findings of one stretch, from its due pieces in order of time."""
    rule = "o120-p20" if plan.core is not None else "o121-p4"
    worked = [index for index, piece in enumerate(owed) if piece.worked]
    if not owed:
        return {}, []
    if not worked:
        if in_progress:
            return {}, []
        absent = length(owed)
        if place == "remote":
            return {"absent": absent}, [Finding("remote_without_session", owed[0].start, absent, "o120-p9")]
        return {"absent": absent}, [Finding("absent", owed[0].start, absent, rule)]
    before, between, after = owed[: worked[0]], owed[worked[0] : worked[-1]], owed[worked[-1] + 1 :]
    gaps = [list(gap) for unworked, gap in groupby(between, key=lambda piece: not piece.worked) if unworked]
    figures = {"late": length(before), "left": sum(length(gap) for gap in gaps), "early": 0 if in_progress else length(after)}
    shown = [("late", before), *(("left_during_day", gap) for gap in gaps)]
    if not in_progress:
        shown.append(("early_leave", after))
    return figures, [Finding(kind, some[0].start, length(some), rule) for kind, some in shown if length(some) > plan.grace]


def length(pieces: list[Piece]) -> int:
    return sum(piece.length for piece in pieces)


def presence_findings(presence: Presence) -> list[Finding]:
    found = [Finding(kind, first, seconds, "lc-79") for kind, first, seconds in presence.missing]
    if presence.overnight is not None:
        entry, border = presence.overnight.start, presence.overnight.end
        found.append(Finding("overnight_stay", entry, border - entry, "lc-79"))
    return found


def session_findings(pieces: list[Piece], presence: Presence, in_progress: bool) -> list[Finding]:
    found: list[Finding] = []
    for in_office, run in groupby(pieces, key=lambda piece: piece.session_in_office):
        overlap = list(run)
        outside_breaks = length([piece for piece in overlap if not piece.in_break])
        if in_office and outside_breaks > 0:
            found.append(Finding("session_in_office_interval", overlap[0].start, outside_breaks, "o120-p9"))
    if not in_progress:
        found += [Finding("missing_end_of_session", each.start, each.end - each.start, "o120-p9") for each in presence.assumed_sessions]
    return found


def daily_limit(pieces: list[Piece], limit: int, kind: str) -> list[Finding]:
    worked = length([piece for piece in pieces if piece.worked])
    if kind in NO_DAILY_LIMIT or worked <= limit:
        return []
    rule = "o120-p9" if kind in ("remote", "combined") else "lc-71"
    before = 0
    for piece in pieces:
        if piece.worked and before + piece.length > limit:
            return [Finding("daily_limit", piece.start + limit - before, worked - limit, rule)]
        before += piece.length if piece.worked else 0
    raise AssertionError("more was worked than the limit, but no second is beyond it")
