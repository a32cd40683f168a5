"""Findings as other services hear of them."""

from datetime import datetime

from google.type.date_pb2 import Date
from tartip.timetracking.v1 import workday_service_pb2 as pb
from tartip.timetracking.v1.events_pb2 import FindingChanged

from timetracking.findings.domain import Finding

TOPIC = "timetracking.findings.v1"


def message(finding: Finding, at: datetime, event_id: str) -> FindingChanged:
    """The whole state of a finding."""
    claim = finding.claim
    event = FindingChanged(
        event_id=event_id,
        revision=finding.revision,
        finding=str(claim.id),
        kind=pb.FindingKind.Value(f"FINDING_KIND_{claim.kind.upper()}"),
        servant=finding.servant or "",
        device=finding.device or "",
        body=finding.body,
        date=Date(year=claim.date.year, month=claim.date.month, day=claim.date.day),
        seconds=claim.seconds,
        state=pb.FindingState.Value(f"FINDING_STATE_{finding.state.upper()}"),
        rule=claim.rule,
        edition=finding.edition,
    )
    event.occurred_at.FromDatetime(at)
    event.first.FromSeconds(claim.first)
    if claim.until is not None:
        event.until.CopyFrom(Date(year=claim.until.year, month=claim.until.month, day=claim.until.day))
    return event
