"""Rows of bodies and servants as the registry told of them; no foreign keys: they arrive in any order."""

from datetime import date

from chassis.access import Reach
from chassis.tables import ID
from kernel.days import DaySpan
from sqlalchemy import ColumnElement, Index, exists, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from timetracking.people.domain import Appointment, Body
from timetracking.rows import Base


class BodyRow(Base):
    """A state body."""

    __tablename__ = "body_states"

    body: Mapped[str] = mapped_column(ID, primary_key=True)
    region: Mapped[str] = mapped_column(ID)
    zone: Mapped[str]
    revision: Mapped[int]

    @classmethod
    def reached(cls, body: InstrumentedAttribute[str], reach: Reach) -> ColumnElement[bool]:
        """The condition that `body` is one that the caller's grants reach."""
        if reach.nation:
            return true()
        return or_(body.in_(sorted(reach.bodies)), body.in_(select(cls.body).where(cls.region.in_(sorted(reach.regions)))))

    def told(self) -> Body:
        """Returns the body as the registry told of it."""
        return Body(self.body, self.region, self.zone, self.revision)


class ServantRow(Base):
    """A civil servant."""

    __tablename__ = "servants"

    servant: Mapped[str] = mapped_column(ID, primary_key=True)
    revision: Mapped[int]


class AppointmentRow(Base):
    """A span in which a servant holds a position."""

    __tablename__ = "appointments"
    __table_args__ = (
        Index(None, "body", "servant"),
        Index(None, "body", "supervising_position"),
    )

    servant: Mapped[str] = mapped_column(ID, primary_key=True)
    appointment: Mapped[str] = mapped_column(ID, primary_key=True)
    since: Mapped[date]
    until: Mapped[date | None]
    body: Mapped[str] = mapped_column(ID)
    unit: Mapped[str] = mapped_column(ID)
    kind: Mapped[str]
    keeps_time: Mapped[bool]
    position: Mapped[str] = mapped_column(ID, server_default="")
    supervising_position: Mapped[str] = mapped_column(ID, server_default="")

    @classmethod
    def reached(cls, servant: InstrumentedAttribute[str], reach: Reach, *during: ColumnElement[bool]) -> ColumnElement[bool]:
        """The condition that `servant` is the caller, or is or was appointed where grants or control reach (`during` a span)."""
        control = reach.control
        controlled = or_((cls.body + "/" + cls.unit).in_(sorted(control.units)), (cls.body + "/" + cls.servant).in_(sorted(control.people)))
        appointed = exists().where(cls.servant == servant, or_(BodyRow.reached(cls.body, reach), controlled), *during)
        return appointed if reach.servant is None else or_(servant == reach.servant, appointed)

    @classmethod
    def during(cls, span: DaySpan) -> tuple[ColumnElement[bool], ...]:
        """The conditions that an appointment and a span have a date in common."""
        not_ended = or_(cls.until.is_(None), cls.until >= span.since)
        return (not_ended,) if span.until is None else (not_ended, cls.since <= span.until)

    def told(self) -> Appointment:
        """Returns the appointment as the registry told of it."""
        return Appointment(
            appointment=self.appointment,
            span=DaySpan(self.since, self.until),
            body=self.body,
            unit=self.unit,
            kind=self.kind,
            keeps_time=self.keeps_time,
            position=self.position,
            supervising_position=self.supervising_position,
        )
