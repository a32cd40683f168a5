"""Assignments as HR officers record them."""

from datetime import date
from typing import Any

import pytest
from chassis.testing.answers import refused
from tartip.regimes.v1 import assignment_service_pb2 as pb
from tartip.regimes.v1 import plan_service_pb2

from ..serving import HR, REMOTE, Regimes, clock, flexible, month_of, new_assignment, new_rules, shift

NOVEMBER = (date(2026, 11, 2), date(2026, 11, 30))
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


@pytest.mark.parametrize(
    "regime",
    [
        {"remote": REMOTE},
        {"remote": pb.RemoteRegime(place="үйі", weekdays=[1, 3])},
        {"flexible": flexible()},
        {"shift": pb.ShiftRegime(shifts=[shift(MONDAY, "20:00", "08:00", "01:00", "02:00"), shift(date(2026, 11, 25), "09:00", "09:00")])},
    ],
    ids=["remote", "combined", "flexible", "shift"],
)
async def test_an_assignment_is_read_as_it_was_recorded(regimes: Regimes, regime: dict[str, Any]) -> None:
    hr = await regimes.portal(HR)
    request = new_assignment(*NOVEMBER, **regime)
    made = await hr.assignments.CreateAssignment(request)
    expected = pb.Assignment()
    expected.CopyFrom(request.assignment)
    expected.name, expected.etag = "servants/serikova/assignments/a1", made.etag
    assert made == expected
    assert await hr.assignments.GetAssignment(pb.GetAssignmentRequest(name=made.name)) == made
    listed = await hr.assignments.ListAssignments(pb.ListAssignmentsRequest(parent="servants/serikova"))
    assert list(listed.assignments) == [made]


async def test_an_assignment_without_an_id_gets_one(regimes: Regimes) -> None:
    made = await (await regimes.portal(HR)).assignments.CreateAssignment(new_assignment(*NOVEMBER, id="", remote=REMOTE))
    assert len(made.name.rpartition("/")[2]) == 36


async def test_a_backdated_assignment_changes_the_plans_of_its_days(regimes: Regimes) -> None:
    hr = await regimes.portal(HR)
    await hr.rules.CreateLabourOrderRules(new_rules())
    assert [event.revision for event in await regimes.composed()] == [1, 1]
    await hr.assignments.CreateAssignment(new_assignment(date(2026, 11, 9), date(2026, 11, 10), remote=REMOTE))
    changed = (await regimes.composed())[-1]
    assert (changed.revision, str(month_of(changed))) == (2, "2026-11")
    remote = [each.date.day for each in changed.days if each.kind == plan_service_pb2.PLAN_KIND_REMOTE]
    assert remote == [9, 10]
    assert {each.act for each in changed.days if each.date.day in remote} == {"№ 12-ж"}


LATER = (date(2026, 12, 1), date(2027, 1, 1))


@pytest.mark.parametrize(
    ("request_", "reason", "rule", "facts"),
    [
        (new_assignment(*LATER, remote=REMOTE), "NOT_APPOINTED", "o120-p1", {"servant": "serikova", "on": "2027-01-01"}),
        (new_assignment(*NOVEMBER, remote=pb.RemoteRegime(place=" ")), "PLACE_MISSING", "o120-p6", {}),
        (
            new_assignment(*NOVEMBER, flexible=flexible(break_start=None, break_end=None)),
            "BREAK_TOO_SHORT",
            "lc-81",
            {"seconds": "0", "limitSeconds": "1800"},
        ),
        (
            new_assignment(
                *NOVEMBER, flexible=flexible(start=clock("06:00"), end=clock("22:00"), core_start=clock("08:00"), core_end=clock("18:00"))
            ),
            "DAILY_LIMIT",
            "lc-71",
            {"seconds": "30600", "limitSeconds": "28800"},
        ),
        (
            new_assignment(*NOVEMBER, shift=pb.ShiftRegime(shifts=[shift(MONDAY, "20:00", "08:00"), shift(TUESDAY, "08:00", "20:00")])),
            "SHIFTS_IN_A_ROW",
            "lc-73",
            {"date": "2026-11-23", "nextDate": "2026-11-24"},
        ),
        (
            new_assignment(*NOVEMBER, shift=pb.ShiftRegime(shifts=[shift(MONDAY, "08:00", "20:00"), shift(TUESDAY, "07:00", "15:00")])),
            "REST_TOO_SHORT",
            "lc-83",
            {"date": "2026-11-23", "nextDate": "2026-11-24", "seconds": "39600", "limitSeconds": "43200"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_a_refusal_by_law_names_the_rule_and_its_numbers(
    regimes: Regimes, request_: pb.CreateAssignmentRequest, reason: str, rule: str, facts: dict[str, str]
) -> None:
    refusal = await refused((await regimes.portal(HR)).assignments.CreateAssignment(request_))
    assert (refusal.code, refusal.reason, refusal.facts) == ("FAILED_PRECONDITION", reason, facts)
    assert refusal.basis is not None
    assert refusal.basis.rule == rule
    assert all((refusal.basis.citation.kk, refusal.basis.citation.ru, refusal.basis.citation.en))
    assert await regimes.database.rows("SELECT * FROM assignments") == []


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (new_assignment(*NOVEMBER), ["assignment"]),
        (new_assignment(*NOVEMBER, id="not an id", remote=REMOTE), ["assignment_id"]),
        (new_assignment(*NOVEMBER, act="", remote=REMOTE), ["assignment.act"]),
        (new_assignment(*NOVEMBER, act="a" * 301, remote=REMOTE), ["assignment.act"]),
        (new_assignment(*NOVEMBER, remote=pb.RemoteRegime(place="Аста\nна")), ["assignment.remote.place"]),
        (new_assignment(*NOVEMBER, remote=pb.RemoteRegime(place="\0")), ["assignment.remote.place"]),
        (new_assignment(*NOVEMBER, remote=pb.RemoteRegime(place="x", weekdays=[9])), ["assignment.remote.weekdays"]),
        (new_assignment(*NOVEMBER, flexible=flexible(break_end=None)), ["assignment.flexible.break_end"]),
        (new_assignment(*NOVEMBER, flexible=flexible(core_end=clock("17:00"))), ["assignment.flexible.core_end"]),
        (new_assignment(*NOVEMBER, shift=pb.ShiftRegime()), ["assignment.shift.shifts"]),
        (new_assignment(*NOVEMBER, shift=pb.ShiftRegime(shifts=[pb.Shift()])), ["assignment.shift.shifts[0].date"]),
        (
            new_assignment(*NOVEMBER, shift=pb.ShiftRegime(shifts=[shift(date(2026, 12, 1), "08:00", "20:00")])),
            ["assignment.shift.shifts.date"],
        ),
        (pb.CreateAssignmentRequest(parent="servants/serikova", assignment=pb.Assignment(remote=REMOTE)), ["assignment.since"]),
    ],
)
async def test_malformed_assignments_are_refused_by_the_field(
    regimes: Regimes, request_: pb.CreateAssignmentRequest, fields: list[str]
) -> None:
    refusal = await refused((await regimes.portal(HR)).assignments.CreateAssignment(request_))
    assert (refusal.code, list(refusal.violations)) == ("INVALID_ARGUMENT", fields)


async def test_a_reversed_span_is_refused(regimes: Regimes) -> None:
    refusal = await refused((await regimes.portal(HR)).assignments.CreateAssignment(new_assignment(TUESDAY, MONDAY, remote=REMOTE)))
    assert (refusal.reason, refusal.facts) == ("SPAN_REVERSED", {"since": "2026-11-24", "until": "2026-11-23"})
