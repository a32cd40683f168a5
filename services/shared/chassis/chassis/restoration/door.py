"""The door of a database that came back from a backup: locked to the service's processes until it was brought together with its topics.

A process that started before would write over what tells that something is missing, and publish states that others pass over as old ones.
"""

from chassis.database import Transaction
from chassis.roles import role

# Those that processes enter with; the migrator owns the database and comes in at any time.
_ENTER = ("app", "worker")


async def lock(transaction: Transaction, service: str) -> None:
    """Takes from the service's processes the right to enter; connections that are open stay. Repeated it changes nothing."""
    await _change(transaction, f"REVOKE CONNECT ON DATABASE {{database}} FROM {_roles(service)}")


async def unlock(transaction: Transaction, service: str) -> None:
    """Gives them the right again."""
    await _change(transaction, f"GRANT CONNECT ON DATABASE {{database}} TO {_roles(service)}")


async def _change(transaction: Transaction, statement: str) -> None:
    driver = await transaction.driver()
    await driver.execute(statement.format(database=await driver.fetchval("SELECT quote_ident(current_database())")))


def _roles(service: str) -> str:
    return ", ".join(f'"{role(service, part)}"' for part in _ENTER)
