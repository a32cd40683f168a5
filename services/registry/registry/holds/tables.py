"""Rows of legal holds."""

from datetime import date

from chassis.tables import ID
from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.rows import Base


class LegalHoldRow(Base):
    """A legal hold over a body's data."""

    __tablename__ = "legal_holds"

    body: Mapped[str] = mapped_column(ID, ForeignKey("state_bodies.id"), primary_key=True)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    ground: Mapped[str] = mapped_column(Text)
    since: Mapped[date]
    until: Mapped[date]
    released: Mapped[bool]
    revision: Mapped[int]
