"""The gRPC server of a service: who may call is checked before, how it refuses is settled after its handlers."""

import asyncio
import importlib
import importlib.util
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

import grpc.aio
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection
from pydantic import PositiveFloat
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.access import Relationships, current_caller
from chassis.access_rules import AccessNotDeclared, access_rules
from chassis.audit import AuditRecord
from chassis.errors import Law, Refusals
from chassis.interceptors.authentication import Verifier, authenticated
from chassis.interceptors.authorisation import authorised
from chassis.interceptors.certificates import bound_to_certificate
from chassis.interceptors.faults import answered
from chassis.interceptors.idempotency import Ledger, Once
from chassis.interceptors.layers import Layers
from chassis.interceptors.rates import held_back
from chassis.interceptors.refusals import written_down
from chassis.interceptors.telemetry import observed
from chassis.interceptors.time_limit import in_time
from chassis.messages import Messages
from chassis.rates import Buckets, Rate
from chassis.settings import AtOnce, read
from chassis.tls import Certificates, TlsSettings

__all__ = ["Limits", "Served", "Server", "ServerSettings", "current_caller"]

log = structlog.get_logger("chassis.server")

# How a service is added: the generated `add_…_to_server`, the servicer, and the service's descriptor.
Served = tuple[Callable[[Any, grpc.aio.Server], None], object, ServiceDescriptor]
HEALTH = health.SERVICE_NAME
REFLECTION = reflection.SERVICE_NAME


class ServerSettings(Protocol):
    """What a server must be told."""

    @property
    def listen(self) -> str:
        """host:port; a port of 0 is chosen by the system."""


class Limits(BaseSettings):
    """Limits of the server, each with a reason; `TARTIP_MAX_MESSAGE_BYTES` and so on change them."""

    model_config = SettingsConfigDict(env_prefix="TARTIP_", frozen=True, extra="ignore")

    max_message_bytes: int = 4 * 1024 * 1024  # a page of 500 rows has 0.5 MB, 1,000 passages 0.6 MB
    max_concurrent_streams: int = 1000  # a connection; more wait at the client
    keepalive_seconds: int = 60  # balancers drop silent connections after some minutes
    min_ping_seconds: int = 20  # a client that pings more often is told to go
    max_connection_age_seconds: int = 1800  # so that clients balance anew after a scale-out; streams get the grace
    max_connection_age_grace_seconds: int = 300
    drain_seconds: float = 0.0  # between NOT_SERVING and the stop; in a cluster as long as endpoints take to notice
    grace_seconds: float = 10.0  # for RPCs at work when the server stops
    recheck_seconds: float = 30.0  # so long a stream may outlive the relationship that opened it
    # A transaction has five seconds, and the longest answers, pieces of the audit verified, take some: this is no caller's patience any more.
    call_seconds: PositiveFloat = 30.0
    # A process answers some five hundred calls a second (docs/benchmarks.md): a client that runs wild leaves a fifth of it to the others,
    # a person or a system three fifths. After a rest fifty times as much: a script that takes over a ministry's people one by one.
    client_calls_per_second: PositiveFloat = 400.0
    client_calls_at_once: AtOnce = 20_000.0
    subject_calls_per_second: PositiveFloat = 200.0
    subject_calls_at_once: AtOnce = 10_000.0
    reflection: bool = False

    @property
    def client_rate(self) -> Rate:
        """How many calls are taken of a client, with all who call through it."""
        return Rate(self.client_calls_per_second, self.client_calls_at_once)

    @property
    def subject_rate(self) -> Rate:
        """How many calls are taken of a person or a system."""
        return Rate(self.subject_calls_per_second, self.subject_calls_at_once)

    def options(self) -> list[tuple[str, int]]:
        """Returns the limits as gRPC's channel arguments."""
        return [
            ("grpc.max_receive_message_length", self.max_message_bytes),
            ("grpc.max_send_message_length", self.max_message_bytes),
            ("grpc.max_concurrent_streams", self.max_concurrent_streams),
            ("grpc.keepalive_time_ms", self.keepalive_seconds * 1000),
            ("grpc.http2.min_ping_interval_without_data_ms", self.min_ping_seconds * 1000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.max_connection_age_ms", self.max_connection_age_seconds * 1000),
            ("grpc.max_connection_age_grace_ms", self.max_connection_age_grace_seconds * 1000),
            ("grpc.so_reuseport", 0),  # two processes on one port are a mistake to be told of
        ]


class Server:
    """Serves the RPCs of a service: those of its own package, which alone has an ErrorReason, and of packages that all services share.

    Refuses to be made where an RPC declares no access (AccessNotDeclared) or a reason of the service's ErrorReason has
    no text in three languages (TextMissing). `refused` is told of calls that are refused to somebody who is known.
    """

    def __init__(
        self,
        settings: ServerSettings,
        services: Sequence[Served],
        verifier: Verifier,
        messages: Messages,
        law: Law,
        ledger: Ledger | None = None,
        limits: Limits | None = None,
        relationships: Relationships | None = None,
        certificates: Certificates | None = None,
        refused: Callable[[AuditRecord], None] | None = None,
    ) -> None:
        self.limits = limits or read(Limits)
        tls = certificates or Certificates(TlsSettings())
        descriptors = [descriptor for _, _, descriptor in services]
        rules = access_rules(descriptors)
        if relationships is None and (needing := [rule.method for rule in rules.values() if rule.relationships]):
            raise AccessNotDeclared(f"{needing[0]} is opened by a relationship, and nobody looks relationships up")
        package = _package(descriptors)
        messages.require(importlib.import_module(f"{package}.error_reason_pb2").ErrorReason.DESCRIPTOR)
        layers = (
            observed(),
            answered(Refusals(package.split(".")[1], messages, law)),
            in_time(self.limits.call_seconds),
            authenticated(verifier),
            *((bound_to_certificate(integrations_need_one=bool(tls.mutual_listen)),) if tls.there else ()),
            held_back(Buckets(self.limits.client_rate), Buckets(self.limits.subject_rate)),
            *((written_down(refused),) if refused is not None else ()),
            authorised(rules, relationships, self.limits.recheck_seconds),
        )
        interceptor = Layers(layers, Once(ledger, descriptors), (HEALTH, REFLECTION))
        self._server = grpc.aio.server(interceptors=[interceptor], options=self.limits.options())
        for add, servicer, _ in services:
            add(servicer, self._server)
        self._health = HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._names = ["", *(descriptor.full_name for descriptor in descriptors)]
        if self.limits.reflection:
            reflection.enable_server_reflection([*self._names[1:], HEALTH, REFLECTION], self._server)
        self.port = self._port(settings.listen, tls.grpc() if tls.there else None)
        self.mutual_port = self._port(tls.mutual_listen, tls.grpc(mutual=True)) if tls.mutual_listen else 0

    def _port(self, listen: str, credentials: grpc.ServerCredentials | None) -> int:
        if credentials is None:
            return self._server.add_insecure_port(listen)
        return self._server.add_secure_port(listen, credentials)

    async def start(self) -> None:
        """Begins to answer; `port` is the port that it listens on, `mutual_port` the one that asks for a certificate, or 0."""
        await self._server.start()
        await self._say(health_pb2.HealthCheckResponse.SERVING)
        log.info("serving", port=self.port, services=self._names[1:])

    async def stop(self) -> None:
        """Says NOT_SERVING, waits for balancers to see it, lets RPCs at work end, then ends the others."""
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(self.limits.drain_seconds)
        await self._server.stop(self.limits.grace_seconds)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        """Serves for the length of the block."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def run(self, stop: asyncio.Event) -> None:
        """Serves until `stop` is set."""
        async with self.running():
            await stop.wait()

    async def _say(self, status: "health_pb2.HealthCheckResponse.ServingStatus") -> None:
        for name in self._names:
            await self._health.set(name, status)


def _package(services: Iterable[ServiceDescriptor]) -> str:
    """The service's own package: shared ones refuse with its reasons, in its name."""
    packages = {service.file.package for service in services}
    own = sorted(package for package in packages if importlib.util.find_spec(f"{package}.error_reason_pb2") is not None)
    if len(own) != 1:
        raise ValueError(f"a server serves one package with reasons of its own, not {own or sorted(packages)}")
    return own[0]
