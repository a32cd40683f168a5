"""Protected facts and limits as messages, to and from the domain."""

from datetime import date, timedelta

from chassis.errors import legal_basis
from chassis.wire import day, day_message
from kernel.faults import Malformed
from lawbook import Lawbook
from tartip.registry.v1 import protected_fact_service_pb2 as pb

from registry.names import protected_fact_name
from registry.protected.domain import FIELD, Content, KeptFact, ProtectedFactKind, RestrictedWork, Unread, UnreadFact
from registry.protected.limits import DatedLimits, Limit
from registry.values import etag

KINDS: dict[int, ProtectedFactKind] = {pb.ProtectedFactKind.Value(f"PROTECTED_FACT_KIND_{kind.name}"): kind for kind in ProtectedFactKind}
WORKS: dict[pb.RestrictedWork.ValueType, RestrictedWork] = {
    pb.RestrictedWork.Value(f"RESTRICTED_WORK_{work.name}"): work for work in RestrictedWork
}
UNREAD: dict[Unread, pb.UnreadReason.ValueType] = {why: pb.UnreadReason.Value(f"UNREAD_REASON_{why.name}") for why in Unread}
LIMIT: dict[Limit, pb.Limit.ValueType] = {limit: pb.Limit.Value(f"LIMIT_{limit.name}") for limit in Limit}
# A year of shifts may be planned ahead; nobody needs more at once.
MOST_DAYS = 366


def content_from(message: pb.ProtectedFact) -> Content:
    """Returns what the message says of a fact; Malformed where it cannot be, without saying what it was."""
    kind = KINDS.get(message.kind)
    if kind is None:
        raise Malformed({f"{FIELD}.kind": "one of the kinds of protected facts"})
    if not set(message.barred) <= set(WORKS):
        raise Malformed({f"{FIELD}.barred": "each one of the kinds of work"})
    return Content.told(
        kind,
        since=day(message.since, f"{FIELD}.since"),
        until=day(message.until, f"{FIELD}.until") if message.HasField("until") else None,
        document=message.document,
        child_born=day(message.child_born, f"{FIELD}.child_born") if message.HasField("child_born") else None,
        group=message.disability_group or None,
        barred=[WORKS[work] for work in message.barred],
    )


def fact_message(fact: KeptFact) -> pb.ProtectedFact:
    """Returns the fact as a message; of one that cannot be read, that it is there."""
    told = pb.ProtectedFact(name=protected_fact_name(fact.servant, fact.id), etag=etag(fact.revision))
    if isinstance(fact, UnreadFact):
        told.unread = UNREAD[fact.why]
        return told
    content = fact.content
    told.MergeFrom(
        pb.ProtectedFact(
            kind=pb.ProtectedFactKind.Value(f"PROTECTED_FACT_KIND_{content.kind.name}"),
            since=day_message(content.span.since),
            until=day_message(content.span.until),
            document=content.document,
            child_born=day_message(content.child_born),
            disability_group=content.group or 0,
            barred=[number for number, work in WORKS.items() if work in content.barred],
        )
    )
    return told


def span_from(request: pb.ListServantLimitsRequest) -> tuple[date, date]:
    """Returns the first and the last day that are asked for; Malformed where they are no span, or one of more days than are answered."""
    since, until = day(request.since, "since"), day(request.until, "until")
    if not since <= until < since + timedelta(days=MOST_DAYS):
        raise Malformed({"until": f"not before since, and at most {MOST_DAYS} days with it"})
    return since, until


def limits_message(dated: DatedLimits, law: Lawbook) -> pb.ServantLimits:
    """Returns the limits of a span as a message, with the rules as they stood on its first day."""
    limits = dated.limits
    return pb.ServantLimits(
        since=day_message(dated.since),
        until=day_message(dated.until),
        night_work=LIMIT[limits.night],
        overtime=LIMIT[limits.overtime],
        rest_day_work=LIMIT[limits.rest_day],
        weekly_hours=limits.weekly_hours,
        legal_bases=[legal_basis(law.rule(rule, dated.since), law.edition) for rule in dated.rules],
    )
