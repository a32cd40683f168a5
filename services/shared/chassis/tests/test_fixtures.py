"""The databases that tests are given."""

from chassis.testing.fixtures import MakeDatabase

SERVICE = "chassis.testing.bare"


async def test_a_database_that_is_kept_comes_back_with_the_rows_of_its_migrations_alone(emptied: MakeDatabase) -> None:
    once = await emptied(SERVICE)
    keys = await once.rows("SELECT key FROM audit_key")
    await once.rows("INSERT INTO states VALUES ('k', 1)")
    await once.rows("UPDATE audit_key SET key = 'another'")
    again = await emptied(SERVICE)
    assert again is once
    assert await again.rows("SELECT FROM states") == []
    assert await again.rows("SELECT key FROM audit_key") == keys != []


async def test_a_fresh_database_is_another_each_time(database: MakeDatabase) -> None:
    one, other = await database(SERVICE), await database(SERVICE)
    await one.rows("INSERT INTO states VALUES ('k', 1)")
    assert await other.rows("SELECT FROM states") == []
