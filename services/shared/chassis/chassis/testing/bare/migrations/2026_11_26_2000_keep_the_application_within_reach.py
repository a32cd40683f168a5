from chassis.migrations import reach

revision = "2026_11_26_2000"
down_revision = "2026_11_26_0300"


def upgrade() -> None:
    reach.keep_answers_apart()
