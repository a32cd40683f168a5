"""The gRPC interceptor that runs each RPC inside the layers, whatever its kind."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, aclosing
from inspect import isasyncgen, isawaitable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from kernel.faults import Malformed

from chassis.fields import stripped
from chassis.interceptors.idempotency import Once
from chassis.interceptors.incoming import Incoming, Layer, incoming, resource_of
from chassis.wire import zero_byte_in

Handler = Any  # grpc.RpcMethodHandler: its fields are not in the types
Context = grpc.aio.ServicerContext[Any, Any]


class Unreadable:
    """In place of a request that cannot be read: the faults layer answers it with what would be right, not gRPC with UNKNOWN."""

    def __init__(self, field: str, right: str) -> None:
        self.violations = {field: right}


class Layers(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Runs each RPC inside the layers, the first one outermost; `open_services` (health, reflection) are let through.

    Each RPC has a task of its own, so what a layer sets in a context variable is the call's alone. A streamed answer is
    written by the coroutine that entered the layers: a generator could be closed by another task.
    """

    def __init__(self, layers: Sequence[Layer], once: Once, open_services: Collection[str]) -> None:
        self._layers = tuple(layers)
        self._once = once
        self._open = tuple(f"/{service}/" for service in open_services)
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Returns the method's handler with the layers around it; made once a method."""
        method = str(handler_call_details.method)
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None or method.startswith(self._open):
                return handler
            self._wrapped[method] = self._surround(method, handler)
        return self._wrapped[method]

    def _surround(self, method: str, handler: Handler) -> Handler:
        # Of a stream each message is its handler's: one row is refused, and the others are taken.
        read = _tolerant(handler.request_deserializer, texts=not handler.request_streaming)
        write = handler.response_serializer
        if handler.response_streaming:
            behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
            make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
            return make(self._streamed(method, behaviour), read, write)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(self._single(method, handler.stream_unary, True), read, write)
        return grpc.unary_unary_rpc_method_handler(self._single(method, handler.unary_unary, False), read, write)

    async def _enter(self, stack: AsyncExitStack, call: Incoming) -> None:
        for layer in self._layers:
            await stack.enter_async_context(layer(call))

    def _single(self, method: str, behaviour: Any, streaming: bool) -> Any:
        async def answer(request: Any, context: Context) -> Any:
            call = incoming(method, context, streaming)
            call.resource = resource_of(request)
            async with AsyncExitStack() as stack:
                await self._enter(stack, call)
                if streaming:
                    return _shown(await behaviour(_checked(request), context), call)
                return _shown(await self._once.answer(call, _readable(request), behaviour), call)

        return answer

    def _streamed(self, method: str, behaviour: Any) -> Any:
        async def answer(request: Any, context: Context) -> None:
            call = incoming(method, context, True)
            call.resource = resource_of(request)
            async with AsyncExitStack() as stack:
                await self._enter(stack, call)
                given = _checked(request) if hasattr(request, "__aiter__") else _readable(request)
                answers = behaviour(given, context)
                if isawaitable(answers):
                    await answers
                    return
                if isasyncgen(answers):
                    await stack.enter_async_context(aclosing(answers))
                async for message in answers:
                    await context.write(_shown(message, call))

        return answer


def _shown(answer: Any, call: Incoming) -> Any:
    return stripped(answer, call.caller) if call.caller is not None else answer


def _tolerant(read: Callable[[bytes], Any] | None, *, texts: bool) -> Callable[[bytes], Any] | None:
    if read is None:
        return None

    def tolerant(raw: bytes) -> Any:
        try:
            request = read(raw)
        except DecodeError:
            return Unreadable("", "a protobuf message of the method's request type")
        field = zero_byte_in(request) if texts and b"\0" in raw else None
        return request if field is None else Unreadable(field, "text without zero bytes")

    return tolerant


def _readable(request: Any) -> Any:
    if isinstance(request, Unreadable):
        raise Malformed(request.violations)
    return request


async def _checked(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _readable(request)
