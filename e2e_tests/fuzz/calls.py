"""What people and systems send over gRPC: any bytes to every RPC, through the layers and the servicer to the edge of the database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import grpc
from chassis.access import Caller, Control, Grant, become
from chassis.errors import Refusals, speak
from chassis.interceptors.idempotency import Once
from chassis.interceptors.incoming import Incoming
from chassis.interceptors.layers import Layers
from chassis.messages import Messages
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from kernel.faults import Fault
from lawbook import load
from regimes.server import services as of_regimes
from registry.server import services as of_registry
from timetracking.server import services as of_timetracking

from .drawn import messages
from .driven import KEYS, Edge, Reached, done
from .target import Target

LAW, NOW = load(), datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
DAY = {"year": 2026, "month": 11, "day": 24}
TITLE = {"kk": "Бөлім", "ru": "Отдел", "en": "Unit"}
REQUEST = "01934e5c-7a00-7000-8000-000000000001"
NINE, SIX, ONE, TWO = ({"hours": hours} for hours in (9, 18, 13, 14))
APPOINTMENT = {"position": "stateBodies/KGD/positions/p-1", "kind": "APPOINTMENT_KIND_MAIN", "since": DAY, "ratePercent": 100, "act": "№ 1"}
SERVANT = {"iin": "900101300014", "displayName": "А. Б.", "appointments": [APPOINTMENT]}
ASSIGNMENT = {"since": DAY, "until": {"year": 2026, "month": 12, "day": 31}, "act": "№ 1"}
FLEXIBLE = {"start": NINE, "end": SIX, "coreStart": {"hours": 10}, "coreEnd": {"hours": 16}, "breakStart": ONE, "breakEnd": TWO}
SETTINGS = {"role": "DEVICE_ROLE_PERIMETER", "direction": "DEVICE_DIRECTION_AS_SENT", "premises": "HQ", "asSent": True}
LATER = {"sinceWallTime": "2026-11-24T00:00:00", "zone": "Asia/Almaty"}
SPAN = {"parent": "stateBodies/KGD", "since": DAY, "until": DAY}


def _enrolled(proof: Mapping[str, Any]) -> Mapping[str, Any]:
    device = {"protocol": "DEVICE_PROTOCOL_ZKTECO_ADMS", "badgeSystem": "hq", "proof": proof, "settings": [SETTINGS]}
    return {"parent": "stateBodies/KGD", "deviceId": "gate-1", "device": device}


# Valid requests, by RPC; where there is none, one is put together from nothing.
EXAMPLES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "PlaceHold": ({"parent": "stateBodies/KGD", "hold": {"ground": "№ 7", "since": DAY, "until": DAY}, "requestId": REQUEST},),
    "RecordProtectedFact": (
        {"parent": "servants/s-1", "protectedFact": {"kind": "PROTECTED_FACT_KIND_CHILD", "since": DAY, "childBorn": DAY, "document": "№ 1"}},
    ),
    "CreateStateBody": (
        {
            "stateBodyId": "KGD",
            "stateBody": {"title": TITLE, "kind": "STATE_BODY_KIND_TERRITORIAL", "region": "75", "zone": "Asia/Almaty", "parent": "stateBodies/MF"},
            "requestId": REQUEST,
        },
    ),
    "CreateUnit": ({"parent": "stateBodies/KGD", "unitId": "audit", "unit": {"title": TITLE, "parentUnit": "stateBodies/KGD/units/all"}},),
    "AppointUnitHead": ({"name": "stateBodies/KGD/units/audit", "head": "servants/s-1", "since": DAY},),
    "CreatePosition": (
        {
            "parent": "stateBodies/KGD",
            "positionId": "p-2",
            "position": {
                "title": TITLE, "unit": "stateBodies/KGD/units/audit", "category": "C-3", "supervisingPosition": "stateBodies/KGD/positions/p-1",
            },
        },
    ),
    "CreateServant": ({"servantId": "s-1", "servant": SERVANT},),
    "ImportServants": ({"row": 1, "servantId": "s-1", "servant": SERVANT},),
    "CreateAppointment": ({"parent": "servants/s-1", "appointment": APPOINTMENT},),
    "EndAppointment": ({"name": "servants/s-1/appointments/a-1", "until": DAY, "etag": "r1"},),
    "CreateLabourOrderRules": (
        {
            "parent": "stateBodies/KGD",
            "labourOrderRulesId": "r-1",
            "labourOrderRules": {
                "unit": "audit", "since": DAY, "weekType": "WEEK_TYPE_FIVE_DAY", "start": NINE, "end": SIX, "breakStart": ONE, "breakEnd": TWO,
                "grace": "300s", "premises": "HQ", "act": "№ 1",
            },
        },
    ),
    "CreateAssignment": tuple(
        {"parent": "servants/s-1", "assignment": {**ASSIGNMENT, **regime}}
        for regime in (
            {"remote": {"place": "Астана", "weekdays": [1, 2]}},
            {"flexible": FLEXIBLE},
            {"shift": {"shifts": [{"date": DAY, "start": NINE, "end": SIX, "breakStart": ONE, "breakEnd": TWO}]}},
        )
    ),
    "ListPlanDays": ({**SPAN, "parent": "servants/s-1"},),
    "GetProvision": ({"name": "provisions/working-time/daily-limit", "on": DAY},),
    "ListProvisions": ({"on": DAY},),
    "GetProductionCalendar": ({"year": 2026, "weekType": "WEEK_TYPE_FIVE_DAY", "asKnownOn": DAY},),
    "EnrolDevice": (_enrolled({"secret": {}}), _enrolled({"networks": {"cidrs": ["10.0.0.0/24"]}})),
    "ChangeDeviceSettings": ({"name": "stateBodies/KGD/devices/gate-1", "settings": {**SETTINGS, **LATER, "asSent": None}},),
    "RotateDeviceSecret": ({"name": "stateBodies/KGD/devices/gate-1", "overlap": "3600s"},),
    "BindDevice": ({"name": "stateBodies/KGD/devices/gate-1", "networks": {"cidrs": ["10.0.0.0/24", "fd00::/48"]}},),
    "AssignBadge": (
        {"parent": "servants/s-1", "badge": {"badgeSystem": "hq", "badgeNumber": "25", "since": "2026-11-24T00:00:00Z", "until": "2026-12-24T00:00:00Z"}},
    ),
    "GetDeviceAccount": ({"name": "stateBodies/KGD/devices/gate-1", "since": DAY, "until": DAY},),
    "ListWorkdays": (SPAN,),
    "ListFindings": ({**SPAN, "kinds": ["FINDING_KIND_LATE"]},),
    "WatchWorkdays": ({"parent": "stateBodies/KGD", "cursor": "7.8"}, {"parent": "stateBodies/KGD", "cursor": "start"}),
    "ListParkedRecords": ({"filter": {"topic": "registry.bodies.v1", "device": "stateBodies/KGD/devices/gate-1", "since": "2026-11-24T00:00:00Z"}},),
    "RedriveParkedRecords": ({"names": [f"parkedRecords/{REQUEST}"]}, {"filter": {"reason": "bug"}}),
    "VerifyAuditLog": tuple({"checkpoints": [f"{service}:1200:{'a' * 64}"]} for service in ("registry", "regimes", "timetracking")),
}  # fmt: skip
# The modules that messages of a service go through beside its servicer.
BESIDE = {
    "StateBodyService": "registry.wire registry.names registry.values registry.bodies.domain kernel.names kernel.identifiers",
    "ServantService": "registry.servants.messages registry.servants.domain registry.servants.iin registry.positions.servicer "
    "registry.positions.domain registry.wire",
    "LabourOrderRulesService": "regimes.wire regimes.names regimes.rules.domain chassis.wire",
    "AssignmentService": "regimes.wire regimes.names regimes.assignments.domain",
    "PlanService": "regimes.names regimes.plans.use_cases",
    "LawService": "regimes.names lawbook.book",
    "DeviceService": "timetracking.devices.messages timetracking.badges.servicer timetracking.accounts.servicer timetracking.names",
    "ParkingService": "timetracking.names timetracking.parking.use_cases",
    "RemoteSessionService": "timetracking.names",
    "WorkdayService": "timetracking.names",
    "HoldService": "registry.names registry.holds.domain",
    "ProtectedFactService": "registry.names registry.protected.messages registry.protected.domain",
    "PersonalDataService": "chassis.personal_data.export",
    "AuditService": "chassis.audit_log.chain",
}
LAYERS = "chassis.interceptors.layers chassis.interceptors.idempotency chassis.interceptors.incoming"
CALLER = Caller(
    "anna", "portal", "s-1",
    (Grant("hr-officer", "state-body", "KGD"), Grant("inspector", "nation", ""), Grant("servant", "own", "s-1"), Grant("operator", "region", "75")),
    Control(frozenset({"KGD/audit"})),
)  # fmt: skip


class Ledger:
    """Answers nothing from before, and keeps nothing."""

    @asynccontextmanager
    async def entry(self, *_: object) -> AsyncIterator[Any]:
        yield self

    answer = None

    async def keep(self, answer: bytes) -> None:
        """Forgets the answer."""


class Context:
    """A call of gRPC that brought nothing but its message."""

    def invocation_metadata(self) -> tuple[()]:
        return ()

    async def send_initial_metadata(self, _: object) -> None:
        """Tells nobody."""

    async def write(self, message: Any) -> None:
        message.SerializeToString()


def known(service: str) -> Callable[[Incoming], Any]:
    """The layer in place of all others: somebody calls who may."""
    refusals = Refusals(service, Messages.load(service), LAW)

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        call.caller = CALLER
        become(CALLER)
        speak(refusals, "kk")
        yield

    return layer


async def called(handler: Any, raw: bytes) -> None:
    """Gives the bytes to an RPC as gRPC does, and writes its answer as gRPC would."""
    request, context = handler.request_deserializer(raw), Context()

    async def requests() -> AsyncIterator[Any]:
        yield request

    given = requests() if handler.request_streaming else request
    kind = f"{'stream' if handler.request_streaming else 'unary'}_{'stream' if handler.response_streaming else 'unary'}"
    answer = await getattr(handler, kind)(given, context)
    if answer is not None:
        handler.response_serializer(answer)


def calling(layers: Layers, path: str, handler: Any) -> Callable[[bytes], None]:
    """Gives bytes to one RPC."""

    details: Any = SimpleNamespace(method=path)

    async def continuation(_: object) -> Any:
        return handler

    wrapped = done(layers.intercept_service(continuation, details))
    return lambda raw: done(called(wrapped, raw))


def rpcs(service: str, served: list[Any]) -> Iterator[Target]:
    """Every RPC of a service's server."""
    layers = Layers((known(service),), Once(Ledger(), [descriptor for _, _, descriptor in served]), ())
    for _, servicer, descriptor in served:
        for method in descriptor.methods:
            yield rpc(service, layers, servicer, descriptor, method)


def rpc(service: str, layers: Layers, servicer: Any, descriptor: ServiceDescriptor, method: MethodDescriptor) -> Target:
    """One RPC."""
    asked, answered = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    handler = make(getattr(servicer, method.name), asked.FromString, answered.SerializeToString)
    modules = f"{type(servicer).__module__} {BESIDE[descriptor.name]} {LAYERS}"
    read = calling(layers, f"/{descriptor.full_name}/{method.name}", handler)
    given = messages(asked, *EXAMPLES.get(method.name, ()))
    return Target(f"{service}.{method.name}", modules, given, read, (Fault, Reached), most=12)


def _targets() -> Iterator[Target]:
    edge: Any = Edge()
    yield from rpcs("registry", of_registry(edge, "key", lambda: NOW, LAW, KEYS))
    yield from rpcs("regimes", of_regimes(edge, "key", lambda: NOW, LAW))
    yield from rpcs("timetracking", of_timetracking(edge, "key", lambda: NOW, LAW, "Asia/Almaty", asyncio.Event()))


TARGETS = tuple(_targets())
