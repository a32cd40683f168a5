"""A passage goes into the parking lot and out of it again, through Kafka and every process's own code on the way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from chassis.publisher import Publisher
from chassis.relay import Relay
from chassis.streams import Consumer
from chassis.testing.cluster import Cluster
from chassis.testing.tokens import caller
from chassis.testing.waiting import until
from timetracking.accounts.domain import Counts
from timetracking.accounts.repository import StoredAccounts
from timetracking.devices.domain import Protocol
from timetracking.gateway.batches import LATE_PASSAGES, PASSAGES
from timetracking.gateway.domain import EnrolledDevice
from timetracking.gateway.parking_lot import ParkingLot
from timetracking.parking.consumer import LOTS
from timetracking.parking.domain import Selection, State
from timetracking.parking.use_cases import RedriveParked
from timetracking.passages.consumer import LATE, TOPIC, passages
from timetracking.passages.domain import Passage
from timetracking.passages.use_cases import OLDEST, RecordPassages
from timetracking.processes import beside

from ..platform import LAW, Platform
from ..samples import device, passage, settings
from ..test_commands import settings as told_settings
from ..test_delivery import message
from .lots import AT

OPERATOR = caller("operator", ["/regions/75/operator"])
HR = caller("hr", ["/state-bodies/KGD/hr-officer"])
PATIENCE_S = 30.0


@dataclass(slots=True)
class Law:
    """The lawbook, but for how old a passage may be."""

    oldest: int = 400

    def require(self, parameter: str, on: Any) -> Any:
        return SimpleNamespace(value=self.oldest) if parameter == OLDEST else LAW.require(parameter, on)


@dataclass(slots=True)
class Round:
    """The gateway's way in, a consumer, the readers, and the relay, over one broker."""

    platform: Platform
    publisher: Publisher
    law: Law
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def park(self, impossible: Passage) -> None:
        """The gateway parks what it does not believe."""
        await ParkingLot(self.publisher, 5).park_impossible(
            EnrolledDevice(impossible.device, Protocol.GRPC, "hq"), [(0, message(impossible))], AT
        )

    async def redrive(self) -> int:
        return (await RedriveParked(self.platform.begin)(OPERATOR, Selection(topic=TOPIC))).sent

    async def becomes(self, state: State, attempts: int) -> UUID:
        """Waits until the one record is in that state after so many attempts; its ID."""

        async def is_so() -> bool:
            rows = await self.platform.sql("SELECT state, attempts FROM parked_records")
            return [(row["state"], row["attempts"]) for row in rows] == [(state.value, attempts)]

        await until(is_so, PATIENCE_S)
        (row,) = await self.platform.sql("SELECT id FROM parked_records")
        return UUID(str(row["id"]))

    async def account(self, serial: str = "gate") -> Counts:
        async with self.platform.database.worker.transaction() as transaction:
            return await StoredAccounts(transaction).total(serial)

    async def closes(self, expected: Counts) -> None:
        """Waits until the account of the gate is this one."""

        async def is_so() -> bool:
            return await self.account() == expected

        await until(is_so, PATIENCE_S)


@pytest.fixture
async def round_(told: Platform, quiet_cluster: Cluster) -> AsyncIterator[Round]:
    quiet_cluster.create([*LOTS, TOPIC, LATE])
    assert (TOPIC, LATE) == (PASSAGES, LATE_PASSAGES)
    publisher, law, stop = Publisher(quiet_cluster.brokers), Law(), asyncio.Event()
    record = RecordPassages(told.begin, law, told.months)  # type: ignore[arg-type]
    consumer = Consumer(
        "timetracking",
        quiet_cluster.brokers,
        [passages(record), passages(record, LATE)],
        publisher.send,
        commit_interval_s=0.2,
        grace_s=1.0,
    )
    tails = beside(told_settings(told, quiet_cluster.bootstrap), told.database.worker)
    work: list[Callable[[asyncio.Event], Awaitable[None]]] = [
        consumer.run,
        Relay(told.database.worker, publisher).run,
        *(each.run for each in tails),
    ]
    running = [asyncio.ensure_future(each(stop)) for each in work]

    async def ready() -> bool:
        return (consumer.ready and all(tail.ready for tail in tails)) or any(each.done() for each in running)

    try:
        await until(ready, PATIENCE_S)
        yield Round(told, publisher, law, stop)
    finally:
        stop.set()
        for each in running:
            with suppress(asyncio.CancelledError):
                await each
        await publisher.close()


async def test_a_passage_is_taken_up_once_its_cause_is_gone(round_: Round) -> None:
    """One round for all causes: to start the consumer takes seconds."""
    await _the_law_changes(round_)
    await round_.platform.sql("DELETE FROM parked_records")
    await _the_time_policy_changes(round_)


async def _the_law_changes(round_: Round) -> None:
    """What is 500 days old comes back as often as it is sent, and is taken up once 600 are possible."""
    await round_.park(passage("2025-07-12T08:55:00", received=AT))
    record = await round_.becomes(State.PARKED, 1)
    await round_.closes(Counts(received=1, parked=1))
    assert await round_.redrive() == 1
    assert await round_.becomes(State.PARKED, 3) == record
    assert await round_.account() == Counts(received=1, parked=1)
    round_.law.oldest = 600
    assert await round_.redrive() == 1
    assert await round_.becomes(State.TAKEN_UP, 4) == record
    await round_.closes(Counts(received=1, stored=1))
    assert await round_.redrive() == 0
    (event_id,) = {
        row["event_id"] for row in await round_.platform.sql("SELECT headers::jsonb ->> 'event_id' AS event_id FROM parked_records")
    }
    assert UUID(event_id)
    round_.law.oldest = 400


async def _the_time_policy_changes(round_: Round) -> None:
    """Two days and two hours ahead, as sent without an offset: five hours less once the terminal is known to show Almaty's time."""
    ahead = (AT + timedelta(days=2, hours=2)).replace(tzinfo=None)
    await round_.platform.enrol(HR, device("tower", "KGD", settings(utc_offset=-3600)))
    await round_.park(passage(ahead.isoformat(), device="tower", offset=None, received=AT))
    record = await round_.becomes(State.PARKED, 1)
    assert await round_.redrive() == 1
    assert await round_.becomes(State.PARKED, 3) == record
    await round_.platform.change(HR, "KGD", "tower", settings(zone="Asia/Almaty", since="2026-11-01T00:00:00"), "")
    assert await round_.redrive() == 1
    assert await round_.becomes(State.TAKEN_UP, 4) == record
    assert await round_.account("tower") == Counts(received=1, stored=1)
    assert len(await round_.platform.sql("SELECT FROM passages")) == 2
