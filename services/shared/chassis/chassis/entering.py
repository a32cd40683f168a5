"""Entering a service's database, and what is said of one that cannot be entered or is away.

Whoever may try again is told `Away`; whom a setting keeps out is told the setting, and never a password.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import asyncpg
import structlog
from kernel.faults import Unavailable
from sqlalchemy import URL

from chassis.settings import SettingsError, variable
from chassis.transient import distrust_of, is_transient, state_of
from chassis.urls import place_of

# The reason with which a call is refused while the database is away.
AWAY = "UNAVAILABLE"
# A table that every service has, and that keeps the answers of each caller apart. None where nothing was migrated yet.
_BOUND = "SELECT row_security_active(to_regclass('public.request_results'))"
# What the server says at its door to whom it does not let in, by class of its states.
_NOT_LET_IN = {"28": "it does not know this user, or not with this password or on this way (sslmode)", "3D": "there is no such database"}
# The database is locked until it was brought together with its topics (`chassis.restoration.door`): whoever waits comes in later.
_LOCKED = "42501"

log = structlog.get_logger(__name__)


class Unanswered(ConnectionError):
    """The database was asked and said nothing: it hangs, or the way to it is cut. Less work at once would not help."""


class Away(Unavailable):
    """The database is away; `where` says which, to operators alone: it is none of the facts that callers are told."""

    def __init__(self, where: str) -> None:
        super().__init__(AWAY)
        self.where = where


class Locked(Away):
    """The database is there and its door is locked: it came back from a backup, and is not brought together with its topics yet."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where} locks this role out: until it is brought together with its topics (docs/restore.md, a database is lost, steps 3 to 6),"
            " or for ever where the role is another service's"
        )


class NotLetIn(SettingsError):
    """A process may not enter its database: its password or its name is wrong, or the database's."""


class WrongRole(SettingsError):
    """A process entered its database in a role that sees more, or less, than it may rely on."""


@contextmanager
def entering(url: str | URL, setting: str = "database_url") -> Iterator[None]:
    """Says of a database that cannot be entered which one it is, and never its password.

    Raises Away where the same may succeed later, or Locked, which is told to the log; NotLetIn, with the variable of the setting, where it will not.
    """
    try:
        yield
    except Exception as error:
        if why := _NOT_LET_IN.get(state_of(error)[:2]) or distrust_of(error):
            raise NotLetIn(f"{variable(setting)}: {place_of(url)} does not let us in: {why}") from None
        if state_of(error) == _LOCKED:
            locked = Locked(place_of(url))
            log.warning("the database locks us out; it is waited for", where=locked.where)
            raise locked from error
        if not is_away(error):
            raise
        raise Away(place_of(url)) from word_of(error)


async def is_role(driver: Any, expected: Literal["app", "worker"], within_s: float) -> bool:
    """Whether the database was entered in the role that is expected; False where nothing was migrated yet and nobody can know.

    Raises WrongRole where row-level security holds a worker, or does not hold the application.
    """
    bound = await driver.fetchval(_BOUND, timeout=within_s)
    if bound is not None and bound != (expected == "app"):
        how = "is held by row-level security: rows would be missing" if bound else "passes row-level security by: nothing would hold it"
        user = await driver.fetchval("SELECT current_user")
        raise WrongRole(f"the database's role {user} {how}; enter as the service's {expected}")
    return bound is not None


def is_away(error: Exception) -> bool:
    """Whether the database is what failed, and the same may succeed later."""
    # The driver says these without a state: the connection it was lent has been cut, or the server's farewell came
    # between two operations and it has not closed the connection yet.
    cut = isinstance(error, asyncpg.InterfaceError) and "connection is closed" in str(error)
    leaving = isinstance(error, asyncpg.InternalClientError) and "cannot switch to state" in str(error)
    return cut or leaving or is_transient(error)


def word_of(error: Exception) -> Exception:
    """The error, or that there was no answer: a wait that ended here is no word of the database that time ran out."""
    return Unanswered() if isinstance(error, TimeoutError) else error
