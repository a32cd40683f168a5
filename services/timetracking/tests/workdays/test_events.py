"""What is published of a working day is exactly what the consumers' tests expect."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chassis.testing.contracts import contract, unset_fields
from tartip.timetracking.v1.events_pb2 import WorkdayChanged
from tartip.timetracking.v1.workday_service_pb2 import WorkdayMark, WorkdaySeconds, WorkdayState
from timetracking.workdays.domain import PlanKind, Seconds, State, WorkdayContent
from timetracking.workdays.domain.kept import AMBIGUOUS_TIME, ANOTHER_PLACE, DOUBTFUL_CLOCK, INCOMPLETE, KeptDay, Placement, text_of
from timetracking.workdays.events import TOPIC, mark, message, plan_kind

EVENT = "01987d3c-6f00-7a10-8000-000000000401"
AT = datetime(2026, 11, 25, 0, 0, 1, tzinfo=UTC)


def eventful(week: Any) -> WorkdayContent:
    """A Tuesday on which everything happened that a day has a figure for: one long combined day, on a public holiday."""
    week.plan(
        "Tue",
        "combined",
        {"05:00–09:00": "office", "10:00–13:00": "remote", "14:00–18:00": "office", "19:00–21:00": "remote"},
        excused=("10:00–11:00",),
        holiday=True,
    )
    week.order("Tue", "21:00–23:00").order("Tue", "23:00–23:30", kind="rest_day")
    week.read("Tue", "in 05:20, out 07:00, in 07:30, out 09:10, in 14:00, in 21:10, out 23:40")
    day: WorkdayContent = week.session("Tue", "19:00–20:00").session("Tue", "23:45–23:55").day("Tue")
    return day


def kept(content: WorkdayContent) -> KeptDay:
    marks = (AMBIGUOUS_TIME, ANOTHER_PLACE, DOUBTFUL_CLOCK, INCOMPLETE)
    return KeptDay("serikova", Placement("KGD", "audit-1"), PlanKind.COMBINED, content, marks, 3, "7d3f0c2b9a1e4f58", AT, text_of(content))


def test_a_day_is_published_as_the_contract_says(week: Any) -> None:
    assert message(kept(eventful(week)), EVENT) == contract(TOPIC, WorkdayChanged)


def test_the_contract_shows_every_field_but_those_of_closing_and_the_premises_of_a_stay() -> None:
    """No timesheet closes a day yet, and a stay may begin at one building and end at another."""
    example = contract(TOPIC, WorkdayChanged)
    assert unset_fields(example) == {"closed_seconds", "presence.premises"}
    assert unset_fields(example.seconds) == set()


def test_a_day_whose_plan_is_not_known_says_so(week: Any) -> None:
    del week.plans[week.on("Tue")]
    told = message(replace(kept(week.read("Tue", "in 08:55").day("Tue")), plan_kind=None, marks=()), EVENT)
    assert (told.plan_kind, told.state, list(told.marks)) == (0, WorkdayState.WORKDAY_STATE_WAITING, [])


def test_every_word_of_the_domain_has_its_value_in_the_contract() -> None:
    assert list(Seconds._fields) == [field.name for field in WorkdaySeconds.DESCRIPTOR.fields]
    assert len({plan_kind(kind) for kind in PlanKind} - {0}) == len(PlanKind)
    assert {mark(each) for each in (AMBIGUOUS_TIME, ANOTHER_PLACE, DOUBTFUL_CLOCK, INCOMPLETE)} == set(WorkdayMark.values()) - {0}
    assert {f"WORKDAY_STATE_{state.upper()}" for state in State} <= set(WorkdayState.keys())
