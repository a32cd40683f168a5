"""A person's own data: all that a service keeps of them, page by page, and who read it."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.names import servant_name

from chassis.access import OWN_ROLE, Caller, forbidden
from chassis.database import Database
from chassis.personal_data.declarations import DataClass, of_people

# Rows that are in memory at once; a working day is some kilobytes.
PAGE = 200
# What ends so is the reading of one record; readings of lists are those of a body.
READINGS = ("read", "explain", "list")

# The file and what lies under it; "0" is what follows "/".
_OF_FILE = """
(SELECT id, recorded_at, action, resource, grants, body, purpose FROM audit_records
WHERE {file} AND outcome = 'done' AND split_part(action, '.', 2) = ANY ($2::text[]) AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4)
"""
# Each along the index of resources, whose collation they name: in one condition neither would find it, and the audit only grows.
_READS = (
    _OF_FILE.format(file='resource COLLATE "C" = $1')
    + "UNION ALL"
    + _OF_FILE.format(file="""resource COLLATE "C" > $1 || '/' AND resource COLLATE "C" < $1 || '0'""")
    + "ORDER BY id DESC LIMIT $4"
)

Row = Mapping[str, Any]
# Opens a sealed row: what was encrypted stands in it in clear.
Open = Callable[[Row], Row]


class NotOpened(TypeError):
    """A class is declared as sealed, and its service gave nothing that opens it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that is kept of a person, with its class; dates, instants and bytes are text."""

    data_class: DataClass
    row: Row


class ExportOwnData:
    """Reads all that is kept of the caller, class by class, under the caller's own reach."""

    def __init__(self, database: Database, classes: Sequence[DataClass], opening: Mapping[str, Open] | None = None) -> None:
        self._database, self._opening = database, dict(opening or {})
        self._classes = [each for each in of_people(classes) if each.exported]
        if missing := {each.table for each in self._classes if each.sealed} - self._opening.keys():
            raise NotOpened(f"nothing opens the rows of {', '.join(sorted(missing))}")

    async def __call__(self, caller: Caller) -> AsyncGenerator[Kept, None]:
        """Yields the rows; refuses FORBIDDEN to whoever is no servant."""
        servant = own(caller)
        async with self._database.transaction(caller) as transaction:
            transaction.record("personal-data.export", servant_name(servant))
        for each in self._classes:
            after: Sequence[Any] | None = None
            while after is None or after:
                page, after = await self._page(caller, servant, each, after)
                for row in page:
                    yield Kept(each, self._opening[each.table](row) if each.sealed else row)

    async def _page(
        self, caller: Caller, servant: str, each: DataClass, after: Sequence[Any] | None
    ) -> tuple[Sequence[Row], Sequence[Any]]:
        """Some rows after a key, and the key after which to go on; nothing where these were the last."""
        async with self._database.transaction(caller) as transaction:
            driver = await transaction.driver()
            rows = await driver.fetch(_page_of(each, after is not None), servant, *(after or ()))
        last = tuple(rows[-1][f"key_{column}"] for column in each.key) if len(rows) == PAGE else ()
        return [json.loads(row["content"]) for row in rows], last


def _page_of(each: DataClass, goes_on: bool) -> str:
    key = ", ".join(f"{each.table}.{column}" for column in each.key)
    keys = ", ".join(f"{each.table}.{column} AS key_{column}" for column in each.key)
    places = ", ".join(f"${place}" for place in range(2, len(each.key) + 2))
    beyond = f" AND ({key}) > ({places})" if goes_on else ""
    return f"SELECT {keys}, to_jsonb({each.table}.*)::text AS content FROM {each.table} WHERE ({each.person}){beyond} ORDER BY {key} LIMIT {PAGE}"


class ListOwnReads:
    """Finds who read the caller's file, the newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, caller: Caller, before: int | None, limit: int) -> Sequence[Any]:
        """Returns at most `limit` readings with a number below `before`; refuses FORBIDDEN to whoever is no servant."""
        servant = own(caller)
        async with self._database.transaction(caller) as transaction:
            rows: Sequence[Any] = await (await transaction.driver()).fetch(_READS, servant_name(servant), READINGS, before, limit)
        return rows


def own(caller: Caller) -> str:
    """The ID of the caller as a servant; Forbidden where the call does not reach their own records."""
    servant = caller.reach.servant
    if servant is None:
        raise forbidden("PersonalDataService", OWN_ROLE, caller.grants)
    return servant
