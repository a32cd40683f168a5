"""Which errors pass by themselves: something that the work needs is away, and the work itself is sound.

The list is closed. What stands on it is waited for; anything else is a refusal or a bug of the program.
"""

import ssl
from collections.abc import Iterator

import asyncpg
import grpc
import sqlalchemy.exc
from kernel.faults import Fault, Unavailable

# PostgreSQL's classes: 08 connection, 53 resources, 57P server shut down or starting, 58 the system beneath it.
_CLASSES = ("08", "53", "57P", "58")
# Serialization failure, deadlock, lock not to be had: the same work succeeds when the others are through.
_CONTENTION = frozenset({"40001", "40P01", "55P03"})
# Statement, transaction and idle-in-transaction timeout.
_OUT_OF_TIME = frozenset({"57014", "25P04", "25P03"})
# A migration has changed what a statement gives that a connection had prepared before: the next time it is prepared anew.
_PREPARED_BEFORE = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
_GRPC = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


def is_transient(error: BaseException) -> bool:
    """Whether to hold and try again: the database or the broker is away, a service is, or time ran out.

    A fault is what it says, whatever it was raised from.
    """
    if isinstance(error, Fault):
        return isinstance(error, Unavailable)
    return any(_passes_by_itself(link) for link in _chain(error))


def state_of(error: BaseException) -> str:
    """PostgreSQL's word for what happened (SQLSTATE), "" where it did not speak."""
    return next(filter(None, map(_sqlstate, _chain(error))), "")


def distrust_of(error: BaseException) -> str:
    """Why the database is not entered: it is not the one that its URL takes it for, or does not speak as that asks; "" for all else."""
    for link in _chain(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            return f"its certificate is not what sslmode and sslrootcert of the URL ask for: {link.verify_message}"
        if isinstance(link, ConnectionError) and "rejected SSL upgrade" in str(link):  # the driver has no kind of its own for it
            return "it does not speak TLS, which sslmode of the URL asks for"
    return ""


def is_out_of_time(error: BaseException) -> bool:
    """Whether time ran out; less work at once may then help."""
    return any(isinstance(link, TimeoutError) or _sqlstate(link) in _OUT_OF_TIME for link in _chain(error))


def _passes_by_itself(error: BaseException) -> bool:
    # OSError holds ConnectionError, TimeoutError, name resolution, and the missing socket of a stopped PostgreSQL.
    if isinstance(error, (Unavailable, OSError, sqlalchemy.exc.TimeoutError, *_PREPARED_BEFORE)):
        return True
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, grpc.RpcError):
        code = getattr(error, "code", None)
        return callable(code) and code() in _GRPC
    state = _sqlstate(error)
    return state.startswith(_CLASSES) or state in _CONTENTION or state in _OUT_OF_TIME


def _sqlstate(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from (SQLAlchemy's lies over the database's own), and what a task group holds."""
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        link = ahead.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        ahead += [link.__cause__, getattr(link, "orig", None)]
        if isinstance(link, BaseExceptionGroup):
            ahead += link.exceptions
