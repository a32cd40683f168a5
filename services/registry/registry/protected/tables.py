"""Rows of protected facts."""

from chassis.tables import ID
from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from registry.rows import Base

SENSITIVE = "sensitive: encrypted under the key of the name beside it, bound to all else in the row"


class ProtectedFactRow(Base):
    """A protected fact, of which nothing can be read without the key of the name `key`, which the database does not know."""

    __tablename__ = "protected_facts"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    servant: Mapped[str] = mapped_column(ID, ForeignKey("servants.id"), index=True)
    key: Mapped[str] = mapped_column(ID)
    content: Mapped[bytes] = mapped_column(LargeBinary, comment=SENSITIVE)
    revision: Mapped[int]
