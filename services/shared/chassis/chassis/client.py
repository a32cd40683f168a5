"""Calling the platform's services: a channel that signs in, and refusals as people read them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tartip.law.v1 import law_pb2

from chassis.telemetry import carrier

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
TokenSource = Callable[[], Awaitable[str]]


def channel(
    target: str,
    token: str | TokenSource | None = None,
    language: str = "kk",
    credentials: grpc.ChannelCredentials | None = None,
) -> grpc.aio.Channel:
    """Opens a channel to host:port whose calls carry the token, the language and the current trace.

    `token` may be a coroutine function, asked at each call, so that a short-lived token can be renewed. Without
    `credentials` the channel is not encrypted: for loopback, and for a mesh that encrypts by itself.
    """
    signs = _Signs(token, language)
    interceptors: list[Any] = [_UnaryUnary(signs), _UnaryStream(signs), _StreamUnary(signs), _StreamStream(signs)]
    options = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ]
    if credentials is not None:
        return grpc.aio.secure_channel(target, credentials, options=options, interceptors=interceptors)
    return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal, taken apart: its code, reason and facts, the text for the caller, the article, the wrong fields."""

    code: str
    message: str
    reason: str = ""
    domain: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    language: str = ""
    basis: law_pb2.LegalBasis | None = None
    violations: Mapping[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None


def refusal_of(error: grpc.RpcError) -> Refusal:
    """Reads the details of an RPC's error; what did not come stays empty."""
    call: Any = error
    parts: dict[str, Any] = {}
    status = rpc_status.from_call(call)
    for detail in status.details if status is not None else ():
        info, text, bad = error_details_pb2.ErrorInfo(), error_details_pb2.LocalizedMessage(), error_details_pb2.BadRequest()
        basis, retry = law_pb2.LegalBasis(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            parts |= {"reason": info.reason, "domain": info.domain, "facts": dict(info.metadata)}
        elif detail.Unpack(text):
            parts |= {"text": text.message, "language": text.locale}
        elif detail.Unpack(bad):
            parts["violations"] = {row.field: row.description for row in bad.field_violations}
        elif detail.Unpack(basis):
            parts["basis"] = basis
        elif detail.Unpack(retry):
            parts["retry_after_s"] = retry.retry_delay.ToMilliseconds() / 1000
    return Refusal(code=call.code().name, message=call.details() or "", **parts)


class _Signs:
    """Puts token, language and trace into the metadata of a call."""

    def __init__(self, token: str | TokenSource | None, language: str) -> None:
        self._token, self._language = token, language

    async def details(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        """Returns the details of the call with the metadata added."""
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        token = self._token if isinstance(self._token, str) or self._token is None else await self._token()
        if token is not None and "authorization" not in metadata:
            metadata.add("authorization", f"Bearer {token}")
        if "accept-language" not in metadata:
            metadata.add("accept-language", self._language)
        for key, value in carrier().items():
            metadata.add(key, value)
        return grpc.aio.ClientCallDetails(details.method, details.timeout, metadata, details.credentials, details.wait_for_ready)


class _Interceptor:
    def __init__(self, signs: _Signs) -> None:
        self._signs = signs

    async def _go_on(self, continuation: Any, details: Any, request: Any) -> Any:
        return await continuation(await self._signs.details(details), request)


class _UnaryUnary(_Interceptor, grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._go_on(continuation, client_call_details, request)


class _UnaryStream(_Interceptor, grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._go_on(continuation, client_call_details, request)


class _StreamUnary(_Interceptor, grpc.aio.StreamUnaryClientInterceptor):  # type: ignore[type-arg]
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._go_on(continuation, client_call_details, request_iterator)


class _StreamStream(_Interceptor, grpc.aio.StreamStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._go_on(continuation, client_call_details, request_iterator)
