"""Working days as other services hear of them."""

from google.type.date_pb2 import Date
from tartip.regimes.v1 import plan_service_pb2 as regimes
from tartip.timetracking.v1 import workday_service_pb2 as pb
from tartip.timetracking.v1.events_pb2 import WorkdayChanged

from timetracking.workdays.domain import Seconds, WorkdayContent
from timetracking.workdays.domain.kept import KeptDay

TOPIC = "timetracking.workdays.v1"


def message(day: KeptDay, event_id: str) -> WorkdayChanged:
    """The whole state of a day."""
    content = day.content
    event = WorkdayChanged(
        event_id=event_id,
        revision=day.revision,
        servant=day.servant,
        date=Date(year=content.date.year, month=content.date.month, day=content.date.day),
        body=day.placement.body,
        unit=day.placement.unit,
        plan_kind=plan_kind(day.plan_kind),
        state=pb.WorkdayState.Value(f"WORKDAY_STATE_{content.state.upper()}"),
        seconds=figures(content.seconds),
        presence=presence(content),
        marks=[mark(each) for each in day.marks],
        edition=day.edition,
    )
    event.occurred_at.FromDatetime(day.computed_at)
    return event


def plan_kind(kind: str | None) -> regimes.PlanKind.ValueType:
    """The plan's kind; unspecified while it is not known."""
    return regimes.PlanKind.Value(f"PLAN_KIND_{kind.upper()}") if kind else regimes.PLAN_KIND_UNSPECIFIED


def mark(name: str) -> pb.WorkdayMark.ValueType:
    """A mark of doubt."""
    return pb.WorkdayMark.Value(f"WORKDAY_MARK_{name.upper()}")


def figures(seconds: Seconds) -> pb.WorkdaySeconds:
    """The figures of a day."""
    return pb.WorkdaySeconds(**seconds._asdict())


def presence(content: WorkdayContent) -> list[pb.Stay]:
    """Stays at perimeters and sessions, in time order."""
    spans = [(stay, regimes.PLACE_OFFICE) for stay in content.stays] + [(stay, regimes.PLACE_REMOTE) for stay in content.sessions]
    found = []
    for stay, place in sorted(spans, key=lambda each: (each[0].start, each[0].end, each[1])):
        one = pb.Stay(assumed=stay.assumed, place=place)
        one.start.FromSeconds(stay.start)
        one.end.FromSeconds(stay.end)
        found.append(one)
    return found
