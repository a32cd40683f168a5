"""Every table of the database is declared once, with how long its rows are kept and whose they are.

In a database of its own: which index the planner takes must not depend on what lay there before.
"""

from chassis.testing.declared import wrong_declarations
from chassis.testing.fixtures import MakeDatabase
from regimes.personal_data import DATA_CLASSES


async def test_every_table_is_declared_and_every_declaration_is_of_a_table(database: MakeDatabase) -> None:
    assert await wrong_declarations(await database("regimes"), DATA_CLASSES) == []


async def test_a_table_that_is_not_declared_is_found(database: MakeDatabase) -> None:
    found = await wrong_declarations(await database("regimes"), DATA_CLASSES[1:])
    assert found == [f"{DATA_CLASSES[0].table} is not declared"]
