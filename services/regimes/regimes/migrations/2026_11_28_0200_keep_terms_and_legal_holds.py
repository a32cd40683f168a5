"""Keep the levels of terms and who was erased, know legal holds, and find old plans and assignments."""

from chassis.migrations import personal_data
from chassis.migrations.indexes import build_beside_writers

revision = "2026_11_28_0200"
down_revision = "2026_11_28_0000"


def upgrade() -> None:
    """Creates indexes and tables, and lets people see where they head units."""
    build_beside_writers("month_plans_month_idx", "month_plans (month)")
    build_beside_writers("assignments_until_idx", "assignments (until)")
    personal_data.keep_terms()
    personal_data.know_holds()
    personal_data.show_own("unit_heads")
