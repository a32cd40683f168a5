"""Rows of parked records."""

from datetime import date, datetime
from uuid import UUID

from chassis.tables import ID
from sqlalchemy import DateTime, Identity, Index, Integer, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from timetracking.rows import Base


class ParkedRow(Base):
    """A parked record.

    `place` is the order in which records came first; `headers` are those of the message, as JSON, without the story of its
    failure; `value` is None and `key` empty once its time is over, and of a state of another service from the first.
    """

    __tablename__ = "parked_records"
    __table_args__ = (
        Index(None, "place", unique=True),
        Index(None, "device", "date"),
        Index(None, "topic", "lay_partition", "lay_offset"),
        Index("parked_records_contents_idx", "parked_at", postgresql_where=text("value IS NOT NULL OR key <> ''")),
        Index("parked_records_forgotten_idx", "parked_at", postgresql_where=text("value IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(Identity(always=True))
    topic: Mapped[str]
    key: Mapped[str]
    partition: Mapped[int | None] = mapped_column(Integer)
    lay_partition: Mapped[int | None] = mapped_column(Integer)
    lay_offset: Mapped[int | None]
    device: Mapped[str] = mapped_column(ID)
    date: Mapped[date]
    reason: Mapped[str]
    error: Mapped[str]
    origin: Mapped[str]
    first_failed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    parked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(Integer)
    state: Mapped[str]
    sendable: Mapped[bool]
    headers: Mapped[str]
    size: Mapped[int]
    value: Mapped[bytes | None] = mapped_column(LargeBinary)
