"""Starting and ending remote sessions, and the ports that it needs."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from chassis.access import Caller
from chassis.clock import Clock
from chassis.recording import Recording
from kernel.days import DaySpan
from kernel.faults import WrongState
from kernel.identifiers import new_id

from timetracking.people.domain import Servant
from timetracking.sessions.domain import RemoteSession

# The working time of remote people is recorded by fixed accounting.
GROUND = "o120-p9"


class Servants(Protocol):
    """The servants that the registry told of."""

    async def require(self, servant: str, visible_to: Caller, during: DaySpan | None = None) -> None:
        """Returns if the servant is within the caller's reach; NotFound otherwise, Unavailable while they may still be told of."""

    async def find(self, servants: Iterable[str]) -> Mapping[str, Servant]:
        """Returns those of the IDs that are known, with their appointments."""


class Sessions(Protocol):
    """The remote sessions."""

    async def open_one(self, servant: str) -> RemoteSession | None:
        """Returns the servant's session that goes on, if there is one."""

    async def get(self, servant: str, session: str, visible_to: Caller) -> RemoteSession:
        """Returns the session; NotFound if it is not the caller's own."""

    async def add(self, session: RemoteSession) -> None:
        """Records a session that begins."""

    async def end(self, session: RemoteSession) -> None:
        """Records the end of a session."""


class Work(Recording, Protocol):
    """One transaction over sessions and the days that follow from them."""

    @property
    def servants(self) -> Servants: ...
    @property
    def sessions(self) -> Sessions: ...

    async def hold_settings(self) -> None:
        """Waits for a change of device settings at work, and keeps others from beginning one."""

    async def lock_servants(self, servants: Collection[str]) -> None:
        """Waits for the servants' days and holds them."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]
Compute = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class StartRemoteSession:
    """A servant begins to work remotely, now."""

    begin: Begin
    compute: Compute
    clock: Clock

    async def __call__(self, caller: Caller, servant: str) -> RemoteSession:
        """Returns the session; refuses NOT_FOUND (another servant), SESSION_OPEN, PROJECTION_BEHIND."""
        session = RemoteSession(new_id(), servant, self.clock().replace(microsecond=0))
        async with self.begin(caller) as work:
            await work.hold_settings()
            await work.lock_servants([servant])
            # Under the lock: whoever was erased while we waited for it is not there any more.
            await work.servants.require(servant, visible_to=caller)
            going_on = await work.sessions.open_one(servant)
            if going_on is not None:
                raise WrongState("SESSION_OPEN", session=going_on.name, start=going_on.start)
            await work.sessions.add(session)
            await self.compute(work, instants={servant: session.instants()})
            work.record("remote-session.start", session.name, GROUND, after=session, body=await _body(work, servant))
        return session


@dataclass(frozen=True, slots=True)
class EndRemoteSession:
    """A servant ends a session of remote work, now."""

    begin: Begin
    compute: Compute
    clock: Clock

    async def __call__(self, caller: Caller, servant: str, session: str) -> RemoteSession:
        """Returns the session; refuses NOT_FOUND, SESSION_ENDED."""
        async with self.begin(caller) as work:
            await work.hold_settings()
            await work.lock_servants([servant])
            before = await work.sessions.get(servant, session, visible_to=caller)
            ended = before.ended(self.clock().replace(microsecond=0))
            await work.sessions.end(ended)
            await self.compute(work, instants={servant: ended.instants()})
            work.record("remote-session.end", ended.name, GROUND, before=before, after=ended, body=await _body(work, servant))
        return ended


async def _body(work: Work, servant: str) -> str | None:
    """The body whose auditors see what the servant did."""
    held = (await work.servants.find([servant])).get(servant)
    return held.newest_body if held else None
