"""The base of the regimes' tables."""

from datetime import datetime
from typing import Any, ClassVar

from chassis.tables import metadata
from sqlalchemy import DateTime, Text
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """All tables of the regimes' database."""

    metadata = metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}
