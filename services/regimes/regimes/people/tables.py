"""Rows of bodies and servants as the registry told of them; no foreign keys: they arrive in any order."""

from datetime import date

from chassis.access import Reach
from chassis.tables import ID
from kernel.days import DaySpan
from sqlalchemy import BigInteger, ColumnElement, Index, exists, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from regimes.people.domain import Appointment, AppointmentKind, Body, Unit
from regimes.rows import Base


class BodyRow(Base):
    """A state body; `units` is a list of [unit, parent unit or empty]."""

    __tablename__ = "bodies"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    region: Mapped[str] = mapped_column(ID, index=True)
    zone: Mapped[str]
    units: Mapped[list[list[str]]] = mapped_column(JSONB)
    revision: Mapped[int] = mapped_column(BigInteger)

    @classmethod
    def reached(cls, body: InstrumentedAttribute[str], reach: Reach) -> ColumnElement[bool]:
        """The condition that `body` is one that the caller's grants reach."""
        if reach.nation:
            return true()
        return or_(body.in_(sorted(reach.bodies)), body.in_(select(cls.id).where(cls.region.in_(sorted(reach.regions)))))

    def told(self) -> Body:
        """Returns the body as the registry told of it."""
        return Body(self.id, self.region, self.zone, tuple(Unit(unit, parent) for unit, parent in self.units), self.revision)


class ServantRow(Base):
    """A civil servant."""

    __tablename__ = "servants"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)


class AppointmentRow(Base):
    """A span in which a servant holds a post."""

    __tablename__ = "appointments"
    __table_args__ = (
        Index(None, "body", "servant"),
        Index(None, "body", "supervising_position"),
    )

    servant: Mapped[str] = mapped_column(ID, primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    since: Mapped[date]
    until: Mapped[date | None]
    body: Mapped[str] = mapped_column(ID)
    unit: Mapped[str] = mapped_column(ID)
    kind: Mapped[str]
    keeps_time: Mapped[bool]
    position: Mapped[str] = mapped_column(ID, server_default="")
    supervising_position: Mapped[str] = mapped_column(ID, server_default="")
    hours_set_by_regulation: Mapped[bool]

    @classmethod
    def reached(cls, servant: InstrumentedAttribute[str], reach: Reach, *during: ColumnElement[bool]) -> ColumnElement[bool]:
        """The condition that `servant` is the caller, or is or was appointed where grants or control reach (`during` a span)."""
        control = reach.control
        controlled = or_((cls.body + "/" + cls.unit).in_(sorted(control.units)), (cls.body + "/" + cls.servant).in_(sorted(control.people)))
        appointed = exists().where(cls.servant == servant, or_(BodyRow.reached(cls.body, reach), controlled), *during)
        return appointed if reach.servant is None else or_(servant == reach.servant, appointed)

    def told(self) -> Appointment:
        """Returns the appointment as the registry told of it."""
        span = DaySpan(self.since, self.until)
        return Appointment(
            appointment=self.id,
            span=span,
            body=self.body,
            unit=self.unit,
            kind=AppointmentKind(self.kind),
            keeps_time=self.keeps_time,
            hours_set_by_regulation=self.hours_set_by_regulation,
            position=self.position,
            supervising_position=self.supervising_position,
        )
