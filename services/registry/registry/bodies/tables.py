"""Rows of state bodies, their units and the units' heads."""

from datetime import date, datetime

from chassis.access import Reach
from chassis.tables import ID
from sqlalchemy import ColumnElement, DateTime, ForeignKey, ForeignKeyConstraint, Text, or_, true
from sqlalchemy.orm import Mapped, mapped_column

from registry.rows import Base


class StateBodyRow(Base):
    """A state body; `changed_at` is the instant of its newest published state."""

    __tablename__ = "state_bodies"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    title_kk: Mapped[str] = mapped_column(Text)
    title_ru: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(ID, index=True)
    zone: Mapped[str] = mapped_column(Text)
    parent: Mapped[str | None] = mapped_column(ID, ForeignKey("state_bodies.id"))
    # Not a foreign key: a body is recorded before its first servant.
    head: Mapped[str | None] = mapped_column(ID)
    hr_service_body: Mapped[str | None] = mapped_column(ID, ForeignKey("state_bodies.id"))
    revision: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    @classmethod
    def within(cls, reach: Reach) -> ColumnElement[bool]:
        """The condition that a body is one that the caller's grants reach."""
        if reach.nation:
            return true()
        return or_(cls.id.in_(sorted(reach.bodies)), cls.region.in_(sorted(reach.regions)))


class UnitRow(Base):
    """A structural unit of a body."""

    __tablename__ = "units"
    __table_args__ = (ForeignKeyConstraint(["body", "parent_unit"], ["units.body", "units.id"]),)

    body: Mapped[str] = mapped_column(ID, ForeignKey("state_bodies.id"), primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    title_kk: Mapped[str] = mapped_column(Text)
    title_ru: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    parent_unit: Mapped[str | None] = mapped_column(ID)
    hr_service: Mapped[bool]
    revision: Mapped[int]


class UnitHeadRow(Base):
    """A span in which a servant heads a unit."""

    __tablename__ = "unit_heads"
    __table_args__ = (ForeignKeyConstraint(["body", "unit"], ["units.body", "units.id"]),)

    body: Mapped[str] = mapped_column(ID, primary_key=True)
    unit: Mapped[str] = mapped_column(ID, primary_key=True)
    since: Mapped[date] = mapped_column(primary_key=True)
    until: Mapped[date | None]
    servant: Mapped[str] = mapped_column(ID, ForeignKey("servants.id"))
