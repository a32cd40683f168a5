"""Rows of legal holds."""

from datetime import date, datetime

from chassis.personal_data.holds import AROUND_A_DAY
from chassis.tables import ID
from sqlalchemy import ColumnElement, ForeignKey, Text, and_, not_
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
    of_nation: Mapped[bool]
    released: Mapped[bool]
    revision: Mapped[int]

    @classmethod
    def standing(cls, at: datetime) -> ColumnElement[bool]:
        """The condition that the hold is neither released nor over anywhere at that instant."""
        return and_(not_(cls.released), cls.until >= (at - AROUND_A_DAY).date())
