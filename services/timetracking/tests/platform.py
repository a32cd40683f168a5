"""Timetracking without its edges: a real database, the use cases, and a clock that stands where it is put."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from chassis.database import Database
from chassis.tables import projection_positions
from chassis.testing.fixtures import FreshDatabase
from chassis.testing.waiting import until
from google.protobuf.message import Message
from lawbook import load
from sqlalchemy import insert
from tartip.timetracking.v1.events_pb2 import FindingChanged, WorkdayChanged
from timetracking.accounts.use_cases import Place
from timetracking.badges.use_cases import AssignBadge
from timetracking.devices.use_cases import ChangeDeviceSettings, EnrolDevice, ReinstateDevice, RevokeDevice, RotateDeviceSecret
from timetracking.due.use_cases import ComputeDueDays, ComputeDueReads, SpreadDueDevices
from timetracking.findings.domain import Finding
from timetracking.findings.repository import finding_of
from timetracking.passages.domain import Passage
from timetracking.passages.repository import Months
from timetracking.passages.use_cases import RecordPassages
from timetracking.people.use_cases import EraseServants, TakeBodies, TakeServants
from timetracking.plans.use_cases import ForgetPlans, TakeOrders, TakePlans
from timetracking.sessions.use_cases import EndRemoteSession, StartRemoteSession
from timetracking.unit_of_work import begin
from timetracking.workdays.closing import CloseDays
from timetracking.workdays.domain.kept import KeptDay
from timetracking.workdays.repository import kept_of
from timetracking.workdays.use_cases import ComputeDays

BODIES, SERVANTS, PLANS = "registry.bodies.v1", "registry.servants.v1", "regimes.plans.v1"
EVENTS: dict[str, type[Message]] = {"timetracking.workdays.v1": WorkdayChanged, "timetracking.findings.v1": FindingChanged}
LAW = load()
NOW = datetime(2026, 12, 20, tzinfo=UTC)


class Platform:
    """Timetracking at an instant that a test may move; jobs and consumers work as `worker`, what people ask for as `app`."""

    def __init__(self, database: FreshDatabase, now: datetime = NOW) -> None:
        self.database, self.now, self.law = database, now, LAW
        self.begin = begin(database.worker, LAW, self.clock, "Asia/Almaty")
        asked = begin(database.app, LAW, self.clock, "Asia/Almaty")
        self.compute = ComputeDays(LAW, self.clock)
        self.months = Months(database.worker)
        self.store = RecordPassages(self.begin, LAW, self.months)
        self.take_bodies = TakeBodies(self.begin, "Asia/Almaty")
        self.take_servants = TakeServants(self.begin)
        self.erase_servants = EraseServants(self.begin)
        self.forget_plans = ForgetPlans(self.begin)
        self.take_plans = TakePlans(self.begin, self.compute)
        self.take_orders = TakeOrders(self.begin, self.compute)
        self.close = CloseDays(self.begin, self.compute, self.clock)
        self.spread = SpreadDueDevices(self.begin)
        self.compute_due = ComputeDueDays(self.begin, self.compute)
        self.compute_reads = ComputeDueReads(self.begin, self.compute)
        self.enrol = EnrolDevice(asked)
        self.change = ChangeDeviceSettings(asked)
        self.rotate = RotateDeviceSecret(asked, self.clock)
        self.revoke = RevokeDevice(asked, self.clock)
        self.reinstate = ReinstateDevice(asked)
        self.assign = AssignBadge(asked, self.compute)
        self.start_session = StartRemoteSession(asked, self.compute, self.clock)
        self.end_session = EndRemoteSession(asked, self.compute, self.clock)

    async def record(self, passages: Sequence[Passage], *, late: bool = False, places: Sequence[Place] = ()) -> Sequence[Passage]:
        """Stores passages and computes the days that follow from them."""
        fresh = await self.store(passages, late=late, places=places)
        while await self.compute_reads():
            pass
        return fresh

    def clock(self) -> datetime:
        return self.now

    async def sql(self, statement: str, *arguments: object) -> list[Any]:
        async with self.database.worker.transaction() as transaction:
            return list(await (await transaction.driver()).fetch(statement, *arguments))

    async def device(
        self, serial: str, role: str = "perimeter", direction: str = "as_sent", premises: str = "HQ", body: str = "KGD"
    ) -> None:
        """Puts a device on the list past its use case, for a body that nobody told of."""
        columns = "serial, body, protocol, badge_system, revision, proof_asked"
        await self.sql(f"INSERT INTO devices ({columns}) VALUES ($1, $2, 'grpc', 'hq', 1, true) ON CONFLICT DO NOTHING", serial, body)
        settings = "INSERT INTO device_settings (device, place, role, direction, premises) VALUES ($1, 0, $2, $3, $4)"
        await self.sql(settings, serial, role, direction, premises)

    async def badge(self, number: str, servant: str, since: datetime | None = None) -> None:
        """Gives a badge past its use case, to a servant whom nobody told of."""
        await self.sql("INSERT INTO badges VALUES ($1, 'hq', $2, $3, tstzrange($4, NULL))", f"{number}-{servant}", number, servant, since)

    async def days(self, servant: str = "S1") -> dict[date, KeptDay]:
        """The servant's days as they are kept."""
        rows = await self.sql("SELECT * FROM workdays WHERE servant = $1 ORDER BY date", servant)
        return {row["date"]: kept_of(row) for row in rows}

    async def findings(self, servant: str = "S1") -> list[Finding]:
        """The servant's findings, withdrawn ones too, by first second and kind."""
        return [finding_of(row) for row in await self.sql("SELECT * FROM findings WHERE servant = $1 ORDER BY first, kind", servant)]

    async def told(self, topic: str) -> list[Any]:
        """The events of the topic that wait in the outbox, in the order of publication."""
        rows = await self.sql("SELECT payload FROM outbox WHERE topic = $1 ORDER BY xid, id", topic)
        return [EVENTS[topic].FromString(row["payload"]) for row in rows]

    async def written(self) -> dict[str, int]:
        """How many rows there are of everything that a changed day writes."""
        tables = ("workdays", "workday_versions", "workday_changes", "findings", "outbox")
        counts = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in tables)
        return dict((await self.sql(f"SELECT {counts}"))[0])

    async def versions(self, day: date, servant: str = "S1") -> list[int]:
        """The revisions of a day that are kept."""
        query = "SELECT revision FROM workday_versions WHERE servant = $1 AND date = $2 ORDER BY revision"
        return [row["revision"] for row in await self.sql(query, servant, day)]

    async def due_days(self) -> list[tuple[str, date]]:
        """What is due, dates of devices spread over those who were read there."""
        while await self.spread():
            pass
        return sorted({(row["servant"], row["date"]) for row in await self.sql("SELECT servant, date FROM due_days")})

    async def somebody_waits(self) -> bool:
        """Whether a transaction waits for a lock that another holds."""
        query = "SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        return bool(await self.sql(query))

    async def do_what_is_due(self) -> None:
        """Computes until nothing is due."""
        while await self.spread() or await self.compute_reads() or await self.compute_due():
            pass


@dataclass(frozen=True, slots=True)
class Pausing:
    """Computes days and then stands still, its transaction open, until it is told to go on."""

    compute: ComputeDays
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, work: Any, **touched: Any) -> None:
        await self.compute(work, **touched)
        self.reached.set()
        await self.go_on.wait()

    async def meanwhile(self, platform: Platform, first: Awaitable[object], second: Awaitable[object]) -> None:
        """Begins the second while the first stands still; goes on when the second is done, or waits for the first."""
        holding = asyncio.ensure_future(first)

        async def standing() -> bool:
            return self.reached.is_set() or holding.done()

        await until(standing)
        other = asyncio.ensure_future(second)

        async def done_or_waiting() -> bool:
            return other.done() or await platform.somebody_waits()

        await until(done_or_waiting)
        self.go_on.set()
        await asyncio.gather(holding, other)


async def level(database: Database, *topics: str) -> None:
    """Lets the projections of the topics have reached their start."""
    rows = [{"topic": topic, "partition": 0, "start_offset": 0, "applied": 0} for topic in topics]
    async with database.transaction() as transaction:
        await transaction.session.execute(insert(projection_positions), rows)
