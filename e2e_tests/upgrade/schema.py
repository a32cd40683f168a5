"""What a version's code may rely on in a database, and what a migration took away from it.

Two catalogues are compared: that of the version before and the new one. Whatever the old one has must be there still, and what the old
code may write must not be refused by anything that is new. It is looked at in PostgreSQL's catalogues, not in the migrations' text:
what SQL a migration runs does not matter, only what came of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from chassis.urls import plain_url

_OURS = "c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND c.relname <> 'alembic_version'"
_TABLES = f"""
SELECT c.relname AS place, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'table' END
FROM pg_class c WHERE {_OURS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
"""
_KEYS = f"""
SELECT c.relname, regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE UNIQUE INDEX \\S+ ON (ONLY )?\\S+ USING ', 'unique key ')
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE {_OURS} AND i.indisunique
"""
_CHECKS = f"""
SELECT c.relname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE {_OURS} AND k.contype IN ('c', 'f', 'x')
"""
_WALLS = f"""
SELECT c.relname, 'policy ' || pg_get_expr(p.polqual, p.polrelid) || ' of ' || p.polcmd::text || p.polpermissive::text
    || p.polroles::regrole[]::text || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE {_OURS}
UNION ALL SELECT c.relname, 'row security' FROM pg_class c WHERE {_OURS} AND c.relrowsecurity
UNION ALL SELECT c.relname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE {_OURS} AND NOT t.tgisinternal
"""
_FUNCTIONS = """
SELECT p.oid::regprocedure::text, 'function that returns ' || pg_get_function_result(p.oid) FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace
"""
_RIGHTS = f"""
SELECT c.relname, right_.privilege_type || ' for ' || right_.grantee::regrole FROM pg_class c, aclexplode(c.relacl) right_
WHERE {_OURS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
UNION ALL SELECT c.relname || '.' || a.attname, right_.privilege_type || ' for ' || right_.grantee::regrole
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) right_ WHERE {_OURS}
UNION ALL SELECT p.oid::regprocedure::text, right_.privilege_type || ' for ' || right_.grantee::regrole
FROM pg_proc p, aclexplode(p.proacl) right_ WHERE p.pronamespace = 'public'::regnamespace AND right_.grantee <> 0
"""
_COLUMNS = f"""
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || coalesce(' COLLATE ' || l.collname, '') AS kind, a.attnotnull AS needed,
       a.atthasdef OR a.attidentity <> '' AS given, a.attidentity = 'a' OR a.attgenerated <> '' AS made
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
WHERE {_OURS} AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
"""
# Whoever reads and writes the first kind does not notice the second.
WIDER = {("smallint", "integer"), ("smallint", "bigint"), ("integer", "bigint"), ("character varying", "text")}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type, whether a row needs it, whether one that leaves it out is given it, and whether nobody may write it."""

    kind: str
    needed: bool
    given: bool
    made: bool


Said = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database has: places ("passages", "passages.device") with what is said of them."""

    tables: Said
    functions: Said
    rights: Said
    keys: Said
    checks: Said
    walls: Said
    columns: Mapping[tuple[str, str], Column]


async def schema(connection: "asyncpg.Connection[Any]") -> Schema:
    """The schema as the connection sees it, in its transaction."""

    async def said(query: str) -> Said:
        return frozenset((row[0], row[1]) for row in await connection.fetch(query))

    rows = await connection.fetch(_COLUMNS)
    columns = {(row["relname"], row["attname"]): Column(row["kind"], row["needed"], row["given"], row["made"]) for row in rows}
    return Schema(
        tables=await said(_TABLES),
        functions=await said(_FUNCTIONS),
        rights=await said(_RIGHTS),
        keys=await said(_KEYS),
        checks=await said(_CHECKS),
        walls=await said(_WALLS),
        columns=columns,
    )


async def schema_at(url: str) -> Schema:
    """The schema of the database at this URL."""
    connection = await asyncpg.connect(plain_url(url))
    try:
        return await schema(connection)
    finally:
        await connection.close()


def taken_away(old: Schema, new: Schema) -> Sequence[str]:
    """What the code of the old schema relied on and the new one has not, and what the new one refuses of what it may write; sorted."""
    before = {place for place, _ in old.tables}
    gone = [*(old.tables - new.tables), *(old.functions - new.functions), *(old.rights - new.rights), *(old.keys - new.keys)]
    gone += old.walls - new.walls
    narrower = [*(new.keys - old.keys), *(new.checks - old.checks), *(new.walls - old.walls)]
    return sorted(
        [
            *(f"{place}: {what} is gone" for place, what in gone),
            *(f"{place}: {what} is new, on a table of before" for place, what in narrower if place in before),
            *(
                f"{table}.{name}: {said}"
                for (table, name), column in old.columns.items()
                for said in _lost(column, new.columns.get((table, name)))
            ),
            *(
                f"{table}.{name}: the column is new, and a row without it is refused"
                for (table, name), column in new.columns.items()
                if table in before and (table, name) not in old.columns and column.needed and not column.given
            ),
        ]
    )


def added(old: Schema, new: Schema, tables: Collection[str]) -> Sequence[str]:
    """The columns that these tables have more than before; sorted."""
    return sorted(f"{table}.{name}" for table, name in new.columns.keys() - old.columns.keys() if table in tables)


def _lost(old: Column, new: Column | None) -> Sequence[str]:
    """What became worse of a column of before."""
    if new is None:
        return ["the column is gone"]
    found = []
    if new.kind != old.kind and (old.kind.partition("(")[0], new.kind) not in WIDER:
        found.append(f"was {old.kind} and is {new.kind}")
    if new.needed and not old.needed:
        found.append("a row without it is refused now")
    if old.given and not new.given and new.needed:
        found.append("a row that leaves it out is refused now")
    if new.made and not old.made:
        found.append("nobody may write it any more")
    return found
