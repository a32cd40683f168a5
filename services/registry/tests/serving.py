"""The registry served inside a test: real gRPC, real tokens, a real database; and the requests that fill it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from chassis.audit_log.refusals import RefusalLog
from chassis.database import Database
from chassis.heads import StoredRelationships
from chassis.messages import Messages
from chassis.purposes import HEADER
from chassis.requests import RequestLedger
from chassis.testing.client import channel
from chassis.testing.fixtures import FreshDatabase
from chassis.testing.servers import served
from chassis.testing.tokens import Tokens, issuer
from google.protobuf.message import Message
from google.type import date_pb2
from lawbook import load
from registry.protected.keys import SensitiveKeys
from registry.relationships import CONTROL
from registry.server import services
from tartip.audit.v1 import audit_service_pb2_grpc as au_grpc
from tartip.law.v1 import law_pb2
from tartip.personal.v1 import personal_data_service_pb2_grpc as pd_grpc
from tartip.registry.v1 import events_pb2
from tartip.registry.v1 import hold_service_pb2 as ho
from tartip.registry.v1 import hold_service_pb2_grpc as ho_grpc
from tartip.registry.v1 import protected_fact_service_pb2 as pf
from tartip.registry.v1 import protected_fact_service_pb2_grpc as pf_grpc
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import servant_service_pb2_grpc as sv_grpc
from tartip.registry.v1 import state_body_service_pb2 as sb
from tartip.registry.v1 import state_body_service_pb2_grpc as sb_grpc

from .samples import KEYS, iin

MARCH = date(2026, 3, 1)
NOW = datetime(2026, 2, 2, 9, tzinfo=UTC)
# What an officer says that protected facts are listed for.
FOR = ((HEADER, "personnel-records"),)
OPERATOR = ("/regions/75/operator",)
HR = ("/state-bodies/KGD/hr-officer",)


@dataclass(slots=True)
class Portal:
    """A signed-in caller, with the stubs of the services."""

    bodies: Any
    servants: Any
    protected: Any
    audit: Any
    holds: Any
    personal: Any


@dataclass(slots=True)
class Registry:
    """A served registry over a fresh database."""

    database: FreshDatabase
    address: str
    tokens: Tokens
    stack: AsyncExitStack
    refusals: RefusalLog
    portals: dict[object, Portal] = field(default_factory=dict)
    held: str = ""  # the name of serikova's appointment
    fact: str = ""  # the name of a protected fact of hers, where a test records one

    async def portal(self, grants: Sequence[str] = (), servant: str | None = None, language: str = "kk") -> Portal:
        """Signs somebody in with these grants."""
        key = (*grants, servant, language)
        if key not in self.portals:
            token = self.tokens.mint("person " + "+".join(grants), grants, servant)
            opened = await self.stack.enter_async_context(channel(self.address, token, language))
            self.portals[key] = Portal(
                sb_grpc.StateBodyServiceStub(opened),
                sv_grpc.ServantServiceStub(opened),
                pf_grpc.ProtectedFactServiceStub(opened),
                au_grpc.AuditServiceStub(opened),
                ho_grpc.HoldServiceStub(opened),
                pd_grpc.PersonalDataServiceStub(opened),
            )
        return self.portals[key]

    async def published(self) -> list[events_pb2.StateBodyChanged | events_pb2.ServantChanged]:
        """What waits in the outbox, in the order of publication."""
        kinds: dict[str, Any] = {"registry.bodies.v1": events_pb2.StateBodyChanged, "registry.servants.v1": events_pb2.ServantChanged}
        return [
            kinds[row["topic"]].FromString(row["payload"])
            for row in await self.database.rows("SELECT * FROM outbox WHERE payload IS NOT NULL ORDER BY xid, id")
        ]

    async def records(self) -> list[tuple[str, str]]:
        """Action and resource of each audit record."""
        return [(row["action"], row["resource"]) for row in await self.database.rows("SELECT * FROM audit_records ORDER BY id")]

    async def fill(self) -> None:
        """Records KGD (region 75) with the units audit and hr, the positions 17 and 18, and the servant serikova at 17."""
        operator, hr = await self.portal(OPERATOR), await self.portal(HR)
        await operator.bodies.CreateStateBody(new_body())
        await hr.bodies.CreateUnit(new_unit("audit"))
        await hr.bodies.CreateUnit(new_unit("hr", hr_service=True))
        await hr.servants.CreatePosition(new_position("17", "audit"))
        await hr.servants.CreatePosition(new_position("18", "hr", above="17"))
        serikova = await hr.servants.CreateServant(new_servant("serikova", 0, appointment("17")))
        self.held = serikova.appointments[0].name


@asynccontextmanager
async def serving(database: FreshDatabase, role: str = "app", keys: SensitiveKeys = KEYS) -> AsyncIterator[Registry]:
    """Serves a registry over the database, entered in a role, with keys of protected facts."""
    entered: Database = getattr(database, role)
    tokens, ledger, refusals = issuer(), RequestLedger(entered, "a page key"), RefusalLog(entered)
    rpcs = services(entered, "a page key", lambda: NOW, load(), keys)
    related = StoredRelationships(entered, lambda: NOW, CONTROL)
    serving = served(rpcs, tokens, Messages.load("registry"), ledger=ledger, relationships=related, refused=refusals.note)
    async with serving as address, AsyncExitStack() as stack:
        yield Registry(database, address, tokens, stack, refusals)


def day(value: date) -> date_pb2.Date:
    return date_pb2.Date(year=value.year, month=value.month, day=value.day)


def title(word: str) -> law_pb2.LocalizedText:
    return law_pb2.LocalizedText(kk=word, ru=word, en=word)


def new_body(id: str = "KGD", region: str = "75", **rest: Any) -> sb.CreateStateBodyRequest:
    body = sb.StateBody(title=title(id), kind=sb.STATE_BODY_KIND_CENTRAL, region=region, zone="Asia/Almaty")
    for name, value in rest.items():
        setattr(body, name, value)
    return sb.CreateStateBodyRequest(state_body_id=id, state_body=body)


def new_unit(id: str, body: str = "KGD", above: str = "", hr_service: bool = False) -> sb.CreateUnitRequest:
    parent_unit = f"stateBodies/{body}/units/{above}" if above else ""
    unit = sb.Unit(title=title(id), parent_unit=parent_unit, hr_service=hr_service)
    return sb.CreateUnitRequest(parent=f"stateBodies/{body}", unit_id=id, unit=unit)


def new_position(id: str, unit: str, body: str = "KGD", above: str = "") -> sv.CreatePositionRequest:
    supervising = f"stateBodies/{body}/positions/{above}" if above else ""
    position = sv.Position(title=title(id), unit=f"stateBodies/{body}/units/{unit}", category="C-4", supervising_position=supervising)
    return sv.CreatePositionRequest(parent=f"stateBodies/{body}", position_id=id, position=position)


def appointment(
    position: str = "17",
    since: date = date(2026, 1, 12),
    until: date | None = None,
    body: str = "KGD",
    kind: sv.AppointmentKind.ValueType = sv.APPOINTMENT_KIND_MAIN,
) -> sv.Appointment:
    made = sv.Appointment(
        position=f"stateBodies/{body}/positions/{position}", kind=kind, since=day(since), rate_percent=100, act="№ 14-л/с"
    )
    if until is not None:
        made.until.CopyFrom(day(until))
    return made


def new_servant(id: str, number: int, *appointments: sv.Appointment) -> sv.CreateServantRequest:
    servant = sv.Servant(iin=iin(number).digits, display_name="Серікова А.", appointments=appointments or [appointment()])
    return sv.CreateServantRequest(servant_id=id, servant=servant)


def new_hold(body: str = "KGD", since: date = date(2026, 1, 19), until: date = date(2026, 2, 13)) -> ho.PlaceHoldRequest:
    hold = ho.Hold(ground="Акт № 7 о назначении проверки", since=day(since), until=day(until))
    return ho.PlaceHoldRequest(parent=f"stateBodies/{body}", hold=hold)


def release_of(hold: ho.Hold, **rest: str) -> ho.ReleaseHoldRequest:
    return ho.ReleaseHoldRequest(name=hold.name, ground=rest.pop("ground", "Акт № 8 о завершении проверки"), **rest)


def row(number: int, of: sv.CreateServantRequest) -> sv.ImportServantsRequest:
    return sv.ImportServantsRequest(row=number, servant_id=of.servant_id, servant=of.servant)


def with_id(request: Any, request_id: str) -> Message:
    """The request with a request ID."""
    copy: Any = type(request)()
    copy.CopyFrom(request)
    copy.request_id = request_id
    return copy  # type: ignore[no-any-return]


def new_fact(servant: str = "serikova", kind: pf.ProtectedFactKind.ValueType = pf.PROTECTED_FACT_KIND_PREGNANCY, **rest: Any) -> Any:
    """A request to record a fact since 12 January 2026; dates are given as such."""
    fact = pf.ProtectedFact(kind=kind, since=day(date(2026, 1, 12)), document="№ 118 анықтама")
    for name, value in rest.items():
        if isinstance(value, date):
            getattr(fact, name).CopyFrom(day(value))
        elif isinstance(value, list):
            getattr(fact, name)[:] = value
        else:
            setattr(fact, name, value)
    return pf.RecordProtectedFactRequest(parent=f"servants/{servant}", protected_fact=fact)
