"""Remote sessions as servants start and end them."""

from tartip.timetracking.v1 import remote_session_service_pb2 as pb

from ..samples import THURSDAY, at, month_of, remote
from ..serving import Timekeeping, instant, refused

ID = "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3"
START = pb.StartRemoteSessionRequest(parent="servants/S1")


async def test_a_session_starts_and_ends_now_and_makes_the_day(served: Timekeeping) -> None:
    await served.platform.take_plans([month_of("S1", since=23, plan=remote, revision=2)])
    own = await served.portal((), "S1")
    served.platform.now = at("2026-11-26T09:00")
    started = await own.sessions.StartRemoteSession(START)
    assert started == pb.RemoteSession(name=started.name, start=instant("2026-11-26T09:00"))
    served.platform.now = at("2026-11-26T13:00")
    ended = await own.sessions.EndRemoteSession(pb.EndRemoteSessionRequest(name=started.name))
    assert ended == pb.RemoteSession(name=started.name, start=started.start, end=instant("2026-11-26T13:00"))
    assert (await served.platform.days())[THURSDAY].content.seconds.worked == 4 * 3600


async def test_the_same_request_again_is_answered_alike_and_done_once(served: Timekeeping) -> None:
    own = await served.portal((), "S1")
    start = pb.StartRemoteSessionRequest(parent="servants/S1", request_id=ID)
    started = await own.sessions.StartRemoteSession(start)
    served.platform.now = at("2026-11-26T13:00")
    assert await own.sessions.StartRemoteSession(start) == started
    end = pb.EndRemoteSessionRequest(name=started.name, request_id=ID)
    ended = await own.sessions.EndRemoteSession(end)
    served.platform.now = at("2026-11-26T14:00")
    assert await own.sessions.EndRemoteSession(end) == ended
    assert await own.sessions.StartRemoteSession(start) == started, "what was answered stays answered, also when it has ended"
    rows = await served.platform.sql("SELECT count(*) AS n FROM remote_sessions")
    assert rows[0]["n"] == 1


async def test_a_session_that_goes_on_or_has_ended_is_refused_in_the_callers_language(served: Timekeeping) -> None:
    opened = await (await served.portal((), "S1")).sessions.StartRemoteSession(START)
    texts = {"kk": "әлі ашық", "ru": "Сеанс", "en": "has been open since 2026-11-26T07:00:00+00:00: end it first"}
    for language, text in texts.items():
        own = await served.portal((), "S1", language)
        refusal = await refused(own.sessions.StartRemoteSession(START))
        assert (refusal.code, refusal.reason, refusal.language) == ("FAILED_PRECONDITION", "SESSION_OPEN", language)
        assert refusal.facts == {"session": opened.name, "start": "2026-11-26T07:00:00+00:00"}
        assert text in refusal.text
    await own.sessions.EndRemoteSession(pb.EndRemoteSessionRequest(name=opened.name))
    refusal = await refused(own.sessions.EndRemoteSession(pb.EndRemoteSessionRequest(name=opened.name)))
    assert (refusal.code, refusal.reason, refusal.facts["session"]) == ("FAILED_PRECONDITION", "SESSION_ENDED", opened.name)


async def test_a_name_that_is_none_is_refused_by_its_field(served: Timekeeping) -> None:
    own = await served.portal((), "S1")
    for name in ("", "S1", "servants/", "servants/a/b", "servants/ж"):
        refusal = await refused(own.sessions.StartRemoteSession(pb.StartRemoteSessionRequest(parent=name)))
        assert (refusal.code, list(refusal.violations)) == ("INVALID_ARGUMENT", ["parent"])
    refusal = await refused(own.sessions.EndRemoteSession(pb.EndRemoteSessionRequest(name="servants/S1")))
    assert list(refusal.violations) == ["name"]
