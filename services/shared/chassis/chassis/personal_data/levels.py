"""Before which date nothing is kept any more: what is older is never computed again, or it would come out as if nothing had happened."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from kernel.days import months_after
from lawbook import Lawbook

from chassis.database import LONGEST_TRANSACTION_S, Transaction

MONTHS_A_YEAR = 12
# The first days that are kept follow from what was before them: their facts are kept so much longer.
FACTS_BEFORE = timedelta(days=7)
# A zone's date may be the one before.
A_DAY = timedelta(days=1)
# Whoever read an older level has ended by then, with whatever was computed by it: rows are deleted only afterwards.
SETTLED_AFTER_S = 6 * LONGEST_TRANSACTION_S

_KEPT_SINCE = "SELECT kept_since FROM retention_levels WHERE term = $1"
_RAISE = """
INSERT INTO retention_levels AS held (term, kept_since) SELECT * FROM unnest($1::text[], $2::date[])
ON CONFLICT (term) DO UPDATE SET kept_since = excluded.kept_since, raised_at = clock_timestamp() WHERE held.kept_since < excluded.kept_since
RETURNING term
"""
_SETTLED = """
SELECT term, kept_since FROM retention_levels WHERE raised_at <= clock_timestamp() - $1 * interval '1 second'
"""


def first_kept(term: str, law: Lawbook, now: datetime) -> date:
    """The first date of which everything is kept now, by a term of the lawbook in years or days."""
    today = now.date() - A_DAY
    provision = law.require(term, today)
    if provision.unit == "years":
        return months_after(today, -MONTHS_A_YEAR * provision.value)
    if provision.unit == "days":
        return today - timedelta(days=provision.value)
    raise ValueError(f"{term} is a term in years or days, not in {provision.unit}")


async def kept_since(transaction: Transaction, term: str) -> date | None:
    """The first date of which everything is kept by a term; None while nothing was ever deleted by it."""
    level: date | None = await (await transaction.driver()).fetchval(_KEPT_SINCE, term)
    return level


async def raise_levels(transaction: Transaction, levels: Mapping[str, date]) -> bool:
    """Raises the levels of these terms, which never go back; whether any was."""
    driver = await transaction.driver()
    return bool(await driver.fetch(_RAISE, list(levels), list(levels.values())))


async def settled_levels(transaction: Transaction, after_s: float = SETTLED_AFTER_S) -> Mapping[str, date]:
    """The levels by which everybody goes already, by term."""
    rows = await (await transaction.driver()).fetch(_SETTLED, after_s)
    return {row["term"]: row["kept_since"] for row in rows}
