"""Days and findings as people ask for them."""

import json
from datetime import date
from typing import Any

from chassis.testing.contracts import unset_fields
from google.type import date_pb2
from tartip.regimes.v1 import plan_service_pb2 as plan_pb
from tartip.timetracking.v1 import workday_service_pb2 as pb

from ..samples import MONDAY, THURSDAY, TUESDAY, WEDNESDAY, passage
from ..serving import HR, KGD, Timekeeping, days_of, findings_of, instant, outcome, refused

S1 = "servants/S1"
TUESDAY_OF_S1 = f"{S1}/workdays/2026-11-24"


async def test_a_day_is_shown_with_its_figures_stays_and_marks(served: Timekeeping) -> None:
    await served.platform.device("mf", body="MF")
    await served.platform.record([passage("2026-11-24T08:50:00", device="mf"), passage("2026-11-24T08:58:00", "out", device="mf")])
    shown = await (await served.portal(HR)).workdays.GetWorkday(pb.GetWorkdayRequest(name=TUESDAY_OF_S1))
    seconds = pb.WorkdaySeconds(worked=8 * 3600 - 760, outside_hours=8 * 60 + 3 * 60, gap=7 * 60, late=760)
    seconds.known = seconds.worked + seconds.outside_hours + seconds.gap
    expected = pb.Workday(
        name=TUESDAY_OF_S1,
        date=date_pb2.Date(year=2026, month=11, day=24),
        body="KGD",
        unit="hr",
        plan_kind=plan_pb.PLAN_KIND_OFFICE,
        state=pb.WORKDAY_STATE_COMPUTED,
        window_start=instant("2026-11-24T04:00"),
        window_end=instant("2026-11-25T04:00"),
        seconds=seconds,
        marks=[pb.WORKDAY_MARK_ANOTHER_PLACE],
        revision=shown.revision,
        edition=served.platform.law.edition,
    )
    for start, end in (("08:50:00", "08:58:00"), ("09:12:40", "13:02:00"), ("14:25:00", "18:33:00")):
        expected.stays.add(start=instant(f"2026-11-24T{start}"), end=instant(f"2026-11-24T{end}"), place=plan_pb.PLACE_OFFICE)
    assert shown == expected
    assert unset_fields(shown) - {f"stays.{name}" for name in ("assumed", "premises")} == {"closed_seconds"}


async def test_days_are_listed_by_servant_and_date_page_by_page_for_the_caller_alone(served: Timekeeping) -> None:
    hr, inspector = await served.portal(HR), await served.portal(("/regions/75/inspector",))

    async def page(of: Any, size: int = 4, token: str = "", until: date = WEDNESDAY) -> pb.ListWorkdaysResponse:
        answer: pb.ListWorkdaysResponse = await of.workdays.ListWorkdays(days_of(page_size=size, page_token=token, until=until))
        return answer

    first = await page(hr)
    rest = await page(hr, token=first.next_page_token)
    names = [each.name.removeprefix("servants/") for each in (*first.workdays, *rest.workdays)]
    assert names == [f"{id}/workdays/2026-11-{day}" for id in ("S1", "S2") for day in (23, 24, 25)]
    assert rest.next_page_token == ""
    assert len((await page(hr, 10_000)).workdays) == len((await page(inspector, 0)).workdays) == 6
    for refusal in (
        await refused(page(inspector, token=first.next_page_token)),
        await refused(page(hr, token=first.next_page_token, until=TUESDAY)),
        await refused(page(hr, token="AAAA")),
        await refused(hr.workdays.ListFindings(findings_of(page_token=first.next_page_token))),
    ):
        assert (refusal.code, refusal.reason, list(refusal.violations)) == ("INVALID_ARGUMENT", "PAGE_TOKEN", ["page_token"])


async def test_findings_are_shown_with_their_basis_in_law_and_a_text_for_people(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    (late,) = (await hr.workdays.ListFindings(findings_of(KGD, pb.FINDING_KIND_LATE))).findings
    assert (late.servant, late.device, late.body, late.state, late.severity) == (S1, "", "KGD", pb.FINDING_STATE_RAISED, "breach")
    assert (late.first, late.seconds, late.date.day) == (instant("2026-11-24T09:00"), 760, 24)
    assert (late.message.kk, late.message.ru, late.message.en) == (
        "Жұмысқа кешігу: 12 мин 40 с.",
        "Опоздание на работу: 12 мин 40 с.",
        "Late for work by 12 min 40 s.",
    )
    assert (late.basis.rule, late.basis.edition) == ("o121-p4", served.platform.law.edition)
    assert unset_fields(late.basis) == set()
    assert all((late.basis.citation.kk, late.basis.citation.ru, late.basis.citation.en, late.basis.title.kk))
    found = (await hr.workdays.ListFindings(findings_of())).findings
    assert [(each.servant, each.kind) for each in found] == [
        (S1, pb.FINDING_KIND_LATE),
        *[("servants/S2", pb.FINDING_KIND_ABSENT)] * 3,
    ]
    assert {each.basis.rule for each in found} == {"o121-p4"}


async def test_findings_are_filtered_and_paged(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    first = await hr.workdays.ListFindings(findings_of(page_size=3))
    rest = await hr.workdays.ListFindings(findings_of(page_size=3, page_token=first.next_page_token))
    assert (len(first.findings), len(rest.findings), rest.next_page_token) == (3, 1, "")
    other = findings_of(KGD, pb.FINDING_KIND_LATE, page_size=3, page_token=first.next_page_token)
    assert await outcome(hr.workdays.ListFindings(other)) == "PAGE_TOKEN"
    withdrawn = (await hr.workdays.ListFindings(findings_of(S1, withdrawn=True))).findings
    assert {each.state for each in withdrawn} == {pb.FINDING_STATE_RAISED, pb.FINDING_STATE_WITHDRAWN}
    assert len((await hr.workdays.ListFindings(findings_of("servants/S2", since=TUESDAY, until=TUESDAY))).findings) == 1


async def test_a_day_is_explained_from_its_reads_to_its_articles(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    explained = await hr.workdays.ExplainWorkday(pb.ExplainWorkdayRequest(name=TUESDAY_OF_S1))
    assert explained.workday == await hr.workdays.GetWorkday(pb.GetWorkdayRequest(name=TUESDAY_OF_S1))
    assert [(each.event_key, each.direction, each.outcome) for each in explained.reads] == [
        ("17|2026-11-24T09:12:40|in", 1, pb.READ_OUTCOME_COUNTED),
        ("17|2026-11-24T13:02:00|out", 2, pb.READ_OUTCOME_COUNTED),
        ("17|2026-11-24T14:25:00|in", 1, pb.READ_OUTCOME_COUNTED),
        ("17|2026-11-24T18:33:00|out", 2, pb.READ_OUTCOME_COUNTED),
    ]
    assert {(each.device, each.premises, each.another_place) for each in explained.reads} == {("gate", "HQ", False)}
    assert explained.reads[0].received_at == instant("2026-11-24T09:12:42")
    assert (explained.plan.act, explained.plan.kind, explained.plan.intervals[0].premises) == ("№ 1", plan_pb.PLAN_KIND_OFFICE, "HQ")
    assert (explained.plan.norm.seconds, explained.plan.intervals[0].start) == (28800, instant("2026-11-24T09:00"))
    parameters = {each.parameter: each for each in explained.parameters}
    assert json.loads(parameters["working-day/day-border"].value_json) == "04:00"
    assert all(each.citation.kk and each.citation.ru and each.citation.en and each.confidence for each in explained.parameters)
    assert [each.kind for each in explained.findings] == [pb.FINDING_KIND_LATE]
    assert [each.revision for each in explained.versions] == list(range(1, explained.workday.revision + 1))
    assert explained.versions[-1].seconds == explained.workday.seconds
    audit = await served.platform.sql("SELECT action, resource, rule FROM audit_records ORDER BY id DESC LIMIT 1")
    assert tuple(audit[0]) == ("workday.explain", TUESDAY_OF_S1, "o15-p4-5")


async def test_a_day_in_progress_and_a_day_that_waits_are_shown_as_such(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    await served.platform.record([passage("2026-11-26T08:55:00"), passage("2026-11-20T08:55:00")])
    states = {
        each.date.day: (each.state, each.plan_kind)
        for each in (await hr.workdays.ListWorkdays(days_of(S1, date(2026, 11, 20), THURSDAY))).workdays
    }
    assert states[26] == (pb.WORKDAY_STATE_IN_PROGRESS, plan_pb.PLAN_KIND_OFFICE)
    assert states[20] == (pb.WORKDAY_STATE_WAITING, plan_pb.PLAN_KIND_UNSPECIFIED)
    explained = await hr.workdays.ExplainWorkday(pb.ExplainWorkdayRequest(name=f"{S1}/workdays/2026-11-20"))
    assert not explained.HasField("plan")


async def test_a_question_that_cannot_be_is_refused_by_its_field(served: Timekeeping) -> None:
    hr = await served.portal(HR)
    bad_since, bad_until = days_of(), days_of()
    bad_since.since.month, bad_until.until.day = 13, 0
    bad_kind, later_kind = findings_of(), findings_of()
    bad_kind.kinds.append(0)  # type: ignore[arg-type]
    later_kind.kinds.append(99)  # type: ignore[arg-type]
    long = days_of(since=date(2025, 1, 1), until=date(2026, 12, 31))
    asked: list[tuple[Any, str]] = [
        (hr.workdays.ListWorkdays(days_of("KGD")), "parent"),
        (hr.workdays.ListWorkdays(days_of(f"{KGD}/devices/gate")), "parent"),
        (hr.workdays.ListWorkdays(bad_since), "since"),
        (hr.workdays.ListWorkdays(bad_until), "until"),
        (hr.workdays.ListWorkdays(long), "until"),
        (hr.workdays.ListFindings(bad_kind), "kinds"),
        (hr.workdays.ListFindings(later_kind), "kinds"),
        (hr.workdays.GetWorkday(pb.GetWorkdayRequest(name=S1)), "name"),
        (hr.workdays.GetWorkday(pb.GetWorkdayRequest(name=f"{S1}/workdays/2026-02-30")), "name"),
        (hr.workdays.ExplainWorkday(pb.ExplainWorkdayRequest(name=f"{S1}/workdays/24.11.2026")), "name"),
    ]
    for call, field in asked:
        refusal = await refused(call)
        assert (refusal.code, list(refusal.violations)) == ("INVALID_ARGUMENT", [field])
    refusal = await refused(hr.workdays.ListFindings(findings_of(since=TUESDAY, until=MONDAY)))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "SPAN_REVERSED")
    assert refusal.facts == {"since": "2026-11-24", "until": "2026-11-23"}
    assert await outcome(hr.workdays.GetWorkday(pb.GetWorkdayRequest(name=f"{S1}/workdays/0001-01-01"))) == "NOT_FOUND"
