"""Find the newest silence of a device without reading its other findings: an unknown badge is one each day."""

from chassis.migrations.indexes import build_beside_writers

revision = "timetracking_2026_12_02_0101"
down_revision = "timetracking_2026_12_01_0100"

INDEX = "findings (device, date) WHERE kind = 'device_silent' AND state <> 'withdrawn'"


def upgrade() -> None:
    """Builds the index."""
    build_beside_writers("findings_silences_idx", INDEX)
