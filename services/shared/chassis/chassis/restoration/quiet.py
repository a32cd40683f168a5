"""Whether a service's database has rest: what is put right after a loss must not change under the hands of those who do it."""

from chassis.commands import NothingDone
from chassis.database import Transaction

_AT_WORK = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = ANY ($1::text[]) ORDER BY 1
"""
# A gateway publishes no states, but knows its devices from this database, and brings passages where places in topics are forgotten.
_PROCESSES = ("serve", "consume", "work", "gateway")


async def require_quiet(transaction: Transaction, service: str) -> None:
    """NothingDone while a process of the service is at work in the database."""
    names = [f"{service} {each}" for each in _PROCESSES]
    if busy := await (await transaction.driver()).fetch(_AT_WORK, names):
        at_work = ", ".join(row["application_name"] for row in busy)
        raise NothingDone(f"{at_work} is at work in this database: nothing was changed; end all processes of the service first")
