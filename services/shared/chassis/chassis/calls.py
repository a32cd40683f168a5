"""The call that the present task works for, as audit and outbox see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chassis.access import Caller


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its method ("/tartip.registry.v1.StateBodyService/CreateStateBody" or "job:…"), id, caller, and what it is said to be for."""

    method: str
    request_id: str
    caller: "Caller | None" = None
    purpose: str | None = None


_current: ContextVar[Call | None] = ContextVar("tartip_call", default=None)


def current_call() -> Call | None:
    """The call at work, or None outside of one."""
    return _current.get()


@contextmanager
def working_for(call: Call) -> Iterator[Call]:
    """Everything inside is done for this call."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)
