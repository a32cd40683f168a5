"""Badges as HR officers give them into people's hands."""

from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from tartip.timetracking.v1 import device_service_pb2 as pb

from ..samples import MONDAY, four
from ..serving import HR, Timekeeping, instant, new_badge, outcome, refused

ID = "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3"


async def test_a_badge_is_read_as_it_was_assigned_and_brings_the_days_of_its_reads(served: Timekeeping) -> None:
    await served.platform.record(four(MONDAY, "20"))
    hr = await served.portal(HR)
    request = new_badge(until="2026-11-30T18:30")
    made = await hr.devices.AssignBadge(request)
    expected = pb.Badge()
    expected.CopyFrom(request.badge)
    expected.name = made.name
    assert made == expected
    assert made.name.startswith("servants/S2/badges/")
    assert list((await hr.devices.ListBadges(pb.ListBadgesRequest(parent="servants/S2"))).badges) == [made]
    assert (await served.platform.days("S2"))[MONDAY].content.seconds.worked == 8 * 3600


async def test_the_same_request_again_is_answered_alike_and_done_once(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    request = new_badge(request_id=ID)
    assert await hr.devices.AssignBadge(request) == await hr.devices.AssignBadge(request)
    assert len((await hr.devices.ListBadges(pb.ListBadgesRequest(parent="servants/S2"))).badges) == 1
    assert (await refused(hr.devices.AssignBadge(new_badge("21", request_id=ID)))).reason == "REQUEST_ID_REUSED"


async def test_a_badge_in_another_hand_is_refused_in_the_callers_language(served: Timekeeping) -> None:
    texts = {
        "kk": "Бұл рұқсаттама осы кезеңде біреуде бар: 2026-10-31T19:00:00+00:00 — ….",
        "ru": "Этот пропуск в указанный период уже выдан: 2026-10-31T19:00:00+00:00 — ….",
        "en": "This badge is held by somebody in that span: 2026-10-31T19:00:00+00:00 to ….",
    }
    for language, text in texts.items():
        hr = await served.portal(HR, language=language)
        refusal = await refused(hr.devices.AssignBadge(new_badge("17")))
        assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "BADGE_SPANS_OVERLAP")
        assert refusal.facts == {"since": "2026-10-31T19:00:00+00:00", "until": "…"}
        assert (refusal.language, refusal.text) == (language, text)


async def test_what_cannot_be_is_refused_by_its_field(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    malformed: list[tuple[pb.AssignBadgeRequest, str]] = [
        (new_badge(servant="no servant"), "parent"),
        (new_badge(badge_system=""), "badge.badge_system"),
        (new_badge(badge_system="a b"), "badge.badge_system"),
        (new_badge(badge_number=""), "badge.badge_number"),
        (new_badge(badge_number=" 17"), "badge.badge_number"),
        (new_badge(badge_number="1\x007"), "badge.badge_number"),
        (new_badge(badge_number="1" * 65), "badge.badge_number"),
        (new_badge(since=None), "badge.since"),
    ]
    since: Any
    for since in (Timestamp(seconds=1, nanos=1), Timestamp(seconds=2**62), Timestamp(seconds=-62_135_596_800), Timestamp(seconds=-1)):
        changed = new_badge()
        changed.badge.since.CopyFrom(since)
        malformed.append((changed, "badge.since"))
    endless = new_badge()
    endless.badge.until.CopyFrom(Timestamp(seconds=253_402_300_799))
    malformed.append((endless, "badge.until"))
    for request, field in malformed:
        refusal = await refused(hr.devices.AssignBadge(request))
        assert (refusal.code, list(refusal.violations)) == ("INVALID_ARGUMENT", [field]), request
    reversed_ = await refused(hr.devices.AssignBadge(new_badge(since="2026-11-24T09:00", until="2026-11-24T09:00")))
    assert (reversed_.code, reversed_.reason) == ("FAILED_PRECONDITION", "SPAN_REVERSED")
    assert list((await refused(hr.devices.ListBadges(pb.ListBadgesRequest(parent="S1")))).violations) == ["parent"]


async def test_badges_are_listed_by_start_page_by_page_for_the_caller_alone(served: Timekeeping) -> None:
    hr, own = await served.portal(HR), await served.portal((), "S2")
    for number in ("23", "21", "22"):
        await hr.devices.AssignBadge(new_badge(number, since=f"2026-11-{number}T00:00"))

    async def page(of: Any, token: str = "", size: int = 2) -> pb.ListBadgesResponse:
        request = pb.ListBadgesRequest(parent="servants/S2", page_size=size, page_token=token)
        answer: pb.ListBadgesResponse = await of.devices.ListBadges(request)
        return answer

    first = await page(own)
    rest = await page(own, first.next_page_token)
    assert [each.badge_number for each in (*first.badges, *rest.badges)] == ["21", "22", "23"]
    assert (rest.next_page_token, first.badges[0].since) == ("", instant("2026-11-21T00:00"))
    assert await outcome(page(hr, first.next_page_token)) == "PAGE_TOKEN"
    request = pb.ListBadgesRequest(parent="servants/S1", page_token=(await page(hr)).next_page_token)
    assert await outcome(hr.devices.ListBadges(request)) == "PAGE_TOKEN"
