"""The databases that tests are given."""

from typing import Any

from chassis.testing.fixtures import FreshDatabase, MakeDatabase

SERVICE = "chassis.testing.bare"


async def rows(database: FreshDatabase, statement: str) -> list[Any]:
    async with database.worker.transaction() as transaction:
        return list(await (await transaction.driver()).fetch(statement))


async def test_a_database_that_is_kept_comes_back_without_its_rows(emptied: MakeDatabase) -> None:
    once = await emptied(SERVICE)
    await rows(once, "INSERT INTO states VALUES ('k', 1)")
    keys = await rows(once, "SELECT key FROM audit_key")
    again = await emptied(SERVICE)
    assert again is once
    assert await rows(again, "SELECT FROM states") == []
    assert await rows(again, "SELECT key FROM audit_key") == keys != []


async def test_a_fresh_database_is_another_each_time(database: MakeDatabase) -> None:
    one, other = await database(SERVICE), await database(SERVICE)
    await rows(one, "INSERT INTO states VALUES ('k', 1)")
    assert await rows(other, "SELECT FROM states") == []
