"""Reconciling at the command line: are the days as their facts give them?"""

import argparse
from datetime import date, timedelta

from chassis.commands import NotAsItMustBe, NothingDone, count, day
from kernel.faults import Malformed

from timetracking.reconciliation.domain import Compared
from timetracking.reconciliation.use_cases import DAYS_BACK, Reconcile

SAMPLE = 1_000
# More than a person reads; all of them are due.
MOST_SHOWN = 100


async def reconcile(compare: Reconcile, given: argparse.Namespace) -> str:
    """Compares a sample or all, and says what differs; NotAsItMustBe where something does that no change of the law explains.

    Refuses a beginning that is yet to come in the zone as malformed, says NothingDone where no day was compared.
    """
    today = compare.today()
    since: date = given.since or today - timedelta(days=DAYS_BACK)
    if since > today:
        raise Malformed({"since": f"at the latest {today}, which is today in {compare.zone} by the platform's clock (TARTIP_CLOCK)"})
    found = await (compare.all(since) if given.all else compare.sample(given.sample, since, compare.clock().isoformat()))
    if not found.days:
        raise NothingDone(f"nothing was compared: {_waiting(found) if found.waiting else f'there are no computed days since {since}'}")
    told = _told(found, since)
    if found.wrong:
        raise NotAsItMustBe(told)
    return told


def _told(found: Compared, since: date) -> str:
    older = len(found.differences) - len(found.wrong)
    verdict = (
        f"{len(found.wrong)} are not as their facts give them, and were made due" if found.wrong else "all are as their facts give them"
    )
    lines = [f"{each.day[1]}  stateBodies/{each.body}  {', '.join(each.parts)}" for each in found.wrong[:MOST_SHOWN]]
    return "\n".join(
        [
            *lines,
            f"{found.days} days since {since} compared: {verdict}",
            *([f"{older} more were computed under another edition of the law, and stay"] if older else []),
            *([_waiting(found)] if found.waiting else []),
        ]
    )


def _waiting(found: Compared) -> str:
    return f"{found.waiting} have facts that wait to be computed, and were left out"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which days are compared."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--sample", type=count, default=SAMPLE, help=f"so many days, drawn by lot ({SAMPLE})")
    which.add_argument("--all", action="store_true", help="every day")
    parser.add_argument("--since", type=day, help=f"only of this date or later ({DAYS_BACK} days ago)")
