"""A session of remote work, from its start to its end."""

from datetime import UTC, datetime, timedelta

import pytest
from kernel.faults import WrongState
from timetracking.sessions.domain import RemoteSession

START = datetime(2026, 11, 24, 4, tzinfo=UTC)


def test_a_session_ends_once_and_never_before_it_began() -> None:
    session = RemoteSession("r1", "S1", START)
    assert session.ended(START - timedelta(seconds=5)).end == START
    ended = session.ended(START + timedelta(hours=1))
    with pytest.raises(WrongState) as refused:
        ended.ended(START + timedelta(hours=2))
    assert refused.value.reason == "SESSION_ENDED"
    assert dict(refused.value.facts) == {"session": "servants/S1/remoteSessions/r1", "end": START + timedelta(hours=1)}


def test_a_long_session_touches_every_window_between_its_ends() -> None:
    session = RemoteSession("r1", "S1", START, START + timedelta(hours=13))
    assert session.instants() == [int((START + timedelta(hours=n)).timestamp()) for n in (0, 6, 12, 13)]
    assert RemoteSession("r1", "S1", START).instants() == [int(START.timestamp())] * 2
