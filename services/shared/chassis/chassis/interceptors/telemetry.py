"""Outermost: every RPC is a span, a metric and, where it fails, a line in the log."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from opentelemetry.trace import SpanKind, Status, StatusCode

from chassis.interceptors.incoming import Incoming, Layer
from chassis.metrics import counter, histogram
from chassis.telemetry import continued, tracer

log = structlog.get_logger("chassis.rpc")

CALLS = counter("tartip_rpc_calls_total", "calls", "RPCs answered, by method and gRPC code", ("method", "code"))
SECONDS = histogram("tartip_rpc_seconds", "seconds", "Time from an RPC's arrival to its end; for streams their whole life", ("method",))
REFUSED = counter("tartip_rpc_refused_total", "calls", "RPCs refused, by gRPC code and reason of the error catalogue", ("code", "reason"))
# Codes that say something about us rather than about the request.
OUR_FAULT = frozenset({"INTERNAL", "UNKNOWN", "UNAVAILABLE", "DATA_LOSS", "UNIMPLEMENTED", "DEADLINE_EXCEEDED"})


def observed() -> Layer:
    """Returns the layer that continues the caller's trace (metadata `traceparent`) and counts the call."""

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        service, _, method = call.method.removeprefix("/").partition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method, "tartip.request_id": call.id}
        with tracer.start_as_current_span(
            call.method.removeprefix("/"),
            context=continued(call.metadata),
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException:
                if call.outcome == "OK":  # the faults layer did not see it: the caller's patience was over, or it went away
                    left = call.context.time_remaining()
                    call.outcome = "DEADLINE_EXCEEDED" if left is not None and left <= 0 else "CANCELLED"
                raise
            finally:
                seconds = time.perf_counter() - call.began
                CALLS.labels(call.method, call.outcome).inc()
                SECONDS.labels(call.method).observe(seconds)
                span.set_attribute("rpc.grpc.status_code", call.outcome)
                if call.outcome in OUR_FAULT:
                    span.set_status(Status(StatusCode.ERROR, call.reason))
                if call.outcome != "OK":
                    REFUSED.labels(call.outcome, call.reason).inc()
                    _say(call, seconds)

    return layer


def _say(call: Incoming, seconds: float) -> None:
    write: Callable[..., None] = log.warning if call.outcome in OUR_FAULT else log.info
    client = call.claims.client if call.claims else ""
    write(
        "refused", method=call.method, code=call.outcome, reason=call.reason, request_id=call.id, client=client, ms=round(seconds * 1000, 1)
    )
