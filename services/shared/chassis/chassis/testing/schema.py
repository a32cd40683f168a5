"""Whether the tables that the code reads are those that the migrations made."""

from collections.abc import Collection

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects.postgresql import base as postgresql

from chassis.database import Database
from chassis.tables import FOUNDATION, Xid8

# SQLAlchemy does not know this type of PostgreSQL's by itself.
postgresql.ischema_names["xid8"] = Xid8

_TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version'
"""
_KEYS = """
SELECT c.relname AS table, array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum)) AS columns
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname
"""


async def differences(database: Database, metadata: sa.MetaData, besides: Collection[str] = ()) -> list[str]:
    """What differs between the tables of `metadata` and the database's own, a sentence each: columns, types, keys, indexes.

    The chassis's own tables, and those of the names `besides`, need not be in `metadata`.
    """
    async with database.transaction() as transaction:
        connection = transaction.connection
        there = set((await connection.scalars(sa.text(_TABLES))).all())
        keys = {row.table: list(row.columns) for row in await connection.execute(sa.text(_KEYS))}
        unlike = await connection.run_sync(_unlike, metadata)
    unknown = there - metadata.tables.keys() - FOUNDATION.tables.keys() - set(besides)
    return [
        *(f"{name} is in the database alone" for name in sorted(unknown)),
        *unlike,
        *(
            f"the key of {table.name} is {[column.name for column in table.primary_key]} in the code and {keys.get(table.name)} in the database"
            for table in metadata.tables.values()
            if table.name in there and [column.name for column in table.primary_key] != keys.get(table.name, [])
        ),
    ]


def _unlike(connection: sa.Connection, metadata: sa.MetaData) -> list[str]:
    def ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "table" or name in metadata.tables

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": ours})
    return [str(each) for each in compare_metadata(context, metadata)]
