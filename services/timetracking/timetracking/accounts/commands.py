"""The accounts of devices at the command line: what became of every record."""

import argparse
from collections.abc import Sequence

from chassis import operators
from chassis.access import Caller
from chassis.commands import NotAsItMustBe, NothingDone
from chassis.database import Database
from kernel.faults import Malformed

from timetracking.accounts.domain import Counts
from timetracking.accounts.repository import StoredAccounts
from timetracking.accounts.use_cases import WriteOffRecords
from timetracking.devices.repository import require_enrolled

PAGE = 500
_NAMES = ("received", "stored", "repeated", "parked", "no_passages", "written_off", "in_flight", "sent_again")


async def accounts(database: Database, given: argparse.Namespace) -> str:
    """Lists the account of each device, or of one; NotAsItMustBe where all was to be level and is not; refuses NOT_FOUND.

    Malformed with a ground: who gives one means to write off.
    """
    if given.ground is not None:
        raise Malformed({"--ground": "of what is written off: with --write-off"})
    found = await _found(database, given.device)
    whole = sum((counts for _, counts in found), Counts())
    shown = [("device", *_NAMES), *(_line(device or "(none)", counts) for device, counts in found), _line("all", whole)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))]
    table = "\n".join(
        "  ".join(
            text.ljust(width) if not column else text.rjust(width) for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in shown
    )
    if given.level and any(counts.in_flight for _, counts in found):
        raise NotAsItMustBe(table)
    return table


async def write_off(caller: Caller, write_off_records: WriteOffRecords, given: argparse.Namespace) -> str:
    """Writes off what is in flight for good, a line for each device and date.

    Malformed without a ground, NothingDone while it may be on its way; Unavailable where Kafka cannot say.
    """
    if given.ground is None:
        raise Malformed({"--ground": 'what was lost, and how that is known: --ground "Kafka was lost on 2026-11-24"'})
    written_off, ways = await write_off_records(caller, given.device, given.ground)
    if ways:
        places = ", ".join(f"{topic}/{partition}" for topic, partition in ways)
        raise NothingDone(f"it may be on its way: {places} are not recorded, or not noted, up to where they were: nothing was written off")
    return "\n".join(f"written off: {each.name}" for each in written_off) or "nothing is in flight for good: nothing was written off"


async def _found(database: Database, device: str | None) -> Sequence[tuple[str, Counts]]:
    found: list[tuple[str, Counts]] = []
    after: str | None = None
    while True:
        async with database.transaction() as transaction:
            stored = StoredAccounts(transaction)
            if device is not None:
                await require_enrolled(await transaction.driver(), device)
                return [(device, await stored.total(device))]
            page = await stored.page(after, PAGE)
        found += page
        if len(page) < PAGE:
            return found
        after = page[-1][0]


def _line(device: str, counts: Counts) -> tuple[str, ...]:
    return (device, *(str(getattr(counts, name)) for name in _NAMES))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whose account is shown, and whether it must be level."""
    parser.add_argument("--device", help="only of the device with this serial")
    parser.add_argument("--level", action="store_true", help="end with 1 unless nothing is in flight")
    parser.add_argument("--write-off", action="store_true", help="say of what is in flight, and not on its way, that it is lost")
    parser.add_argument("--ground", help="on which ground it is written off, one line; the audit names it")
    operators.arguments(parser)
