"""Days and findings as messages."""

import json
from collections.abc import Sequence
from datetime import date

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from kernel.text import LocalizedText
from lawbook import Lawbook
from tartip.law.v1 import law_pb2
from tartip.regimes.v1 import plan_service_pb2 as plan_pb
from tartip.timetracking.v1 import passage_service_pb2 as passage_pb
from tartip.timetracking.v1 import workday_service_pb2 as pb

from timetracking.findings.domain import Finding
from timetracking.findings.texts import FindingTexts
from timetracking.names import workday_name
from timetracking.plans.domain import PlannedDay
from timetracking.workdays.domain.kept import KeptDay
from timetracking.workdays.domain.parameters import IDS
from timetracking.workdays.domain.words import Became
from timetracking.workdays.events import figures, mark, plan_kind, presence
from timetracking.workdays.views import Explanation, read_key

OUTCOMES = {
    Became.COUNTED: pb.READ_OUTCOME_COUNTED,
    Became.DOUBLE_READ: pb.READ_OUTCOME_DOUBLE_READ,
    Became.INTERNAL: pb.READ_OUTCOME_INTERNAL,
    Became.VOID: pb.READ_OUTCOME_VOID,
}


def workday_message(day: KeptDay) -> pb.Workday:
    """A day with its figures, stays and marks."""
    content = day.content
    return pb.Workday(
        name=workday_name(day.servant, content.date),
        date=date_message(content.date),
        body=day.placement.body,
        unit=day.placement.unit,
        plan_kind=plan_kind(day.plan_kind),
        state=pb.WorkdayState.Value(f"WORKDAY_STATE_{content.state.upper()}"),
        window_start=instant(content.window[0]),
        window_end=instant(content.window[1]),
        seconds=figures(content.seconds),
        stays=presence(content),
        marks=[mark(each) for each in day.marks],
        revision=day.revision,
        edition=day.edition,
    )


def finding_message(finding: Finding, law: Lawbook, texts: FindingTexts) -> pb.Finding:
    """A finding with its basis in law and what it says in three languages."""
    claim = finding.claim
    message = pb.Finding(
        name=f"findings/{claim.id}",
        kind=pb.FindingKind.Value(f"FINDING_KIND_{claim.kind.upper()}"),
        servant=f"servants/{finding.servant}" if finding.servant else "",
        device=f"stateBodies/{finding.body}/devices/{finding.device}" if finding.device else "",
        body=finding.body,
        date=date_message(claim.date),
        first=instant(claim.first),
        seconds=claim.seconds,
        state=pb.FindingState.Value(f"FINDING_STATE_{finding.state.upper()}"),
        basis=basis_message(law, claim.rule, claim.date, finding.edition),
        reads=claim.reads,
        message=text_message(texts.of(finding)),
        revision=finding.revision,
        badge=finding.badge or "",
        severity=texts.severity(claim.kind),
    )
    if claim.until is not None:
        message.until.CopyFrom(date_message(claim.until))
    return message


def explanation_message(explained: Explanation, law: Lawbook, texts: FindingTexts) -> pb.WorkdayExplanation:
    """Why a day is as it is."""
    day = explained.day
    message = pb.WorkdayExplanation(
        workday=workday_message(day),
        parameters=[_parameter(law, name, day.content.date) for name in sorted(IDS.values())],
        findings=[finding_message(each, law, texts) for each in explained.findings],
    )
    for read, became in day.content.reads:
        context = explained.contexts.get(read_key(read))
        one = pb.ExplainedRead(
            device=read.device,
            event_key=read.event_key,
            at=instant(read.at),
            direction=passage_pb.Direction.ValueType(int(read.direction)),
            outcome=OUTCOMES[became],
        )
        if context is not None:
            one.premises = context.premises
            one.another_place = context.body != day.placement.body
            one.received_at.FromDatetime(context.received_at)
        message.reads.append(one)
    if explained.plan is not None:
        message.plan.CopyFrom(_plan(explained.plan))
    for version in explained.versions:
        kept = pb.WorkdayVersion(
            revision=version.revision,
            seconds=figures(version.seconds),
            state=pb.WorkdayState.Value(f"WORKDAY_STATE_{version.state.upper()}"),
            edition=version.edition,
        )
        kept.computed_at.FromDatetime(version.computed_at)
        message.versions.append(kept)
    return message


def _plan(day: PlannedDay) -> plan_pb.PlanDay:
    plan, details = day.plan, day.details
    message = plan_pb.PlanDay(
        date=date_message(plan.date),
        kind=plan_kind(plan.kind),
        public_holiday=plan.holiday,
        accounting_mode=plan_pb.AccountingMode.Value(details.accounting_mode),
        act=details.act,
        zone=day.zone,
        body=day.body,
        unit=day.unit,
    )
    message.norm.FromSeconds(details.norm)
    message.grace.FromSeconds(plan.grace)
    for each, premises in zip(plan.intervals, details.premises, strict=True):
        interval = message.intervals.add(place=plan_pb.Place.Value(f"PLACE_{each.place.upper()}"), premises=premises)
        interval.start.FromSeconds(each.start)
        interval.end.FromSeconds(each.end)
    for start, end in plan.breaks:
        message.breaks.append(_span(start, end))
    if plan.core is not None:
        message.core.CopyFrom(_span(*plan.core))
    for (start, end), reason in zip(plan.excused, details.reasons, strict=True):
        excused = message.excused.add(reason=reason)
        excused.start.FromSeconds(start)
        excused.end.FromSeconds(end)
    for field, value in (("accounting_since", details.accounting_since), ("accounting_until", details.accounting_until)):
        if value is not None:
            getattr(message, field).CopyFrom(date_message(value))
    return message


def _span(start: int, end: int) -> plan_pb.TimeSpan:
    return plan_pb.TimeSpan(start=instant(start), end=instant(end))


def _parameter(law: Lawbook, parameter: str, on: date) -> pb.UsedParameter:
    provision = law.require(parameter, on)
    return pb.UsedParameter(
        parameter=parameter,
        value_json=json.dumps(provision.value, ensure_ascii=False),
        citation=text_message(law.source(provision.source).citation),
        confidence=provision.confidence,
    )


def basis_message(law: Lawbook, rule: str, on: date, edition: str) -> law_pb2.LegalBasis:
    """The rule of law on which something rests, in the wording of its date."""
    found = law.rule(rule, on)
    return law_pb2.LegalBasis(
        rule=rule,
        citation=text_message(found.citation),
        title=text_message(found.title),
        in_force_since=date_message(found.since),
        edition=edition,
    )


def text_message(text: LocalizedText) -> law_pb2.LocalizedText:
    """A text in three languages."""
    return law_pb2.LocalizedText(kk=text.kk, ru=text.ru, en=text.en)


def date_message(day: date) -> Date:
    """A legal day."""
    return Date(year=day.year, month=day.month, day=day.day)


def instant(at: int) -> Timestamp:
    """An instant."""
    return Timestamp(seconds=at)


KINDS: Sequence[str] = tuple(
    name.removeprefix("FINDING_KIND_").lower() for name in pb.FindingKind.DESCRIPTOR.values_by_name if not name.endswith("UNSPECIFIED")
)
