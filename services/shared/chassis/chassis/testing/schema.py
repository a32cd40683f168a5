"""Whether the tables that the code reads are those that the migrations made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from chassis.database import Database

_COLUMNS = """
SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
       coalesce(a.attnum = ANY (i.indkey), false) AS key
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE a.attnum > 0 AND NOT a.attisdropped AND NOT c.relispartition
"""


@dataclass(frozen=True, slots=True)
class _Column:
    type: str
    required: bool
    key: bool


async def differences(database: Database, metadata: sa.MetaData) -> list[str]:
    """What differs between the tables of `metadata` and the database's own, a sentence each; tables it does not name are not looked at."""
    async with database.transaction() as transaction:
        rows = (await transaction.connection.execute(sa.text(_COLUMNS))).all()
    there: dict[str, dict[str, _Column]] = {}
    for row in rows:
        there.setdefault(row.table, {})[row.column] = _Column(row.type, row.required, row.key)
    return [each for table in metadata.tables.values() for each in _compared(table, there.get(table.name))]


def _compared(table: sa.Table, there: Mapping[str, _Column] | None) -> Iterator[str]:
    if there is None:
        yield f"{table.name} is not there"
        return
    here = {column.name: _as_declared(column) for column in table.columns}
    for name in sorted(here.keys() | there.keys()):
        if here.get(name) != there.get(name):
            yield f"{table.name}.{name} is {here.get(name)} in the code and {there.get(name)} in the database"


def _as_declared(column: "sa.Column[object]") -> _Column:
    type_ = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
    return _Column(type_, not column.nullable, column.primary_key)
