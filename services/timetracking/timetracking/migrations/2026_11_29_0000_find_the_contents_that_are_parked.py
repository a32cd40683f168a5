"""Find contents and keys of parked records by the time of their parking; by their date nobody looks for them any more."""

from chassis.migrations.indexes import build_beside_writers, drop_beside_writers

revision = "timetracking_2026_11_29_0000"
down_revision = "timetracking_2026_11_28_0300"


def upgrade() -> None:
    """Replaces two indexes by one, which the version before finds contents by as well."""
    build_beside_writers("parked_records_contents_idx", "parked_records (parked_at) WHERE value IS NOT NULL OR key <> ''")
    for name in ("parked_records_parked_at_idx", "parked_records_date_idx"):
        drop_beside_writers(name)
