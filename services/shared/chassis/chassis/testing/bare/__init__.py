"""A service with next to nothing of its own: the foundation and one table of states, for the chassis's own tests."""

import sqlalchemy as sa

from chassis.database import Transaction
from chassis.tables import metadata

_METADATA = metadata()

states = sa.Table("states", _METADATA, sa.Column("key", sa.Text, primary_key=True), sa.Column("revision", sa.BigInteger, nullable=False))

_RAISE = """
INSERT INTO states AS held (key, revision) SELECT key, 1 FROM unnest($1::text[]) AS key
ON CONFLICT (key) DO UPDATE SET revision = held.revision + 1
"""


async def change(transaction: Transaction, *keys: str) -> None:
    """Writes the next revision of each state."""
    await (await transaction.driver()).execute(_RAISE, keys)
