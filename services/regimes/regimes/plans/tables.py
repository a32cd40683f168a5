"""Rows of plans as they were told, of the months that are due, and of how far the plans are rolled."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from chassis.tables import ID
from kernel.days import DaySpan, Month
from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from regimes.plans.domain import Accounting, AccountingMode, MonthPlan, Place, PlanDay, PlanKind, PlannedInterval, PublishedPlan
from regimes.rows import Base
from regimes.wall_clock import Span


class MonthPlanRow(Base):
    """The newest published plan of a servant for a month (`month` is its first day)."""

    __tablename__ = "month_plans"

    servant: Mapped[str] = mapped_column(ID, primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True, index=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[str]
    occurred_at: Mapped[datetime]
    edition: Mapped[str]
    days: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)

    def told(self) -> PublishedPlan:
        """Returns the plan as it was published."""
        plan = MonthPlan(self.servant, Month.of(self.month), tuple(_day(day) for day in self.days))
        return PublishedPlan(plan, self.revision, self.event_id, self.occurred_at, self.edition)


class DueMonthRow(Base):
    """A month of a servant whose plan is to be composed anew; rows are only added and taken away."""

    __tablename__ = "due_months"
    __table_args__ = (Index(None, "servant", "month"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    servant: Mapped[str] = mapped_column(ID)
    month: Mapped[date]


class RollingRow(Base):
    """The one row that says up to which month everyone's plans were asked for, and under which edition of the law."""

    __tablename__ = "rolling"

    one: Mapped[bool] = mapped_column(primary_key=True)
    until: Mapped[date | None]
    edition: Mapped[str]


def days_json(days: Iterable[PlanDay]) -> list[dict[str, Any]]:
    """Returns plan days as JSON; instants as seconds since 1970."""
    return [_day_json(day) for day in days]


def _day_json(day: PlanDay) -> dict[str, Any]:
    period = day.accounting.period
    return {
        "date": day.date.isoformat(),
        "kind": day.kind.value,
        "intervals": [[*_seconds(each.span), each.place.value, each.premises] for each in day.intervals],
        "breaks": [_seconds(each) for each in day.breaks],
        "core": _seconds(day.core) if day.core is not None else None,
        "norm": day.norm,
        "public_holiday": day.public_holiday,
        "accounting": day.accounting.mode.value,
        "period": [period.since.isoformat(), period.until and period.until.isoformat()] if period is not None else None,
        "grace": day.grace,
        "act": day.act,
        "zone": day.zone,
        "body": day.body,
        "unit": day.unit,
    }


def _day(content: dict[str, Any]) -> PlanDay:
    return PlanDay(
        date=date.fromisoformat(content["date"]),
        kind=PlanKind(content["kind"]),
        intervals=tuple(
            PlannedInterval(_span((start, end)), Place(place), premises) for start, end, place, premises in content["intervals"]
        ),
        breaks=tuple(_span(each) for each in content["breaks"]),
        core=_span(content["core"]) if content["core"] is not None else None,
        norm=content["norm"],
        public_holiday=content["public_holiday"],
        accounting=Accounting(AccountingMode(content["accounting"]), _period(content["period"])),
        grace=content["grace"],
        act=content["act"],
        zone=content["zone"],
        body=content["body"],
        unit=content["unit"],
    )


def _seconds(span: Span) -> list[int]:
    return [int(span.start.timestamp()), int(span.end.timestamp())]


def _span(seconds: Iterable[int]) -> Span:
    start, end = (datetime.fromtimestamp(each, UTC) for each in seconds)
    return Span(start, end)


def _period(ends: list[str | None] | None) -> DaySpan | None:
    if ends is None:
        return None
    since, until = (date.fromisoformat(end) if end is not None else None for end in ends)
    return DaySpan(since, until) if since is not None else None
