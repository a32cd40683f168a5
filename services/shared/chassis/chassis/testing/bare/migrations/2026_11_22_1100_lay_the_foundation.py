"""Lay the foundation."""

from chassis.migrations import foundation

revision = "2026_11_22_1100"
down_revision = None


def upgrade() -> None:
    foundation.create()
