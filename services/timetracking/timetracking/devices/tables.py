"""Rows of devices; their settings are read together with the zone of the body, by one statement."""

from datetime import datetime

from chassis.tables import ID
from sqlalchemy import DateTime, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from timetracking.rows import Base


class DeviceRow(Base):
    """A device."""

    __tablename__ = "devices"
    __table_args__ = (Index("devices_body_idx", "body", "serial"),)

    serial: Mapped[str] = mapped_column(ID, primary_key=True)
    body: Mapped[str] = mapped_column(ID)
    protocol: Mapped[str]
    badge_system: Mapped[str] = mapped_column(ID)
    revision: Mapped[int]
    proof_asked: Mapped[bool] = mapped_column(server_default=text("false"))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
