"""Indexes over tables into which others go on writing."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op

from chassis.migrations import LOCK_TIMEOUT, WAIT_FOR_OTHERS_S


def build_beside_writers(name: str, definition: str) -> None:
    """Builds the index `name` ON `definition` while others read and write the table, and commits what the migration did before.

    What it did before must bear to be done again: a migration that is broken off here begins anew.
    """
    with _beside_writers():
        # Of a building that was broken off an index is left that nobody may use.
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")


def drop_beside_writers(name: str) -> None:
    """Drops the index while others read and write its table, and commits what the migration did before, as for building one."""
    with _beside_writers():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


@contextmanager
def _beside_writers() -> Iterator[None]:
    with op.get_context().autocommit_block():
        # It waits for all transactions that are open, and nobody waits for it.
        op.execute(f"SET lock_timeout = '{WAIT_FOR_OTHERS_S}s'")
        yield
        op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
