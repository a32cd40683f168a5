"""What is done with parked records, and the ports that it needs."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from chassis.access import Caller
from chassis.positions import Partition
from chassis.recording import Recording
from kernel.faults import Malformed, NotFound, WrongState

from timetracking.accounts.domain import DeviceDate, Receipts
from timetracking.names import parked_name
from timetracking.parking.domain import ParkedRecord, Selection, State

# Records of one transaction: their rows are written well within its five seconds.
MOST_AT_ONCE = 1_000
# Recorded time must be complete by the Labour Code: so what was parked is sent again.
GROUND = "lc-79"
# The records of personal data are kept by Order 15; who reads into them leaves a trace on the same ground.
READING = "o15-p4-5"


@dataclass(frozen=True, slots=True)
class Seen:
    """A parked record as a caller may see it: with the body of its device, and whether in clear."""

    record: ParkedRecord
    place: int
    body: str | None
    clear: bool


class Parking(Protocol):
    """The parked records, as a transaction sees them."""

    async def note(self, records: Sequence[ParkedRecord]) -> Collection[UUID]:
        """Keeps what is new, and what was parked once more after it was sent again; returns the IDs of the new ones."""

    async def page(self, selection: Selection, before: int | None, limit: int, visible_to: Caller) -> Sequence[Seen]:
        """Returns at most so many records that came before a place (None: of all), the last ones first."""

    async def get(self, record: UUID, visible_to: Caller) -> Seen:
        """Returns the record; NotFound if there is none within the caller's reach, Unavailable while that is not known."""

    async def hold(self, selection: Selection, limit: int, visible_to: Caller) -> Sequence[ParkedRecord]:
        """Returns at most so many records, the first ones first, and holds them: nobody else sends them meanwhile."""

    async def gone_out(self, selection: Selection, limit: int, visible_to: Caller) -> tuple[Sequence[UUID], int]:
        """Returns at most so many of the records that have left for Kafka, and how many of all have not."""

    async def kept_back(self, selection: Selection, visible_to: Caller) -> int:
        """Says how many parked records match that cannot be sent."""

    async def send(self, records: Sequence[ParkedRecord]) -> None:
        """Keeps the records as sent again and lets their messages go out when the transaction commits."""


class Accounts(Protocol):
    """The accounts of devices."""

    async def receive(self, receipts: Mapping[DeviceDate, Receipts]) -> None:
        """Adds what came."""


class Recorded(Protocol):
    """What was recorded of the topics of passages."""

    async def have(self, origins: Sequence[str]) -> Collection[str]:
        """Those of the origins of which the passage was recorded after all; whoever records there waits for our end."""


class Work(Recording, Protocol):
    """A transaction over parked records."""

    @property
    def parking(self) -> Parking: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def recorded(self) -> Recorded: ...


Begin = Callable[..., AbstractAsyncContextManager[Any]]


@dataclass(frozen=True, slots=True)
class NoteParked:
    """Takes over what was parked; what the gateway parked is counted as received, since it never came into its topic."""

    begin: Begin

    async def __call__(self, records: Sequence[ParkedRecord]) -> None:
        """Notes the records; whoever calls makes sure that each is noted once."""
        async with self.begin() as work:
            # What was parked may have been delivered once more, and recorded, before we heard of it.
            after_all = await work.recorded.have([each.origin for each in records])
            new = set(
                await work.parking.note([replace(each, state=State.TAKEN_UP) if each.origin in after_all else each for each in records])
            )
            received: Counter[DeviceDate] = Counter()
            repeated: Counter[DeviceDate] = Counter()
            for each in records:
                if each.from_gateway:
                    received[each.device, each.date] += 1
                    repeated[each.device, each.date] += each.id not in new
                    new.discard(each.id)
            await work.accounts.receive({key: Receipts(count, repeated[key]) for key, count in received.items()})


@dataclass(frozen=True, slots=True)
class ListParked:
    """Shows parked records without their content."""

    begin: Begin

    async def __call__(self, caller: Caller, selection: Selection, before: int | None, limit: int) -> Sequence[Seen]:
        """Returns at most so many before a place, the last ones first; refuses PROJECTION_BEHIND."""
        async with self.begin(caller) as work:
            found: Sequence[Seen] = await work.parking.page(selection, before, limit, visible_to=caller)
        return found


@dataclass(frozen=True, slots=True)
class InspectParked:
    """Shows a parked record with its content: in clear to those whose records it is of, which leaves a trace."""

    begin: Begin

    async def __call__(self, caller: Caller, record: UUID) -> Seen:
        """Returns the record; refuses NOT_FOUND, PROJECTION_BEHIND."""
        async with self.begin(caller) as work:
            seen: Seen = await work.parking.get(record, visible_to=caller)
            if seen.clear:
                work.record("parking.read", parked_name(record), READING)
        return seen


@dataclass(frozen=True, slots=True)
class Sent:
    """What a redrive did, or would do."""

    sent: int
    kept_back: int
    more: bool


class SendAgain:
    """Sends records that were parked once more; each of them is audited, and all of them together."""

    async def __call__(self, work: Work, going: Sequence[ParkedRecord], selection: Selection) -> None:
        """Sends these, which the transaction holds."""
        await work.parking.send([each.sent_again() for each in going])
        for each in going:
            work.record("parking.redrive", parked_name(each.id), GROUND, before=each, after=each.sent_again())
        work.record("parking.redrive", f"parkedRecords ({selection}): {len(going)}", GROUND)


@dataclass(frozen=True, slots=True)
class RedriveParked:
    """Sends parked records again."""

    begin: Begin

    async def __call__(self, caller: Caller, selection: Selection, *, only_say: bool = False, most: int = MOST_AT_ONCE) -> Sent:
        """Sends at most so many; refuses MALFORMED, NOT_FOUND, RECORD_SENT_AGAIN, RECORD_KEPT_BACK, PROJECTION_BEHIND.

        Records that are named are sent all or none.
        """
        _require_narrow(selection)
        async with self.begin(caller) as work:
            wanted = selection if selection.ids else replace(selection, state=State.PARKED)
            held: Sequence[ParkedRecord] = await work.parking.hold(wanted, most + 1, visible_to=caller)
            _refuse(selection.ids, held)
            kept_back = 0 if selection.ids else await work.parking.kept_back(wanted, visible_to=caller)
            going = held[:most]
            if going and not only_say:
                await SendAgain()(work, going, selection)
            return Sent(len(going), kept_back, len(held) > most)


@dataclass(frozen=True, slots=True)
class RedriveLost:
    """Sends once more what was sent again and got lost: all that lay in its topics since is recorded or noted, and it is not among it."""

    begin: Begin
    arrivals: Callable[[Caller], Awaitable[Sequence[Partition]]]

    async def __call__(self, caller: Caller, selection: Selection, *, only_say: bool = False) -> tuple[Sent, Sequence[Partition]]:
        """Sends at most a thousand; where that is nothing, the partitions in which they may be on their way. Refuses MALFORMED.

        What waits for the relay is kept back.
        """
        _require_narrow(selection)
        async with self.begin(caller) as work:
            sent_again = replace(selection, state=State.SENT_AGAIN)
            gone, waiting = await work.parking.gone_out(sent_again, MOST_AT_ONCE, visible_to=caller)
        nothing = Sent(0, waiting, more=False)
        if not gone:
            return nothing, ()
        if ways := await self.arrivals(caller):
            return nothing, ways
        async with self.begin(caller) as work:
            held = await work.parking.hold(Selection(ids=tuple(gone), state=State.SENT_AGAIN), len(gone), visible_to=caller)
            going = [each for each in held if each.sendable]
            if going and not only_say:
                await SendAgain()(work, going, selection)
            return Sent(len(going), waiting + len(held) - len(going), len(gone) == MOST_AT_ONCE), ()


def _require_narrow(selection: Selection) -> None:
    if not selection.narrows:
        raise Malformed({"filter": "a topic, a reason, a device or an instant, unless names are given"})


def _refuse(named: Sequence[UUID], held: Sequence[ParkedRecord]) -> None:
    found = {each.id: each for each in held}
    for record in named:
        if record not in found:
            raise NotFound(parked_name(record))
        if found[record].state is not State.PARKED:
            raise WrongState("RECORD_SENT_AGAIN", record=parked_name(record))
        if not found[record].sendable:
            raise WrongState("RECORD_KEPT_BACK", record=parked_name(record), topic=found[record].topic)
