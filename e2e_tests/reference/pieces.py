"""The pieces of a day: what every second of it is.

Time is taken in pieces between all instants at which anything begins or ends. Inside a piece nothing changes, so each
definition is asked once a piece, of its first second, and a figure is the sum of the lengths of the pieces that answer yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from .document import Document, Interval, Order, Plan, Servant
from .fields import Span
from .presence import Presence
from .windows import civil_cuts

FIGURES = (
    "worked",
    "assumed",
    "overtime",
    "rest_day",
    "outside_hours",
    "remote_outside_hours",
    "gap",
    "night",
    "holiday",
    "late",
    "early",
    "left",
    "absent",
    "excused",
    "known",
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Seconds that are all alike, with what they are."""

    start: int
    end: int
    stretch: int | None
    due: bool
    worked: bool
    assumed: bool
    ordered: str | None
    gap: bool
    outside_hours: bool
    remote_outside_hours: bool
    night: bool
    holiday: bool
    excused: bool
    known: bool
    session_in_office: bool
    in_break: bool

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def work(self) -> bool:
        return self.worked or self.ordered is not None


def stretches_of(plan: Plan) -> list[list[Interval]]:
    """Runs of consecutive intervals at one place."""
    runs: list[list[Interval]] = []
    for interval in plan.intervals:
        if runs and runs[-1][-1].place == interval.place:
            runs[-1].append(interval)
        else:
            runs.append([interval])
    return runs


def stay_cuts(presence: Presence) -> set[int]:
    return {cut for stay in presence.stays for cut in (stay.start, stay.end)}


def spans_between(cuts: Iterable[int]) -> list[Span]:
    return [Span(start, end) for start, end in pairwise(sorted(cuts))]


def known_seconds(presence: Presence) -> int:
    return sum(span.end - span.start for span in spans_between(stay_cuts(presence)) if presence.known(span.start))


def pieces_of(document: Document, servant: Servant, plan: Plan, window: Span, presence: Presence) -> list[Piece]:
    """All time that concerns the day, cut wherever anything begins or ends."""
    orders = servant.orders_of(plan.date)
    spans: list[Span] = [window, *plan.intervals, *plan.breaks, *plan.excused, *presence.sessions, *presence.assumed_sessions]
    spans += [plan.core] if plan.core is not None else []
    for order in orders:
        spans += [order.span, *order.breaks]
    cuts = {cut for span in spans for cut in (span.start, span.end)} | stay_cuts(presence)
    cuts |= civil_cuts(document.zone, Span(min(cuts), max(cuts)), ("00:00", *document.rules.night))
    stretches = stretches_of(plan)
    return [piece_of(piece, document, servant, plan, orders, stretches, presence) for piece in spans_between(cuts)]


def piece_of(
    piece: Span, document: Document, servant: Servant, plan: Plan, orders: list[Order], stretches: list[list[Interval]], presence: Presence
) -> Piece:
    """What the seconds of a piece are."""
    second = piece.start
    interval = next((each for each in plan.intervals if each.holds(second)), None)
    place = interval.place if interval is not None else None
    in_break = any(each.holds(second) for each in plan.breaks)
    planned = interval is not None and not in_break
    in_span = plan.span is not None and plan.span.holds(second)
    excused = any(each.holds(second) for each in plan.excused)

    known, assumed = presence.known(second), presence.assumed(second)
    session = any(each.holds(second) for each in presence.sessions)
    assumed_session = any(each.holds(second) for each in presence.assumed_sessions)

    surely = {"office": known, "remote": known or session, "way": True}
    perhaps = {"office": assumed, "remote": assumed_session, "way": False}
    worked = planned and place is not None and (surely[place] or perhaps[place])
    order = None if in_span else next((each for each in orders if each.counts(second)), None)
    ordered = order.kind if order is not None and (known or session) else None
    in_order = any(each.span.holds(second) for each in orders)

    civil = datetime.fromtimestamp(second, document.zone)
    civil_plan = servant.plans.get(civil.date())
    work = worked or ordered is not None
    return Piece(
        start=piece.start,
        end=piece.end,
        stretch=next((number for number, stretch in enumerate(stretches) if interval in stretch), None),
        due=planned and not excused and place != "way" and (plan.core is None or plan.core.holds(second)),
        worked=worked,
        assumed=worked and place is not None and not surely[place],
        ordered=ordered,
        gap=known and not worked and ordered is None and in_span,
        outside_hours=known and not worked and ordered is None and not in_span,
        remote_outside_hours=session and not worked and ordered is None and not in_span and not in_order and not known,
        night=work and in_night(civil, document.rules.night),
        holiday=work and civil_plan is not None and civil_plan.holiday,
        excused=planned and excused and not worked,
        known=known,
        session_in_office=place == "office" and (session or assumed_session),
        in_break=in_break,
    )


def in_night(civil: datetime, night: tuple[str, str]) -> bool:
    begins, ends = night
    wall_time = civil.strftime("%H:%M")
    return begins <= wall_time < ends if begins <= ends else wall_time >= begins or wall_time < ends


def figures_of(pieces: list[Piece]) -> dict[str, int]:
    def total(asked: Callable[[Piece], bool]) -> int:
        return sum(piece.length for piece in pieces if asked(piece))

    return {
        **dict.fromkeys(FIGURES, 0),
        "worked": total(lambda piece: piece.worked),
        "assumed": total(lambda piece: piece.assumed),
        "overtime": total(lambda piece: piece.ordered == "overtime"),
        "rest_day": total(lambda piece: piece.ordered == "rest_day"),
        "outside_hours": total(lambda piece: piece.outside_hours),
        "remote_outside_hours": total(lambda piece: piece.remote_outside_hours),
        "gap": total(lambda piece: piece.gap),
        "night": total(lambda piece: piece.night),
        "holiday": total(lambda piece: piece.holiday),
        "excused": total(lambda piece: piece.excused),
        "known": total(lambda piece: piece.known),
    }
