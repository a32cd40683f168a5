"""The migrations make exactly the tables that the code reads, and the application cannot change them."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from chassis.tables import FOUNDATION
from chassis.testing.fixtures import MakeDatabase
from regimes.rows import Base
from regimes.unit_of_work import UnitOfWork
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError


def differences(connection: Connection) -> list[Any]:
    def ours(_: object, name: str | None, kind: str, *__: object) -> bool:
        return not (kind == "table" and (name in FOUNDATION.tables or name == "alembic_version"))

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
    return list(compare_metadata(context, Base.metadata))


TABLES = {"bodies", "servants", "appointments", "labour_order_rules", "assignments", "month_plans", "due_months", "rolling"}


async def test_the_tables_are_those_that_the_code_reads(database: MakeDatabase) -> None:
    assert UnitOfWork.__doc__  # importing it imports all tables
    assert set(Base.metadata.tables) == TABLES
    async with (await database("regimes")).app.transaction() as transaction:
        assert await transaction.connection.run_sync(differences) == []


@pytest.mark.parametrize("statement", ["DROP TABLE servants", "ALTER TABLE servants ADD note text", "DELETE FROM audit_records"])
async def test_the_application_cannot_change_the_schema_or_the_audit(database: MakeDatabase, statement: str) -> None:
    fresh = await database("regimes")

    async def change() -> None:
        async with fresh.app.transaction() as transaction:
            await transaction.connection.execute(text(statement))

    with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"):
        await change()
