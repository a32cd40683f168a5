"""A small region: the registry and timetracking as processes, regimes as it publishes, and the department that is in all of them."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from chassis.audit_log.checkpoints import published
from chassis.brokers import Brokers
from chassis.migrations import migrate
from chassis.roles import Entrances, provide
from chassis.testing.client import channel
from chassis.testing.kafka import Kafka
from chassis.testing.postgres import Postgres
from chassis.testing.processes import command
from google.type.date_pb2 import Date
from localstack.parts import free_addresses
from localstack.processes import Process
from registry.servants.iin import check_digit
from sqlalchemy import make_url
from tartip.law.v1.law_pb2 import LocalizedText
from tartip.registry.v1 import servant_service_pb2 as servants
from tartip.registry.v1 import servant_service_pb2_grpc as servants_grpc
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.registry.v1 import state_body_service_pb2_grpc as bodies_grpc

from ..chaos.department import ZONE, Department
from ..chaos.inside import SERVICE, Inside
from ..chaos.patience import until
from ..chaos.stage import ALL, Stage, stage
from .users import variables

REGISTRY = "registry"
SERVICES = (REGISTRY, SERVICE)
REGION = "75"
# As wide as a gate's own, each at a second of the month.
_GROW = """
INSERT INTO passages (device, event_key, wall_time, utc_offset, badge_system, badge_number, direction, verify_method, received_at, live,
                      raw, raw_digest)
SELECT 'of-september', number::text, timestamp '2026-09-01' + number % 2592000 * interval '1 s', 18000, 'old', (number % 5000)::text,
       1, 1, now(), false, repeat('x', 120), sha256(number::text::bytea)
FROM generate_series(1, {rows}) AS number
"""
SINCE, LEFT = date(2026, 1, 12), date(2026, 3, 1)
BORN = date(1985, 3, 14)
# Who decides, and who keeps the files: everywhere, as it is a small region.
GRANTS = ("/nation/operator", "/nation/hr-officer")
# Checkpoints of the audit are told so often that some are told between a backup and the loss.
_OFTEN = {"TARTIP_AUDIT_CHECKPOINT_EVERY_S": "0.5"}
# Who gives commands, which the audit names.
BY = ("--by", "A. Serikova")


@dataclass(slots=True)
class Region:
    """The platform of a region; it stands on one Kafka, and on one PostgreSQL that may be lost and replaced at its address."""

    stage: Stage
    registry: Entrances
    department: Department
    desk: Any
    ways: Mapping[str, Brokers]
    grown: int = 0
    _free: Any = field(default_factory=free_addresses)

    @property
    def gone(self) -> str:
        """Who has left the department, long before today."""
        return f"{self.department.name}-gone"

    @property
    def books(self) -> Inside:
        """The registry's database, seen from within."""
        return Inside(self.stage.postgres, self.registry)

    def stand_on(self, postgres: Postgres) -> None:
        """The region's server is another one now."""
        self.stage.postgres = self.stage.inside.postgres = postgres

    async def start(self, *names: str) -> None:
        """Starts processes side by side ("registry work", "consume"); returns when all are ready."""
        for name in names:
            service, _, kind = name.rpartition(" ")
            if service == REGISTRY:
                await self._start_registry(name, kind)
        await self.stage.start(*(name for name in names if not name.startswith(REGISTRY)))
        await asyncio.gather(*(self.stage.ready(name) for name in names))

    async def operate(self, service: str, *arguments: str) -> str:
        """What an operator does at the command line of a service, to its good end; what it said."""
        code, said = await self.ended(service, *arguments)
        assert code == 0, said
        return said

    async def ended(self, service: str, *arguments: str) -> tuple[int, str]:
        """What an operator does at the command line of a service: how it ended, and what it said."""
        urls = self.registry if service == REGISTRY else self.stage.inside.urls
        own = {**variables(self.ways[service]), "TARTIP_DATABASE_URL": urls.worker, "TARTIP_MIGRATOR_DATABASE_URL": urls.migrator}
        return await command(service, {**os.environ, **self.stage.told, **own}, *arguments)

    async def audit_told(self, service: str) -> None:
        """Returns when a checkpoint of the audit as it is now was told outside."""
        inside = self.books if service == REGISTRY else self.stage.inside
        records = await inside.count("audit_records")

        async def told() -> bool:
            return max((each.place for each in await published(service, self.ways[service])), default=0) >= records

        await until(told)

    async def lock(self) -> None:
        """Lets no process into the databases that came back, as the page says."""
        for service, inside in ((REGISTRY, self.books), (SERVICE, self.stage.inside)):
            name = make_url(inside.urls.migrator).database
            await inside.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM {service}_app, {service}_worker')

    async def settle(self) -> None:
        """Records the department in the registry, tells of its plans, enrols its gates and gives out its badges."""
        await self.desk.create_body(self.department.body)
        await self.desk.import_servants(self.department.body, [*self.department.servants, self.gone], self.gone)
        await until(self._told)
        await self.stage.publish(each for each in self.department.told() if each[0] == "regimes.plans.v1")
        await until(self.stage.applied)
        await self.stage.enrol(self.department)

    async def grow(self, rows: int) -> None:
        """Lets so many passages of a September lie in the database, of a gate that nobody asks for: what a backup has to bring back."""
        await self.stage.inside.execute(f"SELECT make_passages_month('2026-09-01'); {_GROW.format(rows=rows)}")
        self.grown = rows

    async def recorded(self) -> int:
        """How many passages of the department's gates are stored."""
        return await self.stage.inside.count("passages") - self.grown

    async def level(self) -> None:
        """Returns when all that was recorded is published, applied and computed."""
        await until(lambda: self.books.none("outbox"))
        await self.stage.level()

    async def _told(self) -> bool:
        return await self.books.none("outbox") and await self.stage.applied()

    async def _start_registry(self, name: str, kind: str) -> None:
        self.stage.admin[name] = next(self._free)
        own = {
            **variables(self.ways[REGISTRY]),
            "TARTIP_ADMIN_LISTEN": self.stage.admin[name],
            "TARTIP_LISTEN": self.desk.target,
            "TARTIP_DATABASE_URL": self.registry.app if kind == "serve" else self.registry.worker,
        }
        told = {**os.environ, **self.stage.told, **own}
        self.stage.processes[name] = await Process.start(name, (REGISTRY, kind), told, self.stage.folder, lambda *_: None)


@dataclass(slots=True)
class Desk:
    """Who calls the registry: at its address, with a token."""

    target: str
    token: Any
    _opened: Any = None

    async def create_body(self, body: str) -> None:
        """Records a state body with a unit and a position in it."""
        made = bodies.StateBody(title=_text(body), kind=bodies.STATE_BODY_KIND_CENTRAL, region=REGION, zone=ZONE.key)
        await self.bodies.CreateStateBody(bodies.CreateStateBodyRequest(state_body_id=body, state_body=made))
        await self.create_unit(body, "unit")
        position = servants.Position(title=_text("1"), unit=f"stateBodies/{body}/units/unit", category="C-4")
        await self.servants.CreatePosition(servants.CreatePositionRequest(parent=f"stateBodies/{body}", position_id="1", position=position))

    async def create_unit(self, body: str, unit: str) -> None:
        """Records a unit of the body."""
        made = bodies.Unit(title=_text(unit))
        await self.bodies.CreateUnit(bodies.CreateUnitRequest(parent=f"stateBodies/{body}", unit_id=unit, unit=made))

    async def import_servants(self, body: str, people: Sequence[str], left: str) -> None:
        """Records the people in the body's position; one of them left it."""
        rows = [_row(number, body, servant, LEFT if servant == left else None) for number, servant in enumerate(people)]
        answer = await self.servants.ImportServants(rows)
        assert {each.outcome for each in answer.rows} == {servants.ImportedRow.OUTCOME_CREATED}, answer

    @property
    def bodies(self) -> Any:
        return bodies_grpc.StateBodyServiceStub(self._opened)

    @property
    def servants(self) -> Any:
        return servants_grpc.ServantServiceStub(self._opened)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Desk"]:
        """Keeps the line to the registry for the length of a block."""
        async with channel(self.target, self.token) as self._opened:
            yield self


@asynccontextmanager
async def region(
    kafka: Kafka, postgres: Postgres, folder: Path, department: Department, ways: Mapping[str, Brokers]
) -> AsyncIterator[Region]:
    """The region with all its processes, each service by its own way to Kafka, and the department recorded in it."""
    async with AsyncExitStack() as stack:
        urls = await provide(postgres.url, REGISTRY, REGISTRY, postgres.password_of)
        await migrate(urls.migrator, f"{REGISTRY}.migrations")
        standing = await stack.enter_async_context(stage(kafka, postgres, folder, more={**variables(ways[SERVICE]), **_OFTEN}))

        async def token() -> str:
            return standing.tokens.mint("an officer", GRANTS)

        desk = await stack.enter_async_context(Desk(next(free_addresses()), token).open())
        made = Region(standing, urls, department, desk, ways)
        await made.start("registry serve", "registry work")
        await made.settle()
        yield made


PROCESSES = ("registry serve", "registry work", *(name for name in ALL if name != "gateway"))


def _row(number: int, body: str, servant: str, until_: date | None) -> servants.ImportServantsRequest:
    held = servants.Appointment(
        position=f"stateBodies/{body}/positions/1", kind=servants.APPOINTMENT_KIND_MAIN, since=_day(SINCE), rate_percent=100, act="№ 1"
    )
    if until_ is not None:
        held.until.CopyFrom(_day(until_))
    made = servants.Servant(iin=_iin(number), display_name="Сынақ С.", appointments=[held])
    return servants.ImportServantsRequest(row=number + 1, servant_id=servant, servant=made)


def _iin(number: int) -> str:
    """The number-th IIN of people born on that day."""
    found = (f"{digits}{last}" for serial in range(10_000) if (last := check_digit(digits := f"{BORN:%y%m%d}3{serial:04d}")) is not None)
    return next(each for at, each in enumerate(found) if at == number)


def _text(word: str) -> LocalizedText:
    return LocalizedText(kk=word, ru=word, en=word)


def _day(value: date) -> Date:
    return Date(year=value.year, month=value.month, day=value.day)
