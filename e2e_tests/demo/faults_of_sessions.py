"""Remote work in the week: ordinary days, and what goes wrong with its sessions."""

from datetime import date, datetime, time, timedelta

from .diary import Diary, Session, at_nine, is_remote
from .memory import BEAT, on_beat
from .plans import PlanRow, instant
from .routine import Walk, day_at_office
from .world import ExpectedFinding, Fault, Servant

# Sessions begin and end on the beat: people press a button, and a call has no clock of its own.
_BEFORE = BEAT
_FRIDAY = date(2026, 12, 18)


def ordinary_session(diary: Diary, servant: Servant, row: PlanRow) -> None:
    """Writes down a remote day: one session, or one before and one after the break."""
    start, end, rest = _hours(row)
    diary.write(servant, row.date, Walk(None))
    if diary.random.random() < 0.5:
        diary.sessions.append(Session(servant.id, start - _BEFORE, on_beat(end)))
        return
    diary.sessions.append(Session(servant.id, start - _BEFORE, on_beat(rest[0])))
    diary.sessions.append(Session(servant.id, _back(rest[1]), on_beat(end)))


def _back(rest_ends: datetime) -> datetime:
    """The last beat that is not after the end of the break."""
    return on_beat(rest_ends - BEAT + timedelta(seconds=1))


def _hours(row: PlanRow) -> tuple[datetime, datetime, tuple[datetime, datetime]]:
    assert row.start is not None
    assert row.end is not None
    assert row.rest is not None
    return row.start, row.end, row.rest


def _remote_day(diary: Diary, on: date | None = None) -> tuple[Servant, PlanRow]:
    servant, row = diary.pick(lambda servant, row: is_remote(servant, row) and (on is None or row.date == on))
    diary.write(servant, row.date, Walk(None))
    return servant, row


def _found(kind: str, servant: Servant, on: date, first: datetime, seconds: timedelta) -> ExpectedFinding:
    return ExpectedFinding(kind, on, servant.id, first=first, seconds=int(seconds.total_seconds()))


def remote_without_session(diary: Diary) -> None:
    servant, row = _remote_day(diary)
    start, end, rest = _hours(row)
    expected = _found("remote_without_session", servant, row.date, start, (end - start) - (rest[1] - rest[0]))
    diary.plant(Fault("remote_without_session", row.date, servant.id, expects=(expected,)))


def session_began_late(diary: Diary) -> None:
    servant, row = _remote_day(diary)
    start, end, _ = _hours(row)
    began = instant(row.date, time(10))
    diary.sessions.append(Session(servant.id, began, on_beat(end)))
    diary.plant(Fault("session_began_late", row.date, servant.id, expects=(_found("late", servant, row.date, start, began - start),)))


def session_without_end(diary: Diary) -> None:
    """Forgotten on Friday afternoon: it is assumed to last to the end of the plan."""
    servant, row = _remote_day(diary, _FRIDAY)
    start, end, rest = _hours(row)
    began = _back(rest[1])
    diary.sessions.append(Session(servant.id, start - _BEFORE, on_beat(rest[0])))
    diary.sessions.append(Session(servant.id, began, None))
    expected = _found("missing_end_of_session", servant, row.date, began, end - began)
    diary.plant(Fault("session_without_end", row.date, servant.id, expects=(expected,)))


def session_begun_early_without_end(diary: Diary) -> None:
    """Started before the plan began and forgotten: nothing lends it an end, so it is zero long, and the day has no session."""
    servant, row = _remote_day(diary, _FRIDAY)
    start, end, rest = _hours(row)
    began = start - _BEFORE
    diary.sessions.append(Session(servant.id, began, None))
    unended = _found("missing_end_of_session", servant, row.date, began, timedelta(0))
    without = _found("remote_without_session", servant, row.date, start, (end - start) - (rest[1] - rest[0]))
    diary.plant(Fault("session_begun_early_without_end", row.date, servant.id, expects=(unended, without)))


def session_at_the_office(diary: Diary) -> None:
    """A session while the plan is the office counts nothing, and is a finding; the break is not counted in it."""
    servant, row = diary.pick(at_nine)
    _, _, rest = _hours(row)
    began = instant(row.date, time(10))
    ended = instant(row.date, diary.random.choice((time(11), time(15))))
    diary.write(servant, row.date, day_at_office(diary.gates(servant, row), servant.id, row))
    diary.sessions.append(Session(servant.id, began, ended))
    within_rest = max(timedelta(0), min(ended, rest[1]) - rest[0])
    expected = _found("session_in_office_interval", servant, row.date, began, (ended - began) - within_rest)
    diary.plant(Fault("session_at_the_office", row.date, servant.id, expects=(expected,)))


def plant_faults_of_sessions(diary: Diary) -> None:
    """Plants all of them; those first that need a certain date."""
    for plant, times in (
        (session_begun_early_without_end, 1),
        (session_without_end, 2),
        (remote_without_session, 3),
        (session_began_late, 2),
        (session_at_the_office, 3),
    ):
        for _ in range(times):
            plant(diary)
