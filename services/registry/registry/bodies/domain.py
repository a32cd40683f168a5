"""State bodies and structural units with their dated heads (Order 15, points 1–3; Order 120, point 10)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from itertools import groupby
from zoneinfo import available_timezones

from kernel.days import DaySpan
from kernel.faults import Malformed
from kernel.holds import Hold
from kernel.identifiers import check_id
from kernel.names import BODY_ID, SERVANT_ID, UNIT_ID
from kernel.text import LocalizedText

from registry.values import REGION


class StateBodyKind(StrEnum):
    """What kind of body it is: it decides to whom it reports (Order 121, point 8)."""

    CENTRAL = "central"
    TERRITORIAL = "territorial"
    LOCAL_EXECUTIVE = "local-executive"
    LOCAL_BUDGET = "local-budget"
    MASLIKHAT_APPARATUS = "maslikhat-apparatus"
    REVISION_COMMISSION = "revision-commission"
    AUTHORISED_BODY = "authorised-body"


class UnknownZone(Malformed):
    """No such IANA zone is known."""

    def __init__(self, zone: str) -> None:
        super().__init__({"state_body.zone": "an IANA zone such as Asia/Almaty"}, reason="UNKNOWN_ZONE")
        self.facts: Mapping[str, str] = {"zone": zone[:40]}


@dataclass(frozen=True, slots=True)
class StateBody:
    """A state body. `head` is the ID of its first head; `hr_service_body` the body whose HR service serves it, where not its own does."""

    id: str
    title: LocalizedText
    kind: StateBodyKind
    region: str
    zone: str
    parent: str | None = None
    head: str | None = None
    hr_service_body: str | None = None
    revision: int = 0

    @classmethod
    def founded(
        cls,
        id: str,
        title: LocalizedText,
        kind: StateBodyKind,
        region: str,
        zone: str,
        parent: str | None = None,
        head: str | None = None,
        hr_service_body: str | None = None,
    ) -> "StateBody":
        """A body as it is first recorded; Malformed or UNKNOWN_ZONE where a value cannot be."""
        check_id(id, "state_body_id", BODY_ID)
        check_id(region, "state_body.region", REGION)
        if zone not in _zones():
            raise UnknownZone(zone)
        if parent == id:
            raise Malformed({"state_body.parent": "another body than itself"})
        if head is not None:
            check_id(head, "state_body.head", SERVANT_ID)
        own = hr_service_body in (None, id)
        return cls(id, title, kind, region, zone, parent, head, None if own else hr_service_body)

    @property
    def served_by(self) -> str:
        """The ID of the body whose HR service serves it: its own, or the single one (Order 15, point 2)."""
        return self.hr_service_body or self.id


@cache
def _zones() -> frozenset[str]:
    """All IANA zones; read once, since the set is built from many files."""
    return frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Headship:
    """A span in which a servant heads a unit."""

    servant: str
    span: DaySpan


@dataclass(frozen=True, slots=True)
class Unit:
    """A structural unit of a body; `heads` stand in time order and do not overlap."""

    body: str
    id: str
    title: LocalizedText
    parent_unit: str | None = None
    hr_service: bool = False
    heads: tuple[Headship, ...] = ()
    revision: int = 1

    @classmethod
    def set_up(cls, body: str, id: str, title: LocalizedText, parent_unit: str | None = None, hr_service: bool = False) -> "Unit":
        """A unit as it is first recorded; Malformed where a value cannot be."""
        check_id(id, "unit_id", UNIT_ID)
        if parent_unit == id:
            raise Malformed({"unit.parent_unit": "another unit than itself"})
        return cls(body, id, title, parent_unit, hr_service)

    def headed_by(self, servant: str, since: date) -> "Unit":
        """The unit with `servant` as its head from `since` on; the head before ends the day before, later ones make way.

        Naming who heads it from then on anyway changes nothing.
        """
        if self.heads and self.heads[-1].servant == servant and self.heads[-1].span.until is None and self.heads[-1].span.since <= since:
            return self
        before = tuple(_ended_before(head, since) for head in self.heads if head.span.since < since)
        return replace(self, heads=(*before, Headship(servant, DaySpan(since))), revision=self.revision + 1)


def _ended_before(head: Headship, day: date) -> Headship:
    return replace(head, span=DaySpan(head.span.since, day - timedelta(days=1))) if head.span.holds(day) else head


@dataclass(frozen=True, slots=True)
class HrMember:
    """A servant who works in the HR service of a body for a span of days."""

    servant: str
    span: DaySpan


def hr_members(spans: Iterable[HrMember]) -> tuple[HrMember, ...]:
    """The members of an HR service by servant and time; spans of one servant that touch or overlap become one."""
    members: list[HrMember] = []
    for servant, own in groupby(sorted(spans, key=lambda member: (member.servant, member.span.since)), key=lambda member: member.servant):
        joined: list[DaySpan] = []
        for span in (member.span for member in own):
            if joined and _touches(joined[-1], span):
                joined[-1] = DaySpan(joined[-1].since, _later(joined[-1].until, span.until))
            else:
                joined.append(span)
        members.extend(HrMember(servant, span) for span in joined)
    return tuple(members)


def _touches(before: DaySpan, after: DaySpan) -> bool:
    return before.until is None or after.since <= before.until + timedelta(days=1)


def _later(one: date | None, other: date | None) -> date | None:
    return None if one is None or other is None else max(one, other)


@dataclass(frozen=True, slots=True)
class BodyState:
    """The whole of what others learn of a body: itself, its units by ID, the members of its HR service, the legal holds that stand, by ID."""

    body: StateBody
    units: tuple[Unit, ...] = ()
    hr_members: tuple[HrMember, ...] = ()
    holds: tuple[Hold, ...] = ()
