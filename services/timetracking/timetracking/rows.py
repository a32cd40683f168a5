"""The base of timetracking's tables."""

from typing import Any, ClassVar

from chassis.tables import metadata
from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Tables of timetracking's database; what is written in bulk is written with statements instead."""

    metadata = metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, int: BigInteger}
