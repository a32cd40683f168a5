"""The gateway as one thing that starts and stops: HTTP for devices, gRPC for systems, one batcher behind both."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web
from chassis.audit import AuditRecord
from chassis.clock import Clock
from chassis.interceptors.authentication import Verifier
from chassis.messages import Messages
from chassis.rates import Buckets
from chassis.server import Limits, Server
from chassis.settings import read
from chassis.tls import Certificates, TlsSettings
from lawbook import Lawbook
from tartip.timetracking.v1 import passage_service_pb2
from tartip.timetracking.v1.passage_service_pb2_grpc import add_PassageServiceServicer_to_server

from timetracking.gateway.admission import Admission, NoteRefused
from timetracking.gateway.adms_routes import AdmsRoutes
from timetracking.gateway.allow_list import AllowList
from timetracking.gateway.batches import Batcher, Publisher
from timetracking.gateway.connections import Connections
from timetracking.gateway.intake import Intake, NoteNoPassages, bounds_by
from timetracking.gateway.isapi_routes import IsapiRoutes
from timetracking.gateway.parking_lot import ParkingLot
from timetracking.gateway.servicer import PassageServicer
from timetracking.gateway.settings import GatewaySettings

log = structlog.get_logger("timetracking.gateway")

_GRACE_S = 5.0
"""Seconds for requests at work at the end, over gRPC and then over HTTP: Kafka confirms within parts of one, or is away."""

_DRAIN_S = 3.0
"""Seconds for open batches at the end; their devices were not answered yet and would send them again."""

_LINGER_S = 2.0
"""Seconds in which the rest of a refused body is read and thrown away, so that its sender gets to read the refusal."""


class Gateway:
    """Takes what devices send until it is stopped. `http_port` and `grpc_port` are known once it runs."""

    def __init__(
        self,
        settings: GatewaySettings,
        publisher: Publisher,
        allow_list: AllowList,
        clock: Clock,
        law: Lawbook,
        verifier: Verifier,
        messages: Messages,
        no_passages: NoteNoPassages = lambda *_: None,
        note_refused: NoteRefused = lambda *_: None,
        refused: Callable[[AuditRecord], None] | None = None,
    ) -> None:
        within_s = settings.gateway_answer_within_s
        self._settings = settings
        self._stop = asyncio.Event()
        self._batcher = Batcher(publisher, clock, settings.batch_limits, within_s)
        parking_lot = ParkingLot(publisher, within_s)
        intake = Intake(self._batcher, parking_lot, clock, bounds_by(law), settings.gateway_zone, no_passages)
        zone = ZoneInfo(settings.gateway_zone)
        by_device = Buckets(settings.device_rate)
        admission = Admission(allow_list, clock, by_device, Buckets(settings.stranger_rate), settings.proxies, note_refused)
        self._connections = Connections(settings.line_limits, settings.proxies)
        self._app = web.Application(client_max_size=settings.gateway_body_octets, middlewares=[self._connections.middleware])
        self._app.add_routes(AdmsRoutes(admission, intake, clock, zone, settings.gateway_body_within_s).routes())
        self._app.add_routes(IsapiRoutes(admission, intake, settings.gateway_body_within_s).routes())
        service = passage_service_pb2.DESCRIPTOR.services_by_name["PassageService"]
        streams = PassageServicer(allow_list, intake, self._stop, by_device, Buckets(settings.client_rate), clock, note_refused)
        served = (add_PassageServiceServicer_to_server, streams, service)
        limits = read(Limits).model_copy(update={"grace_seconds": _GRACE_S})
        self._server = Server(settings, [served], verifier, messages, law, limits=limits, refused=refused)
        self.http_port = 0
        self.grpc_port = self._server.port

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Gateway"]:
        """Takes passages for the length of the block; at its end answers whom it can and leaves nothing half sent."""
        runner = web.AppRunner(
            self._app,
            access_log=None,
            logger=_http_log(),
            auto_decompress=False,
            handler_cancellation=False,
            keepalive_timeout=self._settings.gateway_rest_s,
            lingering_time=_LINGER_S,
            shutdown_timeout=_GRACE_S,
        )
        await runner.setup()
        assert runner.server is not None
        host, _, port = self._settings.gateway_listen.rpartition(":")
        tls, protocol = Certificates(TlsSettings()).http(), self._connections.protocol(runner.server)
        # Until the handshake is done a line is counted nowhere: it has the time of a head for it, and no more.
        patience_s = self._settings.gateway_head_within_s if tls is not None else None
        listening = await asyncio.get_running_loop().create_server(protocol, host, int(port), ssl=tls, ssl_handshake_timeout=patience_s)
        try:
            self.http_port = listening.sockets[0].getsockname()[1]
            async with self._server.running():
                log.info("the gateway takes passages", http=self.http_port, grpc=self.grpc_port)
                try:
                    yield self
                finally:
                    self._stop.set()
        finally:
            listening.close()
            await runner.cleanup()
            if not await self._batcher.drain(_DRAIN_S):
                log.warning("Kafka did not confirm everything before the end: the devices will send it again")


def _http_log() -> logging.Logger:
    """Returns the log of what is no HTTP: that it came and what kind of error it is, without the stack, which quotes what was sent."""
    logger = logging.getLogger("timetracking.gateway.http")
    if not logger.filters:
        logger.addFilter(_without_stack)
    return logger


def _without_stack(record: logging.LogRecord) -> bool:
    if record.exc_info and record.exc_info[0] is not None:
        record.msg = f"{record.msg} ({record.exc_info[0].__name__})"
    record.exc_info = record.exc_text = None
    return True
