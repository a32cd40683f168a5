"""Turns what an RPC raises into its answer; nothing of an unexpected cause leaves the process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio
import structlog
from google.rpc import status_pb2
from grpc_status import rpc_status
from kernel.faults import Fault, Unavailable

from chassis.errors import Internal, Refusals, code_name, code_of, language_of, speak
from chassis.interceptors.incoming import Incoming, Layer
from chassis.transient import is_transient

log = structlog.get_logger("chassis.rpc")


def answered(refusals: Refusals) -> Layer:
    """Returns the layer that answers faults as google.rpc.Status in the caller's language."""

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        language = language_of(call.metadata.get("accept-language"))
        speak(refusals, language)
        try:
            yield
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            fault = _fault(error, call)
            call.outcome, call.reason = code_name(code_of(fault)), fault.reason
            await _end(call, refusals.status(fault, language))

    return layer


async def _end(call: Incoming, status: status_pb2.Status) -> None:
    trailer = rpc_status.to_status(status)
    await call.context.abort(trailer.code, trailer.details, trailer.trailing_metadata)


def _fault(error: Exception, call: Incoming) -> Fault:
    if isinstance(error, Fault):
        return error
    if is_transient(error):
        log.warning("a dependency is away", request_id=call.id, method=call.method, error=type(error).__name__)
        return Unavailable()
    log.error("unexpected", request_id=call.id, method=call.method, exc_info=error)
    return Internal(call.id)
