"""The base of timetracking's tables."""

from typing import Any

from chassis.tables import metadata
from sqlalchemy import Text
from sqlalchemy.orm import DeclarativeBase

# IDs sort by their bytes, as in every other service and in Kafka's tools, whatever the database's locale.
ID = Text(collation="C")

# Rows are read afresh after a lock: what the session saw before it may have changed meanwhile.
FRESH: dict[str, Any] = {"populate_existing": True}


class Base(DeclarativeBase):
    """Tables of timetracking's database; what is written in bulk is written with statements instead."""

    metadata = metadata()
