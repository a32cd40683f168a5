"""Calls of asyncio: the same as `tartip_client.blocking`, to be awaited."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message
from tartip.timetracking.v1.passage_service_pb2 import Passage
from tartip.timetracking.v1.workday_service_pb2 import WatchWorkdaysRequest, WatchWorkdaysResponse

from tartip_client.connection import Headers, Tls, identified, options, request_id_of, signed
from tartip_client.passages import ANSWERED_WITHIN_S, CUT, RefusedPassage, Waiting, broken
from tartip_client.policy import ONCE, PATIENT, Policy, Tries, repeatable
from tartip_client.refusals import Refusal, Refused, refusal_of, refused
from tartip_client.renewal import AwaitedChannel
from tartip_client.tokens import Ended, SignInAway, TokenSource, given, late
from tartip_client.watching import first_cursor, resumed

if TYPE_CHECKING:
    from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceAsyncStub
    from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceAsyncStub

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
Tokens = TokenSource | Callable[[], Awaitable[str]] | str | None
"""Where tokens come from: a sign-in, a coroutine function that is asked at each call, or a token that somebody else renews."""


def channel(
    target: str,
    tokens: Tokens,
    *,
    language: str = "kk",
    tls: Tls | grpc.ChannelCredentials | None = Tls(),  # noqa: B008  # it is frozen
    policy: Policy | None = Policy(),  # noqa: B008
    headers: Headers | None = None,
) -> grpc.aio.Channel:
    """Opens a channel to host:port for the stubs of `tartip`, as `tartip_client.channel` does; what is refused raises Refused.

    Without a `policy` calls are signed and no more: gRPC's own errors, no deadline, nothing repeated, no request_id.
    """
    calls = _Calls(tokens, language, policy, headers)
    interceptors: list[Any] = [_UnaryUnary(calls), _UnaryStream(calls), _StreamUnary(calls), _StreamStream(calls)]
    if tls is None:
        return grpc.aio.insecure_channel(target, options=options(), interceptors=interceptors)

    def opened() -> grpc.aio.Channel:
        credentials = tls.credentials() if isinstance(tls, Tls) else tls
        return grpc.aio.secure_channel(target, credentials, options=options(), interceptors=interceptors)

    return AwaitedChannel(opened, tls.files) if isinstance(tls, Tls) and tls.files else opened()


async def pages(method: Callable[[Q], Awaitable[A]], request: Q) -> AsyncIterator[A]:
    """Yields the pages of a list, each asked for when the one before was used."""
    asked: Any = type(request)()
    asked.CopyFrom(request)
    while True:
        page: Any = await method(asked)
        yield page
        if not page.next_page_token:
            return
        asked.page_token = page.next_page_token


async def watch(
    stub: "WorkdayServiceAsyncStub", request: WatchWorkdaysRequest, policy: Policy = PATIENT
) -> AsyncIterator[WatchWorkdaysResponse]:
    """Follows the changes of a body's days, as `tartip_client.watch` does."""
    cursor, tries = request.cursor, Tries(policy, policy.deadline_s)
    while True:
        call = stub.WatchWorkdays(resumed(request, cursor))
        try:
            accepted = first_cursor(await call.initial_metadata())
            if accepted is not None:
                cursor = cursor or accepted
                tries.got_on()
            async for change in call:
                cursor = change.cursor
                tries.got_on()
                yield change
            ended: Ended = refused(CUT)
        except Refused as error:
            ended = refused(broken(error.refusal))
        except SignInAway as away:
            ended = away
        finally:
            call.cancel()
        await _wait(tries, ended)


async def send_passages(stub: "PassageServiceAsyncStub", passages: Sequence[Passage], policy: Policy = PATIENT) -> list[RefusedPassage]:
    """Sends passages of an access-control system, as `tartip_client.send_passages` does."""
    waiting, tries = Waiting(passages), Tries(policy, policy.deadline_s)
    while waiting:
        ended: Ended = refused(CUT)
        try:
            async for answer in stub.RecordPassages(waiting.requests(), timeout=ANSWERED_WITHIN_S):
                if waiting.take(answer):
                    tries.got_on()
        except Refused as error:
            ended = refused(broken(error.refusal))
        except SignInAway as away:
            ended = away
        if waiting:
            await _wait(tries, ended)
    return waiting.refused


async def _wait(tries: Tries, ended: Ended) -> None:
    wait = tries.again_s(ended.refusal)
    if wait is None:
        raise ended
    await asyncio.sleep(wait)


class _Calls:
    """What is done around every call of a channel."""

    def __init__(self, tokens: Tokens, language: str, policy: Policy | None, headers: Headers | None) -> None:
        self._tokens, self._language, self._policy, self._headers = tokens, language, policy, headers

    async def single(self, continuation: Any, details: Any, request: Any) -> Any:
        """Makes a call of one request and one answer, as often as the policy says."""
        if self._policy is None:
            tries = Tries(ONCE, details.timeout)
            token = await self._token(tries)
            return await continuation(self._signed(details, token, tries.left_s()), request)
        request = identified(request)
        given = details.timeout if details.timeout is not None else self._policy.deadline_s
        tries, may_again = Tries(self._policy, given), repeatable(_path(details.method), request)
        while True:
            token = await self._patient_token(tries)
            call = await continuation(self._signed(details, token, tries.left_s()), request)
            try:
                await call
            except grpc.RpcError as error:
                refusal = self._seen(error, token)
                wait = tries.again_s(refusal) if may_again else None
                if wait is None:
                    raise refused(refusal, request_id_of(request)) from error
                await asyncio.sleep(wait)
            else:
                return call

    async def uploaded(self, continuation: Any, details: Any, requests: Any) -> Any:
        """Makes a call of many requests and one answer."""
        tries = Tries(self._policy or ONCE, details.timeout)
        token = await self._token(tries)
        call = await continuation(self._signed(details, token, tries.left_s()), requests)
        if self._policy is None:
            return call
        try:
            await call
        except grpc.RpcError as error:
            raise refused(self._seen(error, token)) from error
        return call

    async def streamed(self, continuation: Any, details: Any, request: Any) -> Any:
        """Makes a call whose answer is a stream, and tells its end as Refused."""
        tries = Tries(self._policy or ONCE, details.timeout)
        token = await self._token(tries)
        call = await continuation(self._signed(details, token, tries.left_s()), request)
        return call if self._policy is None else self._answers(call, token)

    async def _answers(self, call: Any, token: str | None) -> AsyncIterator[Any]:
        try:
            async for answer in call:
                yield answer
        except grpc.RpcError as error:
            raise refused(self._seen(error, token)) from error

    async def _patient_token(self, tries: Tries) -> str | None:
        while True:
            try:
                return await self._token(tries)
            except SignInAway as away:
                await _wait(tries, away)

    async def _token(self, tries: Tries) -> str | None:
        tokens = self._tokens
        if isinstance(tokens, TokenSource) and (living := tokens.living()) is not None:
            return living
        if isinstance(tokens, str) or tokens is None:
            return tokens
        try:
            async with asyncio.timeout(tries.left_s()) as limit:
                return given(await asyncio.wrap_future(tokens.asked())) if isinstance(tokens, TokenSource) else await tokens()
        except TimeoutError:
            if limit.expired():
                raise late() from None
            raise

    def _signed(self, details: Any, token: str | None, timeout: float | None) -> grpc.aio.ClientCallDetails:
        carried = grpc.aio.Metadata(*signed(details.metadata, token, self._language, self._headers))
        return grpc.aio.ClientCallDetails(details.method, timeout, carried, details.credentials, details.wait_for_ready)

    def _seen(self, error: grpc.RpcError, token: str | None) -> Refusal:
        refusal = refusal_of(error)
        if refusal.code == "UNAUTHENTICATED" and token is not None and isinstance(self._tokens, TokenSource):
            self._tokens.refused(token)
        return refusal


def _path(method: str | bytes) -> str:
    return method.decode() if isinstance(method, bytes) else method


class _Interceptor:
    def __init__(self, calls: _Calls) -> None:
        self._calls = calls


class _UnaryUnary(_Interceptor, grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._calls.single(continuation, client_call_details, request)


class _UnaryStream(_Interceptor, grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._calls.streamed(continuation, client_call_details, request)


class _StreamUnary(_Interceptor, grpc.aio.StreamUnaryClientInterceptor):  # type: ignore[type-arg]
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._calls.uploaded(continuation, client_call_details, request_iterator)


class _StreamStream(_Interceptor, grpc.aio.StreamStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._calls.streamed(continuation, client_call_details, request_iterator)
