"""Sessions of remote work: the fixed accounting of Order 120, point 9."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kernel.faults import WrongState

from timetracking.names import session_name

# A window shorter than this is a neighbour of one that is met, and neighbours are computed too.
_STEP = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class RemoteSession:
    """A servant works remotely from `start`, in whole seconds, to `end`, or on and on."""

    session: str
    servant: str
    start: datetime
    end: datetime | None = None

    @property
    def name(self) -> str:
        """The session's resource name."""
        return session_name(self.servant, self.session)

    def ended(self, at: datetime) -> "RemoteSession":
        """The session as it ended; refused where it has ended already."""
        if self.end is not None:
            raise WrongState("SESSION_ENDED", session=self.name, end=self.end)
        return replace(self, end=max(at, self.start))

    def instants(self) -> list[int]:
        """Instants in every window that the session touches, by whole seconds since 1970."""
        found, at = [self.start], self.start + _STEP
        while self.end is not None and at < self.end:
            found.append(at)
            at += _STEP
        return [int(each.timestamp()) for each in (*found, self.end or self.start)]
