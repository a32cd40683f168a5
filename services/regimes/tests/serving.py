"""The regimes served inside a test: real gRPC, real tokens, a real database; and the requests that fill it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from chassis.database import Database
from chassis.heads import StoredRelationships, control_projected
from chassis.messages import Messages
from chassis.requests import RequestLedger
from chassis.tables import projection_positions
from chassis.testing.client import channel
from chassis.testing.fixtures import FreshDatabase
from chassis.testing.servers import served
from chassis.testing.tokens import Tokens, issuer
from google.protobuf.duration_pb2 import Duration
from google.type import date_pb2, timeofday_pb2
from kernel.days import Month
from lawbook import load
from regimes.people.use_cases import TakeBodies, TakeServants
from regimes.plans.use_cases import ActivateLaw, ComposeDuePlans, RollPlans
from regimes.projections import BODIES, SERVANTS
from regimes.server import services
from regimes.unit_of_work import units_of_work
from sqlalchemy import insert
from tartip.personal.v1 import personal_data_service_pb2_grpc as pd_grpc
from tartip.regimes.v1 import assignment_service_pb2 as a_pb
from tartip.regimes.v1 import assignment_service_pb2_grpc as a_grpc
from tartip.regimes.v1 import events_pb2
from tartip.regimes.v1 import labour_order_rules_service_pb2 as r_pb
from tartip.regimes.v1 import labour_order_rules_service_pb2_grpc as r_grpc
from tartip.regimes.v1 import law_service_pb2_grpc as l_grpc
from tartip.regimes.v1 import plan_service_pb2_grpc as p_grpc

from .samples import appointment, at, body, servant

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HR = ("/state-bodies/KGD/hr-officer",)
LAW = load()


@dataclass(slots=True)
class Portal:
    """A signed-in caller, with the stubs of the services."""

    rules: Any
    assignments: Any
    plans: Any
    law: Any
    personal: Any


@dataclass(slots=True)
class Regimes:
    """Served regimes over a fresh database."""

    database: FreshDatabase
    address: str
    tokens: Tokens
    stack: AsyncExitStack
    portals: dict[object, Portal] = field(default_factory=dict)

    async def portal(self, grants: Sequence[str] = (), servant: str | None = None, language: str = "kk") -> Portal:
        """Signs somebody in with these grants."""
        key = (*grants, servant, language)
        if key not in self.portals:
            token = self.tokens.mint("person " + "+".join(grants), grants, servant)
            opened = await self.stack.enter_async_context(channel(self.address, token, language))
            self.portals[key] = Portal(
                r_grpc.LabourOrderRulesServiceStub(opened),
                a_grpc.AssignmentServiceStub(opened),
                p_grpc.PlanServiceStub(opened),
                l_grpc.LawServiceStub(opened),
                pd_grpc.PersonalDataServiceStub(opened),
            )
        return self.portals[key]

    async def composed(self) -> list[events_pb2.MonthPlanChanged]:
        """Does what is due, and returns all that waits in the outbox."""
        work = units_of_work(self.database.worker, lambda: NOW, LAW)
        await ActivateLaw(work, LAW)()
        await RollPlans(work)()
        while await ComposeDuePlans(work, LAW, lambda: NOW)():
            pass
        rows = await self.database.rows("SELECT * FROM outbox WHERE payload IS NOT NULL ORDER BY xid, id")
        return [events_pb2.MonthPlanChanged.FromString(row["payload"]) for row in rows]

    async def fill(self) -> None:
        """Lets the registry tell of KGD (region 75), of MF (region 10), and of serikova, who is in November and December in KGD."""
        work = units_of_work(self.database.worker, lambda: NOW, LAW)
        await TakeBodies(work)([body(), body("MF", "10")])
        await TakeServants(work)([servant("serikova", appointment(date(2026, 11, 1), date(2026, 12, 31)))])
        await level(self.database.worker, BODIES, SERVANTS)


async def level(database: Database, *topics: str) -> None:
    """Lets the projections of the topics have reached their start."""
    rows = [{"topic": topic, "partition": 0, "start_offset": 0, "applied": 0} for topic in topics]
    async with database.transaction() as transaction:
        await transaction.session.execute(insert(projection_positions), rows)


@asynccontextmanager
async def serving(database: FreshDatabase, role: str = "app") -> AsyncIterator[Regimes]:
    """Serves the regimes over the database, entered in a role."""
    entered: Database = getattr(database, role)
    rpcs = services(entered, "a page key", lambda: NOW, LAW)
    ledger = RequestLedger(entered, "a page key")
    related = StoredRelationships(entered, lambda: NOW, control_projected("bodies", "id"))
    async with (
        served(rpcs, issuer(), Messages.load("regimes"), law=LAW, ledger=ledger, relationships=related) as address,
        AsyncExitStack() as stack,
    ):
        yield Regimes(database, address, issuer(), stack)


def day(value: date) -> date_pb2.Date:
    return date_pb2.Date(year=value.year, month=value.month, day=value.day)


def month_of(event: events_pb2.MonthPlanChanged) -> Month:
    return Month(event.year, event.month)


def clock(text: str) -> timeofday_pb2.TimeOfDay:
    time = at(text)
    return timeofday_pb2.TimeOfDay(hours=time.hour, minutes=time.minute, seconds=time.second)


def new_rules(
    id: str = "2024", since: date = date(2024, 1, 1), body: str = "KGD", request_id: str = "", **changed: Any
) -> r_pb.CreateLabourOrderRulesRequest:
    """Rules 09:00–18:30 with a break 13:00–14:30; `changed` replaces fields, None takes one away."""
    fields: dict[str, Any] = {
        "since": day(since),
        "week_type": r_pb.WEEK_TYPE_FIVE_DAY,
        "start": clock("09:00"),
        "end": clock("18:30"),
        "break_start": clock("13:00"),
        "break_end": clock("14:30"),
        "grace": Duration(seconds=300),
        "premises": "HQ",
        "act": "№ 7-қ",
        **changed,
    }
    return r_pb.CreateLabourOrderRulesRequest(
        parent=f"stateBodies/{body}",
        labour_order_rules_id=id,
        labour_order_rules=r_pb.LabourOrderRules(**{name: value for name, value in fields.items() if value is not None}),
        request_id=request_id,
    )


def new_assignment(
    since: date, until: date, id: str = "a1", servant: str = "serikova", request_id: str = "", act: str = "№ 12-ж", **regime: Any
) -> a_pb.CreateAssignmentRequest:
    made = a_pb.Assignment(since=day(since), until=day(until), act=act, **regime)
    return a_pb.CreateAssignmentRequest(parent=f"servants/{servant}", assignment_id=id, assignment=made, request_id=request_id)


REMOTE = a_pb.RemoteRegime(place="Алматы, үйі")


def flexible(**changed: Any) -> a_pb.FlexibleRegime:
    fields = {
        "start": clock("07:00"),
        "end": clock("16:30"),
        "core_start": clock("10:00"),
        "core_end": clock("16:00"),
        "break_start": clock("13:00"),
        "break_end": clock("14:30"),
        **changed,
    }
    return a_pb.FlexibleRegime(**{name: value for name, value in fields.items() if value is not None})


def shift(on: date, start: str, end: str, break_start: str = "", break_end: str = "") -> a_pb.Shift:
    made = a_pb.Shift(date=day(on), start=clock(start), end=clock(end))
    if break_start:
        made.break_start.CopyFrom(clock(break_start))
    if break_end:
        made.break_end.CopyFrom(clock(break_end))
    return made
