"""What is done with civil servants and their appointments, and the ports that it needs."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from chassis.access import Caller
from chassis.recording import Recording
from kernel.faults import Fault, NotFound
from kernel.names import body_name, servant_name

from registry.bodies.domain import BodyState, HrMember, StateBody, hr_members
from registry.names import appointment_name
from registry.positions.domain import Position
from registry.servants.domain import Appointment, AppointmentTerms, NewServant, Servant
from registry.servants.iin import Iin
from registry.servants.roster import Outcome, Roster, orders

# Rows of an import that share a transaction: 200 rows hold at most 401 locks (1,000 are allowed) and last a fraction of
# the five seconds that a transaction may.
ROWS_A_TRANSACTION = 200


class Bodies(Protocol):
    """The recorded state bodies."""

    async def get(self, body: str, visible_to: Caller) -> StateBody:
        """Returns the body; NotFound if there is none within the caller's reach."""


class Units(Protocol):
    """The recorded units of the bodies."""

    async def hr_units(self, bodies: Collection[str]) -> frozenset[tuple[str, str]]:
        """Returns body and ID of each unit that is (part of) the HR service of one of the bodies."""


class Positions(Protocol):
    """The recorded positions."""

    async def find(self, keys: Collection[tuple[str, str]], visible_to: Caller) -> Mapping[tuple[str, str], Position]:
        """Returns the positions of these bodies and IDs that are within the caller's reach."""


class Servants(Protocol):
    """The recorded civil servants, whole with their appointments."""

    async def get(self, servant: str, visible_to: Caller) -> Servant:
        """Returns the servant; NotFound if there is none within the caller's reach."""

    async def page(self, body: str, after: str, limit: int, visible_to: Caller) -> Sequence[Servant]:
        """Returns at most `limit` servants within the caller's reach who have an appointment in the body and an ID above `after`, by ID."""

    async def known(self, ids: Collection[str], iins: Collection[Iin]) -> Sequence[Servant]:
        """Returns the servants with one of these IDs or IINs, whoever may see them."""

    async def visible(self, ids: Collection[str], visible_to: Caller) -> frozenset[str]:
        """Returns those of the IDs whose servants are within the caller's reach."""

    async def erased(self, ids: Collection[str]) -> frozenset[str]:
        """Returns those of the IDs that belonged to somebody who was erased."""

    async def save(self, changes: Sequence[tuple[Servant | None, Servant]]) -> None:
        """Records servants as they were (None: not at all) and became, with their appointments."""


class Work(Recording, Protocol):
    """One transaction over servants."""

    @property
    def bodies(self) -> Bodies: ...
    @property
    def units(self) -> Units: ...
    @property
    def positions(self) -> Positions: ...
    @property
    def servants(self) -> Servants: ...

    async def lock(self, bodies: Iterable[str] = (), servants: Iterable[str] = (), iins: Iterable[Iin] = ()) -> None:
        """Takes the keys' locks, all of a transaction at once and before its first write."""

    async def body_changed(self, body: str) -> BodyState:
        """Raises the body's revision and publishes its whole state; its lock is held."""

    def servant_changed(self, servant: Servant) -> None:
        """Publishes the servant's whole state."""


Begin = Callable[[Caller | None], AbstractAsyncContextManager[Work]]


def as_seen_by(caller: Caller, servant: Servant) -> Servant:
    """The servant without the IIN, unless it is the caller's own or the caller is an HR officer of one of the servant's bodies."""
    hr = any(grant.role == "hr-officer" and grant.scope_kind == "state-body" and grant.scope in servant.bodies for grant in caller.grants)
    return servant if hr or caller.reach.servant == servant.id else replace(servant, iin=None)


async def save_changes(work: Work, changes: Sequence[tuple[Servant | None, Servant]]) -> None:
    """Saves and publishes servants as they were and became, and the bodies whose HR service has other members by that."""
    bodies = frozenset[str]().union(*(after.bodies for _, after in changes))
    hr_units = await work.units.hr_units(bodies)
    await work.servants.save(changes)
    for _, after in changes:
        work.servant_changed(after)
    for body in sorted(bodies):
        own = frozenset(unit for owner, unit in hr_units if owner == body)
        if any(_in_hr(body, own, before) != _in_hr(body, own, after) for before, after in changes):
            await work.body_changed(body)


def _in_hr(body: str, units: frozenset[str], servant: Servant | None) -> tuple[HrMember, ...]:
    if servant is None:
        return ()
    inside = (one for one in servant.appointments if one.keeps_time and one.post.body == body and one.post.unit in units)
    return hr_members(HrMember(servant.id, one.terms.span) for one in inside)


async def begin_roster(work: Work, caller: Caller, people: Sequence[NewServant]) -> Roster:
    """Takes the locks that these people need and returns what is known of them."""
    keys = {(terms.body, terms.position) for new in people for terms in new.terms}
    posts = await work.positions.find(keys, visible_to=caller)
    ids, iins = {new.id for new in people}, {new.iin for new in people}
    await work.lock(bodies={body for body, _ in posts}, servants=ids, iins=iins)
    known = {servant.id: servant for servant in await work.servants.known(ids, iins)}
    return Roster(posts, known, set(await work.servants.visible(known.keys(), caller)), await work.servants.erased(ids))


@dataclass(frozen=True, slots=True)
class CreateServant:
    """An HR officer records a civil servant with a first appointment."""

    work: Begin

    async def __call__(self, caller: Caller, new: NewServant) -> Servant:
        """Returns the servant; refuses ALREADY_EXISTS, SERVANT_ERASED, IIN_KNOWN_ELSEWHERE, NOT_FOUND (position), APPOINTMENTS_OVERLAP."""
        async with self.work(caller) as work:
            roster = await begin_roster(work, caller, [new])
            servant = replace(roster.create(new), revision=1)
            await save_changes(work, [(None, servant)])
            work.record("servant.create", servant_name(servant.id), rule="o15-p4-4", after=servant)
            return servant


@dataclass(frozen=True, slots=True)
class GetServant:
    """Shows a civil servant; that a personal file was read is written down (Order 15, point 4, sub-point 5)."""

    work: Begin

    async def __call__(self, caller: Caller, servant: str) -> Servant:
        """Returns the servant as the caller may see it; refuses NOT_FOUND."""
        async with self.work(caller) as work:
            found = await work.servants.get(servant, visible_to=caller)
            work.record("servant.read", servant_name(servant), rule="o15-p4-5", body=found.newest_body)
            return as_seen_by(caller, found)


@dataclass(frozen=True, slots=True)
class ListServants:
    """Shows the civil servants who are or were in the service of a body; the reading is written down."""

    work: Begin

    async def __call__(self, caller: Caller, body: str, after: str, limit: int) -> Sequence[Servant]:
        """Returns at most `limit` servants above `after`, by ID; refuses NOT_FOUND (body)."""
        async with self.work(caller) as work:
            if body not in caller.reach.control.bodies:
                await work.bodies.get(body, visible_to=caller)
            page = await work.servants.page(body, after, limit, visible_to=caller)
            work.record("servant.list", f"{body_name(body)}/servants", rule="o15-p4-5")
            return [as_seen_by(caller, servant) for servant in page]


@dataclass(frozen=True, slots=True)
class CreateAppointment:
    """An HR officer appoints a servant to a position from a day on."""

    work: Begin

    async def __call__(self, caller: Caller, servant: str, terms: AppointmentTerms) -> tuple[Servant, Appointment]:
        """Returns the servant and the appointment; refuses NOT_FOUND, ALREADY_EXISTS, APPOINTMENTS_OVERLAP."""
        async with self.work(caller) as work:
            posts = await work.positions.find({(terms.body, terms.position)}, visible_to=caller)
            (order,) = orders([terms], posts)
            await work.lock(bodies=[terms.body], servants=[servant])
            before = await work.servants.get(servant, visible_to=caller)
            after = replace(before.appointed(order), revision=before.revision + 1)
            await save_changes(work, [(before, after)])
            appointment = next(one for one in after.appointments if one.terms.key == terms.key)
            name = appointment_name(servant, appointment.id)
            work.record("appointment.create", name, rule="o15-p4-4", after=appointment)
            return after, appointment


@dataclass(frozen=True, slots=True)
class EndAppointment:
    """An HR officer ends an appointment with its last day."""

    work: Begin

    async def __call__(self, caller: Caller, servant: str, id: str, until: date, seen: str = "") -> tuple[Servant, Appointment]:
        """Returns the servant and the ended appointment; refuses NOT_FOUND, SPAN_REVERSED, STALE_ETAG, APPOINTMENTS_OVERLAP."""
        async with self.work(caller) as work:
            body = (await work.servants.get(servant, visible_to=caller)).appointment(id).post.body
            if not await _reaches(work, caller, body):
                raise NotFound(appointment_name(servant, id))
            await work.lock(bodies=[body], servants=[servant])
            before = await work.servants.get(servant, visible_to=caller)
            ended = before.ended(id, until, seen)
            if ended == before:
                return before, before.appointment(id)
            after = replace(ended, revision=before.revision + 1)
            await save_changes(work, [(before, after)])
            name = appointment_name(servant, id)
            work.record("appointment.end", name, rule="o15-p4-4", before=before.appointment(id), after=after.appointment(id))
            return after, after.appointment(id)


async def _reaches(work: Work, caller: Caller, body: str) -> bool:
    try:
        await work.bodies.get(body, visible_to=caller)
    except NotFound:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a row that was taken."""

    outcome: Outcome
    servant: str


@dataclass(frozen=True, slots=True)
class ImportServants:
    """An HR officer takes over a batch of people; a bad row stops no other, a repeated one changes nothing."""

    work: Begin

    async def __call__(self, caller: Caller, rows: Sequence[NewServant | Fault]) -> Sequence[Taken | Fault]:
        """Answers each row, in the order of the rows; what could not be read stays refused as it was.

        At most `ROWS_A_TRANSACTION` rows: they are one transaction, and each changed servant is written and published
        once, however many rows speak of the same person.
        """
        people = [row for row in rows if isinstance(row, NewServant)]
        if not people:
            return [row for row in rows if isinstance(row, Fault)]
        async with self.work(caller) as work:
            roster = await begin_roster(work, caller, people)
            before = dict(roster.people)
            answers = [row if isinstance(row, Fault) else _answer(roster, row) for row in rows]
            changes = [(before.get(id), servant) for id, servant in sorted(roster.people.items()) if before.get(id) != servant]
            changes = [(known, replace(servant, revision=servant.revision + 1)) for known, servant in changes]
            if changes:
                await save_changes(work, changes)
            for known, servant in changes:
                work.record("servant.import", servant_name(servant.id), rule="o15-p3-4", before=known, after=servant)
            return answers


def _answer(roster: Roster, row: NewServant) -> Taken | Fault:
    try:
        outcome, servant = roster.take(row)
    except Fault as refusal:
        return refusal
    return Taken(outcome, servant.id)
