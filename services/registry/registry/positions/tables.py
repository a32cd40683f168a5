"""Rows of positions."""

from chassis.tables import ID
from kernel.text import LocalizedText
from sqlalchemy import ForeignKey, ForeignKeyConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.positions.domain import Position
from registry.rows import Base


class PositionRow(Base):
    """A position of a body's staffing table."""

    __tablename__ = "positions"
    __table_args__ = (
        ForeignKeyConstraint(["body", "unit"], ["units.body", "units.id"]),
        ForeignKeyConstraint(["body", "supervising_position"], ["positions.body", "positions.id"]),
    )

    body: Mapped[str] = mapped_column(ID, ForeignKey("state_bodies.id"), primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    title_kk: Mapped[str] = mapped_column(Text)
    title_ru: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(ID)
    category: Mapped[str] = mapped_column(Text)
    supervising_position: Mapped[str | None] = mapped_column(ID)
    hours_set_by_regulation: Mapped[bool]
    hazardous: Mapped[bool]
    revision: Mapped[int]

    def position(self) -> Position:
        """The position that the row holds."""
        return Position(
            self.body,
            self.id,
            LocalizedText(self.title_kk, self.title_ru, self.title_en),
            self.unit,
            self.category,
            self.supervising_position,
            self.hours_set_by_regulation,
            self.hazardous,
            self.revision,
        )
