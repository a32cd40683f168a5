"""The base of the registry's tables."""

from chassis.tables import metadata
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """All tables of the registry's database."""

    metadata = metadata()
