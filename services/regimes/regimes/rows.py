"""The base of the regimes' tables."""

from datetime import datetime
from typing import Any, ClassVar

from chassis.tables import metadata
from sqlalchemy import DateTime, Text
from sqlalchemy.orm import DeclarativeBase

# IDs sort by their bytes, as in every other service and in Kafka's tools, whatever the database's locale.
ID = Text(collation="C")

# Rows are read afresh after a lock: what the session saw before it may have changed meanwhile.
FRESH: dict[str, Any] = {"populate_existing": True}


class Base(DeclarativeBase):
    """All tables of the regimes' database."""

    metadata = metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}
