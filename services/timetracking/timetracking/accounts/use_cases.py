"""What is done with the accounts of devices, and the ports that it needs."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from chassis.access import Caller
from chassis.parking import Origin
from chassis.positions import Partition
from chassis.recording import Recording
from kernel.text import line

from timetracking.accounts.domain import Counts, DeviceDate, Receipts, Refusals, Spot, WrittenOff


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lay that holds so many passages, or a part of one; and which record it was, if it was parked before."""

    origin: Origin
    passages: int
    whole: bool = True
    parked_record: UUID | None = None

    @property
    def spots(self) -> Sequence[Spot]:
        """Those of its passages."""
        return [(self.origin.offset, self.origin.index + at) for at in range(self.passages)]

    @property
    def after(self) -> Spot:
        """The spot after it."""
        return (self.origin.offset + 1, 0) if self.whole else (self.origin.offset, self.origin.index + self.passages)


@dataclass(frozen=True, slots=True)
class Suspect:
    """An account with records in flight, and how many had been received then."""

    device: str
    date: date
    received: int


class Devices(Protocol):
    """The enrolled devices."""

    async def get(self, body: str, serial: str, visible_to: Caller) -> Any:
        """Returns the device; NotFound if the body has none such within the caller's reach, Unavailable while that is not known."""


class Accounts(Protocol):
    """The accounts of devices, as a transaction sees them."""

    async def receive(self, receipts: Mapping[DeviceDate, Receipts]) -> None:
        """Adds what came."""

    async def refuse(self, refusals: Mapping[tuple[str, str], Refusals]) -> None:
        """Adds what was refused, by device and reason."""

    async def refusals(self, device: str) -> Mapping[str, Refusals]:
        """What was refused in the name of a device, by reason."""

    async def complete(self, at: float) -> None:
        """Everything is counted that was in Kafka at this real time (seconds since 1970)."""

    async def suspects(self, device: str | None) -> Sequence[Suspect]:
        """The accounts with records in flight that were not sent again, of a device or of all."""

    async def read_up_to(self, reader: str) -> Mapping[Partition, int]:
        """Up to where a reader has read each partition."""

    async def write_off(self, suspects: Sequence[Suspect]) -> Sequence[WrittenOff]:
        """Writes off what of the suspects is still in flight, and had come when they were suspected."""

    async def total(self, device: str) -> Counts:
        """What became of all records of a device."""

    async def days(self, device: str, since: date, until: date) -> Sequence[tuple[date, Counts]]:
        """What became of a device's records of these dates, both included, by date; dates without any are left out."""


class Recorder(Protocol):
    """What was recorded of the topics of passages."""

    async def forget(self, partition: tuple[str, int]) -> None:
        """Nothing was recorded of the partition: its topic was born anew."""


class Work(Recording, Protocol):
    """A transaction over accounts."""

    @property
    def recorded(self) -> Recorder: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def devices(self) -> Devices: ...

    def beyond_reach(self) -> AbstractAsyncContextManager[None]:
        """Lets the block see what the caller does not reach; nothing read in it is shown."""


Begin = Callable[..., AbstractAsyncContextManager[Any]]


@dataclass(frozen=True, slots=True)
class TakeReceipts:
    """Counts what devices sent."""

    begin: Begin

    async def __call__(self, receipts: Mapping[DeviceDate, Receipts]) -> None:
        """Adds the counts; whoever calls makes sure that each message is counted once."""
        # A gateway that counts works for nobody.
        async with self.begin() as work, work.beyond_reach():
            await work.accounts.receive(receipts)


@dataclass(frozen=True, slots=True)
class TakeRefusals:
    """Counts what was refused in the names of devices."""

    begin: Begin

    async def __call__(self, refusals: Mapping[tuple[str, str], Refusals]) -> None:
        """Adds the counts, by device and reason; whoever calls makes sure that each request is counted once."""
        async with self.begin() as work, work.beyond_reach():
            await work.accounts.refuse(refusals)


@dataclass(frozen=True, slots=True)
class Complete:
    """Notes that everything is counted that was in Kafka a moment ago: what is not in an account had not come."""

    begin: Begin

    async def __call__(self, at: float) -> None:
        """Notes it."""
        async with self.begin() as work:
            await work.accounts.complete(at)


@dataclass(frozen=True, slots=True)
class Forget:
    """Forgets what was recorded of a partition: its topic was born anew, and its places begin again."""

    begin: Begin

    async def __call__(self, partition: tuple[str, int]) -> None:
        """Forgets it."""
        async with self.begin() as work:
            await work.recorded.forget(partition)


# How often it is looked whether what may be on its way has come, a moment apart.
LOOKS = 30


@dataclass(frozen=True, slots=True)
class Done:
    """Up to where those who record have acknowledged the topics of passages, and where these and the topics of what was parked ended then."""

    acknowledged: Mapping[Partition, int]
    ends: Mapping[Partition, int]
    parked: Mapping[Partition, int]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Looks until what lay in the topics of passages is not on its way any more: it is acknowledged, and what of it was parked is noted."""

    begin: Begin
    done: Callable[[], Awaitable[Done]]
    moment: Callable[[], Awaitable[None]]
    """Lets those who record and note go on."""
    noting: str
    """The reader who notes what was parked."""

    async def __call__(self, caller: Caller, ends: Mapping[Partition, int] | None = None) -> Sequence[Partition]:
        """Looks up to these ends, else to those of now; returns the partitions that did not get there."""
        done = await self.done()
        ends = done.ends if ends is None else ends
        for _ in range(LOOKS):  # what is recorded is acknowledged a moment later, and passages never cease
            if not _short(done.acknowledged, ends):
                break
            await self.moment()
            done = await self.done()
        if ways := _short(done.acknowledged, ends):
            return ways
        for _ in range(LOOKS):
            async with self.begin(caller) as work:
                if not (ways := _short(await work.accounts.read_up_to(self.noting), done.parked)):
                    break
            await self.moment()
        return ways


@dataclass(frozen=True, slots=True)
class WriteOffRecords:
    """An operator writes off the records of devices that are lost; those of each device and date are audited.

    Lost is what was counted, and of which nothing came although nothing of it is on its way. What came meanwhile is left alone.
    """

    begin: Begin
    arrivals: Arrivals
    counting: str
    """The reader who counts what comes."""

    async def __call__(self, caller: Caller, device: str | None, ground: str) -> tuple[Sequence[WrittenOff], Sequence[Partition]]:
        """Returns what was written off, of a device or of all; where that is nothing, the partitions in which it may be on its way."""
        ground = line(ground, "ground", 200)
        async with self.begin(caller) as work:
            suspects = await work.accounts.suspects(device)
            counted = await work.accounts.read_up_to(self.counting)  # not before the accounts: all that is in them lies before
        if not suspects:
            return (), ()
        if ways := await self.arrivals(caller, counted):
            return (), ways
        async with self.begin(caller) as work:
            written_off: Sequence[WrittenOff] = await work.accounts.write_off(suspects)
            for each in written_off:
                work.record("account.write-off", each.name, ground)
        return written_off, ()


def _short(reached: Mapping[Partition, int], wanted: Mapping[Partition, int]) -> Sequence[Partition]:
    """The partitions in which less was reached than is wanted."""
    return sorted(place for place, end in wanted.items() if reached.get(place, 0) < end)


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a device."""

    total: Counts
    days: Sequence[tuple[date, Counts]]
    refusals: Mapping[str, Refusals]


@dataclass(frozen=True, slots=True)
class GetAccount:
    """Shows what became of a device's records."""

    begin: Begin

    async def __call__(self, caller: Caller, body: str, serial: str, dates: tuple[date, date] | None) -> Account:
        """Returns the total, the days of the span if one is given, and what was refused; refuses NOT_FOUND, PROJECTION_BEHIND."""
        async with self.begin(caller) as work:
            await work.devices.get(body, serial, visible_to=caller)
            days = await work.accounts.days(serial, *dates) if dates else ()
            return Account(await work.accounts.total(serial), days, await work.accounts.refusals(serial))
