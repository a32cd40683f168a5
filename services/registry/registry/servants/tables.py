"""Rows of civil servants and their appointments."""

from datetime import date, datetime

from chassis.tables import ID
from sqlalchemy import ColumnElement, DateTime, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.rows import Base
from registry.servants.domain import AppointmentKind

PERSONAL = "personal: never in events, logs or refusals; shown to HR officers and to the person alone"


class ServantRow(Base):
    """A civil servant; `iin` is personal, `changed_at` the instant of the newest published state."""

    __tablename__ = "servants"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    iin: Mapped[str] = mapped_column(Text, unique=True, comment=PERSONAL)
    display_name: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AppointmentRow(Base):
    """A span in which a servant holds a position."""

    __tablename__ = "appointments"
    __table_args__ = (
        UniqueConstraint("servant", "body", "position", "kind", "since"),
        ForeignKeyConstraint(["body", "position"], ["positions.body", "positions.id"]),
        Index(None, "body", "servant"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    servant: Mapped[str] = mapped_column(ID, ForeignKey("servants.id"))
    body: Mapped[str] = mapped_column(ID)
    position: Mapped[str] = mapped_column(ID)
    kind: Mapped[str] = mapped_column(Text)
    since: Mapped[date]
    until: Mapped[date | None]
    rate_percent: Mapped[int]
    act: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]

    @classmethod
    def keeping_time(cls) -> ColumnElement[bool]:
        """The condition that the servant's days can follow the appointment."""
        return cls.kind.in_([kind.value for kind in AppointmentKind if kind.keeps_time])
