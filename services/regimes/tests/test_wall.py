"""Row-level security behind the filters: a query that forgets its filter gives nothing of others."""

from datetime import date

import pytest
from chassis.personal_data.holds import save_holds
from chassis.testing.answers import refused
from chassis.testing.tokens import caller
from chassis.testing.wall import open_tables, seen_by
from google.protobuf.message import Message
from kernel.days import DaySpan
from kernel.holds import Hold
from regimes.people.tables import AppointmentRow, BodyRow
from sqlalchemy import true
from tartip.regimes.v1 import assignment_service_pb2 as a_pb
from tartip.regimes.v1 import labour_order_rules_service_pb2 as r_pb
from tartip.regimes.v1 import plan_service_pb2 as p_pb

from .serving import Regimes, day

# What is to be done, only added to by the application; and how far it is.
OPEN = {"due_months", "rolling"}
HR, MF = "/state-bodies/KGD/hr-officer", "/state-bodies/MF/hr-officer"


async def test_every_table_of_people_and_bodies_has_a_policy(regimes: Regimes) -> None:
    assert await open_tables(regimes.database) == OPEN


@pytest.mark.parametrize("grants", [None, [], ["/state-bodies/XX/hr-officer"], ["/regions/99/inspector"]])
async def test_whoever_reaches_nothing_sees_nothing_whatever_is_asked(regimes: Regimes, grants: list[str] | None) -> None:
    who = caller("somebody", grants) if grants is not None else None
    assert await seen_by(regimes.database, regimes.database.app, who) == {}


async def test_a_query_without_a_condition_gives_what_the_caller_reaches(regimes: Regimes) -> None:
    await regimes.composed()
    everything = await seen_by(regimes.database, regimes.database.worker, None)
    assert await seen_by(regimes.database, regimes.database.app, caller("i", ["/nation/inspector"])) == everything
    kgd = await seen_by(regimes.database, regimes.database.app, caller("hr", [HR]))
    assert kgd == {**everything, "bodies": 1}
    assert await seen_by(regimes.database, regimes.database.app, caller("hr", [MF])) == {"bodies": 1}
    own = await seen_by(regimes.database, regimes.database.app, caller("s", servant="serikova"))
    assert own == {table: count for table, count in everything.items() if table != "bodies"}


@pytest.mark.parametrize(
    ("grants", "seen"), [([HR], 0), (["/state-bodies/KGD/auditor"], 0), (["/regions/75/inspector"], 1), (["/regions/10/inspector"], 0)]
)
async def test_of_an_inspection_those_of_the_region_know_and_not_those_of_the_body(regimes: Regimes, grants: list[str], seen: int) -> None:
    async with regimes.database.worker.transaction() as transaction:
        await save_holds(transaction, {"KGD": [Hold("h1", DaySpan(date(2026, 11, 1), date(2026, 11, 30)))]})
    found = await seen_by(regimes.database, regimes.database.app, caller("somebody", grants))
    assert found.get("legal_holds", 0) == seen


async def test_a_filter_that_is_forgotten_everywhere_still_shows_nothing_of_others(
    regimes: Regimes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BodyRow, "reached", classmethod(lambda cls, body, reach: true()))
    monkeypatch.setattr(AppointmentRow, "reached", classmethod(lambda cls, servant, reach, *during: true()))
    hr = await regimes.portal((MF,))
    month: dict[str, Message] = {"since": day(date(2026, 11, 1)), "until": day(date(2026, 11, 30))}
    for call in (
        hr.rules.ListLabourOrderRules(r_pb.ListLabourOrderRulesRequest(parent="stateBodies/KGD")),
        hr.assignments.ListAssignments(a_pb.ListAssignmentsRequest(parent="servants/serikova")),
        hr.plans.ListPlanDays(p_pb.ListPlanDaysRequest(parent="servants/serikova", **month)),
    ):
        assert (await refused(call)).reason == "NOT_FOUND"
