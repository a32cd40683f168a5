"""Let messages of the outbox name their partition, and readers of topics keep their places."""

from chassis.migrations import foundation

revision = "2026_11_26_0300"
down_revision = "2026_11_22_1200"


def upgrade() -> None:
    """Adds a column, without which rows go by their key as before, and a table."""
    foundation.let_messages_name_their_partition()
    foundation.keep_positions_of_readers()
