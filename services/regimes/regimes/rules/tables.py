"""Rows of labour-order rules."""

from datetime import date, time

from chassis.tables import ID
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from regimes.rows import Base
from regimes.rules.domain import LabourOrderRules, WeekType
from regimes.wall_clock import ClockSpan


class LabourOrderRulesRow(Base):
    """Labour-order rules of a body, or of a unit where `unit` is not empty; times are wall times."""

    __tablename__ = "labour_order_rules"
    __table_args__ = (UniqueConstraint("body", "unit", "since"),)

    body: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    unit: Mapped[str] = mapped_column(ID)
    since: Mapped[date]
    week: Mapped[str]
    starts: Mapped[time]
    ends: Mapped[time]
    break_starts: Mapped[time | None]
    break_ends: Mapped[time | None]
    sixth_day_ends: Mapped[time | None]
    grace: Mapped[int]
    premises: Mapped[str]
    act: Mapped[str]

    def recorded(self) -> LabourOrderRules:
        """Returns the rules as they were recorded."""
        return LabourOrderRules(
            rules=self.id,
            body=self.body,
            unit=self.unit,
            since=self.since,
            week=WeekType(self.week),
            start=self.starts,
            end=self.ends,
            pause=ClockSpan(self.break_starts, self.break_ends) if self.break_starts is not None and self.break_ends is not None else None,
            sixth_day_end=self.sixth_day_ends,
            grace=self.grace,
            premises=self.premises,
            act=self.act,
        )
