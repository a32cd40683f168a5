"""Civil servants and the dated appointments that make them so (Order 15, point 4, sub-points 4 and 5)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import combinations

from kernel.days import DaySpan
from kernel.faults import Conflict, Malformed, NotFound, Stale, WrongState
from kernel.identifiers import check_id, new_id
from kernel.names import SERVANT_ID
from kernel.text import line

from registry.names import appointment_name
from registry.positions.domain import Position
from registry.servants.iin import Iin
from registry.values import etag


class AppointmentKind(StrEnum):
    """What an appointment is."""

    MAIN = "main"
    TEMPORARY = "temporary"
    SECONDMENT = "secondment"
    ACTING = "acting"
    CONCURRENT = "concurrent"

    @property
    def keeps_time(self) -> bool:
        """The servant's days can follow such an appointment; acting and concurrent ones are duties, never a plan."""
        return self in (AppointmentKind.MAIN, AppointmentKind.TEMPORARY, AppointmentKind.SECONDMENT)


@dataclass(frozen=True, slots=True)
class AppointmentTerms:
    """What an order says of an appointment: the position (body, ID), the kind, the span, the share of the post, the order itself."""

    body: str
    position: str
    kind: AppointmentKind
    span: DaySpan
    rate_percent: int
    act: str = ""

    @classmethod
    def ordered(
        cls, body: str, position: str, kind: AppointmentKind, since: date, until: date | None, rate_percent: int, act: str, field: str
    ) -> "AppointmentTerms":
        """Terms as they come in; Malformed for a path under `field`, or SPAN_REVERSED, where they cannot be."""
        if not 1 <= rate_percent <= 100:
            raise Malformed({f"{field}.rate_percent": "1 to 100"})
        return cls(body, position, kind, DaySpan(since, until), rate_percent, line(act, f"{field}.act", 200, empty=True))

    @property
    def key(self) -> tuple[str, str, AppointmentKind, date]:
        """What makes two orders speak of one appointment."""
        return self.body, self.position, self.kind, self.span.since


@dataclass(frozen=True, slots=True)
class Appointment:
    """A span in which a servant holds a position."""

    id: str
    post: Position
    terms: AppointmentTerms
    revision: int = 1

    @property
    def keeps_time(self) -> bool:
        """The servant's days can follow it."""
        return self.terms.kind.keeps_time

    def under(self, terms: AppointmentTerms) -> "Appointment":
        """The appointment under other terms; the same terms change nothing."""
        return self if terms == self.terms else replace(self, terms=terms, revision=self.revision + 1)


@dataclass(frozen=True, slots=True)
class Order:
    """The terms of an appointment and the position that they name."""

    terms: AppointmentTerms
    post: Position


@dataclass(frozen=True, slots=True)
class Servant:
    """A civil servant; `appointments` stand in time order. `iin` is None where the reader may not see it."""

    id: str
    iin: Iin | None
    display_name: str
    appointments: tuple[Appointment, ...] = ()
    revision: int = 0

    @property
    def bodies(self) -> frozenset[str]:
        """The bodies in whose service the person is, was or will be."""
        return frozenset(appointment.post.body for appointment in self.appointments)

    @property
    def newest_body(self) -> str | None:
        """The body of the appointment that began, or begins, last."""
        return self.appointments[-1].post.body if self.appointments else None

    def appointment(self, id: str) -> Appointment:
        """Returns the appointment; NotFound if it is not the servant's."""
        for appointment in self.appointments:
            if appointment.id == id:
                return appointment
        raise NotFound(appointment_name(self.id, id))

    def appointed(self, *orders: "Order") -> "Servant":
        """The servant with more appointments; ALREADY_EXISTS or APPOINTMENTS_OVERLAP where the others do not allow them."""
        for order in orders:
            for known in self.appointments:
                if known.terms.key == order.terms.key:
                    raise Conflict(appointment_name(self.id, known.id))
        return self._with((*self.appointments, *(Appointment(new_id(), order.post, order.terms) for order in orders)))

    def ended(self, id: str, until: date, seen: str = "") -> "Servant":
        """The servant with the appointment ended on `until`, its last day; STALE_ETAG if it is not in the state `seen`."""
        appointment = self.appointment(id)
        if seen and seen != etag(appointment.revision):
            raise Stale(appointment_name(self.id, id))
        changed = appointment.under(replace(appointment.terms, span=DaySpan(appointment.terms.span.since, until)))
        return self._with(tuple(changed if known.id == id else known for known in self.appointments))

    def merged(self, display_name: str, orders: Iterable["Order"]) -> "Servant":
        """The servant after a row of an import: new terms are added, known ones changed, none is ended by silence."""
        kept = {appointment.terms.key: appointment for appointment in self.appointments}
        for order in orders:
            known = kept.get(order.terms.key)
            kept[order.terms.key] = Appointment(new_id(), order.post, order.terms) if known is None else known.under(order.terms)
        return replace(self, display_name=display_name)._with(tuple(kept.values()))

    def _with(self, appointments: tuple[Appointment, ...]) -> "Servant":
        refuse_overlaps(appointments)
        return replace(self, appointments=tuple(sorted(appointments, key=_in_time_order)))


def _in_time_order(appointment: Appointment) -> tuple[date, str]:
    return appointment.terms.span.since, appointment.id


def refuse_overlaps(appointments: Iterable[Appointment]) -> None:
    """Refuses two appointments that keep time and are of one kind on one day (APPOINTMENTS_OVERLAP with both spans)."""
    keeping = sorted((appointment for appointment in appointments if appointment.keeps_time), key=_in_time_order)
    for one, other in combinations(keeping, 2):
        if one.terms.kind is other.terms.kind and one.terms.span.overlaps(other.terms.span):
            a, b = one.terms.span, other.terms.span
            raise WrongState("APPOINTMENTS_OVERLAP", since=a.since, until=a.until or "", otherSince=b.since, otherUntil=b.until or "")


@dataclass(frozen=True, slots=True)
class NewServant:
    """A person as an HR officer records them: with the terms of at least one appointment."""

    id: str
    iin: Iin
    display_name: str
    terms: tuple[AppointmentTerms, ...]

    @classmethod
    def recorded(cls, id: str, iin: Iin, display_name: str, terms: Iterable[AppointmentTerms]) -> "NewServant":
        """A person as the values come in; Malformed where one cannot be."""
        check_id(id, "servant_id", SERVANT_ID)
        terms = tuple(terms)
        if not terms:
            raise Malformed({"servant.appointments": "at least one"})
        if len({one.key for one in terms}) < len(terms):
            raise Malformed({"servant.appointments": "each position, kind and first day once"})
        if iin.born >= min(one.span.since for one in terms):
            raise Malformed({"servant.iin": "a birth date before the first appointment"})
        return cls(id, iin, line(display_name, "servant.display_name", 200), terms)

    def appointed(self, orders: Iterable[Order]) -> Servant:
        """The servant that this becomes, with each of the terms at its post."""
        return Servant(self.id, self.iin, self.display_name).appointed(*orders)
