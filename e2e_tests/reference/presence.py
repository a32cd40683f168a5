"""The stays of a window: known, mended, added, assumed; and the remote sessions cut to the window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .document import Correction
from .fields import Span
from .windows import DAY, Windows


@dataclass(frozen=True, slots=True, order=True)
class Stay(Span):
    assumed: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """A read whose other half was not read: the counted read, the counted one on the other side of the hole, if any."""

    at: int
    neighbour: int | None


@dataclass(slots=True)
class Presence:
    """What is known and assumed of one servant in one window."""

    stays: list[Stay]
    missing: list[tuple[str, int, int]]
    """(kind of finding, the read's instant, length of the assumed stay) of what was not mended."""
    overnight: Span | None
    superseded: list[int]
    sessions: list[Span]
    assumed_sessions: list[Span]

    def known(self, second: int) -> bool:
        return any(stay.holds(second) for stay in self.stays if not stay.assumed)

    def assumed(self, second: int) -> bool:
        return any(stay.holds(second) for stay in self.stays if stay.assumed)


def presence_in(windows: Windows, day: date, in_progress: bool) -> Presence:
    window = windows.window(day)
    known, exits_missing, entries_missing, overnight = pair_reads(windows, day)
    mended_exits, used_exits = mend_exits(windows, exits_missing, window)
    mended_entries, used_entries = mend_entries(windows, entries_missing, window)
    added = [cut(Span(each.start, each.end), window) for each in windows.servant.corrections if each.kind == "stay"]
    stays = [Stay(stay.start, stay.end, False) for stay in [*known, *mended_exits.values(), *mended_entries.values(), *added] if stay]

    frame = frame_of(windows, day)
    missing: list[tuple[str, int, int]] = []
    for hole in exits_missing:
        if hole not in mended_exits:
            still_inside = in_progress and hole.neighbour is None
            assumed = Stay(hole.at, hole.at if still_inside else assumed_exit(hole, frame, window), True)
            stays.append(assumed)
            if not still_inside:
                missing.append(("missing_exit", hole.at, assumed.end - assumed.start))
    for hole in entries_missing:
        if hole not in mended_entries:
            assumed = Stay(assumed_entry(hole, frame, window), hole.at, True)
            stays.append(assumed)
            missing.append(("missing_entry", hole.at, assumed.end - assumed.start))

    sessions, assumed_sessions = sessions_in(windows, day, in_progress)
    return Presence(
        stays=sorted(stays),
        missing=missing,
        overnight=overnight,
        superseded=[
            index
            for index, each in enumerate(windows.servant.corrections)
            if each.kind in ("entry", "exit") and window.holds(each.start) and each not in used_exits | used_entries
        ],
        sessions=sessions,
        assumed_sessions=assumed_sessions,
    )


def pair_reads(windows: Windows, day: date) -> tuple[list[Span], list[Missing], list[Missing], Span | None]:
    """Known stays, missing exits, missing entries, and the part of a stay that crosses out of the window."""
    window, groups = windows.window(day), windows.counted(day)
    crosses_in, crosses_out = windows.crosses_after(day - DAY), windows.crosses_after(day)
    known: list[Span] = []
    exits_missing: list[Missing] = []
    entries_missing: list[Missing] = []
    inside: int | None = window.start if crosses_in else None
    for index, group in enumerate(groups):
        previous = groups[index - 1].at if index > 0 else None
        enters = inside is None if group.direction is None else group.direction == "in"
        if enters:
            if inside is not None:
                exits_missing.append(Missing(inside, group.at))
            inside = group.at
        elif inside is not None:
            known.append(Span(inside, group.at))
            inside = None
        else:
            entries_missing.append(Missing(group.at, previous))
    overnight = None
    if inside is not None and crosses_out:
        overnight = Span(inside, window.end)
        known.append(overnight)
    elif inside is not None:
        exits_missing.append(Missing(inside, None))
    return known, exits_missing, entries_missing, overnight


def mend_exits(windows: Windows, holes: list[Missing], window: Span) -> tuple[dict[Missing, Span], set[Correction]]:
    """The earliest added exit between an entry and the next counted read, or the window's end, mends a missing exit."""
    mended: dict[Missing, Span] = {}
    used: set[Correction] = set()
    for hole in holes:
        for each in windows.servant.corrections:  # in the order of their instants
            fits = window.holds(each.start) and hole.at <= each.start and (hole.neighbour is None or each.start <= hole.neighbour)
            if each.kind == "exit" and fits and each not in used:
                mended[hole] = Span(hole.at, each.start)
                used.add(each)
                break
    return mended, used


def mend_entries(windows: Windows, holes: list[Missing], window: Span) -> tuple[dict[Missing, Span], set[Correction]]:
    """The latest added entry between the previous counted read, or the window's start, and an exit mends a missing entry."""
    mended: dict[Missing, Span] = {}
    used: set[Correction] = set()
    for hole in reversed(holes):
        for each in reversed(windows.servant.corrections):
            fits = window.holds(each.start) and each.start <= hole.at and (hole.neighbour is None or hole.neighbour <= each.start)
            if each.kind == "entry" and fits and each not in used:
                mended[hole] = Span(each.start, hole.at)
                used.add(each)
                break
    return mended, used


def frame_of(windows: Windows, day: date) -> Span | None:
    """What lends an end to a missing exit and a start to a missing entry: the span, of a flexible plan its core."""
    plan = windows.servant.plans.get(day)
    if plan is None:
        return None
    return plan.core if plan.core is not None else plan.span


def assumed_exit(hole: Missing, frame: Span | None, window: Span) -> int:
    if frame is None or hole.at >= frame.end:
        return hole.at
    return min(frame.end, window.end, *([] if hole.neighbour is None else [hole.neighbour]))


def assumed_entry(hole: Missing, frame: Span | None, window: Span) -> int:
    if frame is None:
        return hole.at
    return min(hole.at, max(frame.start, window.start, *([] if hole.neighbour is None else [hole.neighbour])))


def sessions_in(windows: Windows, day: date, in_progress: bool) -> tuple[list[Span], list[Span]]:
    """The parts of the closed sessions in the window; the sessions without an end that start in it, as long as assumed."""
    window, plan = windows.window(day), windows.servant.plans.get(day)
    closed: list[Span] = []
    assumed: list[Span] = []
    for session in windows.servant.sessions:
        if session.end is not None:
            part = cut(Span(session.start, session.end), window)
            closed += [part] if part else []
        elif window.holds(session.start):
            end = session.start
            for interval in plan.intervals if plan and not in_progress else ():
                if interval.place == "remote" and interval.holds(session.start):
                    end = min(interval.end, window.end)
            assumed.append(Span(session.start, end))
    return sorted(closed), sorted(assumed)


def cut(span: Span, window: Span) -> Span | None:
    """The part of a span in the window, if any second of it is there."""
    start, end = max(span.start, window.start), min(span.end, window.end)
    return Span(start, end) if start < end else None
