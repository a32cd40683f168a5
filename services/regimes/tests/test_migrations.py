"""The migrations make exactly the tables that the code reads, and the application cannot change them."""

import pytest
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.schema import differences
from regimes.rows import Base
from regimes.unit_of_work import UnitOfWork
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError


async def test_the_tables_are_those_that_the_code_reads(database: MakeDatabase) -> None:
    assert UnitOfWork.__doc__  # importing it imports all tables
    assert await differences((await database("regimes")).app, Base.metadata, {"unit_heads", "legal_holds"}) == []


@pytest.mark.parametrize("statement", ["DROP TABLE servants", "ALTER TABLE servants ADD note text", "DELETE FROM audit_records"])
async def test_the_application_cannot_change_the_schema_or_the_audit(database: MakeDatabase, statement: str) -> None:
    fresh = await database("regimes")

    async def change() -> None:
        async with fresh.app.transaction() as transaction:
            await transaction.connection.execute(text(statement))

    with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"):
        await change()
