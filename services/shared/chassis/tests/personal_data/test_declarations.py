"""A declaration that leaves something open is refused where it is written."""

from datetime import UTC, datetime
from typing import Any

import pytest
from chassis.database import Database
from chassis.personal_data.declarations import DataClass, Passing, Sensitivity, Standing, declared
from chassis.personal_data.export import ExportOwnData, NotOpened
from chassis.personal_data.levels import first_kept
from chassis.personal_data.own_tables import OWN_TABLES
from chassis.testing.declared import wrong_declarations
from chassis.testing.fixtures import MakeDatabase
from lawbook import load

FOR_EVER = Standing("a reason")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "say how a row belongs to a person"),
        ({"person": "a = $1", "nobody": "things", "key": ("a",)}, "say how a row belongs to a person"),
        ({"person": "a = $1", "sensitivity": Sensitivity.PERSONAL}, "in which order"),
        ({"person": "a = $1", "key": ("a",)}, "is not open"),
    ],
)
def test_a_table_says_whose_it_is_and_in_which_order_it_is_given(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        DataClass("things", "Things", FOR_EVER, **given)


def test_a_table_is_declared_once() -> None:
    one = DataClass("things", "Things", Passing("soon"), nobody="things")
    with pytest.raises(ValueError, match="declared twice: things"):
        declared(one, one)


def test_a_sealed_table_needs_what_opens_it() -> None:
    sealed = DataClass("facts", "Facts", FOR_EVER, Sensitivity.SENSITIVE, person="servant = $1", key=("id",), sealed=True)
    database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(NotOpened, match="facts"):
        ExportOwnData(database, (sealed,))
    ExportOwnData(database, (sealed,), {"facts": lambda row: row})


async def test_the_tables_of_the_chassis_are_declared(database: MakeDatabase) -> None:
    assert [
        each for each in await wrong_declarations(await database("chassis.testing.bare"), OWN_TABLES) if not each.startswith("states ")
    ] == []


def test_a_term_is_one_of_time() -> None:
    with pytest.raises(ValueError, match="in years or days, not in hours"):
        first_kept("working-time/normal-week", load(), datetime(2026, 11, 26, tzinfo=UTC))
