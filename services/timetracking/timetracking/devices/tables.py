"""Rows of devices; their settings are read together with the zone of the body, by one statement."""

from sqlalchemy.orm import Mapped, mapped_column

from timetracking.rows import ID, Base


class DeviceRow(Base):
    """A device."""

    __tablename__ = "devices"

    serial: Mapped[str] = mapped_column(ID, primary_key=True)
    body: Mapped[str] = mapped_column(ID)
    protocol: Mapped[str]
    badge_system: Mapped[str] = mapped_column(ID)
    revision: Mapped[int]
