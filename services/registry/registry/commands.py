"""The command that erases a civil servant by a decision: `python -m registry erase SERVANT --ground TEXT --by WHO`."""

import argparse

from chassis import operators
from chassis.clock import clock_from
from chassis.commands import Errand
from chassis.database import Database
from chassis.settings import Settings
from chassis.supervision import closing
from kernel.identifiers import check_id
from kernel.names import SERVANT_ID

from registry.erasure.use_cases import EraseServant
from registry.unit_of_work import begin


def erasing() -> Errand[Settings]:
    """The command; the audit names who gave it and the ground."""

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("servant", help="the ID: serikova")
        parser.add_argument("--ground", required=True, help="the decision, one line: a court's, or that the person was recorded by mistake")
        operators.arguments(parser)
        parser.add_argument(
            "--lost", action="store_true", help="erase elsewhere also who is not stored here since the database was restored"
        )

    async def erase(told: Settings, given: argparse.Namespace) -> str:
        servant = check_id(given.servant, "servant", SERVANT_ID)
        database = Database(told.database_url, name="registry erase", role="worker")
        async with closing(database):
            with operators.operating(given) as caller:
                rows = await EraseServant(begin(database, clock_from(told.clock)))(caller, servant, given.ground, lost=given.lost)
        return f"{servant}: {rows} rows erased; the other services erase what they keep as soon as they hear of it"

    return Errand("erase", "erase a civil servant by a decision, everywhere", Settings, ("database_url",), erase, arguments)
