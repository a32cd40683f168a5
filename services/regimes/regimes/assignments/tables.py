"""Rows of assignments."""

from datetime import date, time
from typing import Any

from chassis.tables import ID
from sqlalchemy import BigInteger, Identity
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from regimes.assignments.domain import Assignment, Flexible, Regime, Remote, Shift, ShiftSchedule
from regimes.rows import Base
from regimes.wall_clock import ClockSpan


class AssignmentRow(Base):
    """An assignment; `place` is its place in the order of recording, `regime` its content by kind."""

    __tablename__ = "assignments"

    servant: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    place: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    since: Mapped[date]
    until: Mapped[date] = mapped_column(index=True)
    act: Mapped[str]
    regime: Mapped[dict[str, Any]] = mapped_column(JSONB)

    def recorded(self) -> Assignment:
        """Returns the assignment as it was recorded."""
        return Assignment(self.id, self.servant, self.since, self.until, self.act, _regime(self.regime), self.place)


def regime_json(regime: Regime) -> dict[str, Any]:
    """Returns a regime as JSON; wall times as "09:00:00"."""
    match regime:
        case Remote():
            return {"kind": "remote", "place": regime.place, "weekdays": sorted(regime.weekdays)}
        case Flexible():
            return {"kind": "flexible", "band": _clocks(regime.band), "core": _clocks(regime.core), "break": _clocks(regime.pause)}
        case ShiftSchedule():
            shifts = [[shift.date.isoformat(), _clocks(shift.hours), _clocks(shift.pause)] for shift in regime.shifts]
            return {"kind": "shift", "shifts": shifts}


def _regime(content: dict[str, Any]) -> Regime:
    match content["kind"]:
        case "remote":
            return Remote(content["place"], frozenset(content["weekdays"]))
        case "flexible":
            return Flexible(_span(content["band"]), _span(content["core"]), _span_or_none(content["break"]))
        case "shift":
            shifts = (Shift(date.fromisoformat(on), _span(hours), _span_or_none(pause)) for on, hours, pause in content["shifts"])
            return ShiftSchedule(tuple(shifts))
        case kind:
            raise ValueError(f"there is no regime of kind {kind}")


def _clocks(span: ClockSpan | None) -> list[str] | None:
    return None if span is None else [span.start.isoformat(), span.end.isoformat()]


def _span(clocks: list[str]) -> ClockSpan:
    start, end = map(time.fromisoformat, clocks)
    return ClockSpan(start, end)


def _span_or_none(clocks: list[str] | None) -> ClockSpan | None:
    return None if clocks is None else _span(clocks)
