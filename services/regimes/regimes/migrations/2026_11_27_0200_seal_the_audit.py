"""Seal the audit, and let its records say whose they are."""

from chassis.migrations import audit

revision = "2026_11_27_0200"
down_revision = "2026_11_26_2000"


def upgrade() -> None:
    """Creates the chain of seals and what writes it."""
    audit.seal_records()
