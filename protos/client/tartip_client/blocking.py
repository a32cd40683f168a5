"""Calls of scripts and threads: a channel that signs in, is patient and says why it is refused, and the three longer exchanges."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import grpc
from google.protobuf.message import Message
from tartip.timetracking.v1.passage_service_pb2 import Passage
from tartip.timetracking.v1.workday_service_pb2 import WatchWorkdaysRequest, WatchWorkdaysResponse

from tartip_client.connection import Headers, Tls, identified, options, request_id_of, signed
from tartip_client.passages import ANSWERED_WITHIN_S, CUT, RefusedPassage, Waiting, broken
from tartip_client.policy import PATIENT, Policy, Tries, repeatable
from tartip_client.refusals import Refusal, Refused, refusal_of, refused
from tartip_client.renewal import BlockingChannel
from tartip_client.tokens import Ended, SignInAway, TokenSource
from tartip_client.watching import first_cursor, resumed

if TYPE_CHECKING:
    from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub
    from tartip.timetracking.v1.workday_service_pb2_grpc import WorkdayServiceStub

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


def channel(
    target: str,
    tokens: TokenSource | str | None,
    *,
    language: str = "kk",
    tls: Tls | None = Tls(),  # noqa: B008  # it is frozen
    policy: Policy = Policy(),  # noqa: B008
    headers: Headers | None = None,
) -> grpc.Channel:
    """Opens a channel to host:port for the stubs of `tartip`; what is refused raises Refused.

    `tokens` may be a token that somebody else renews. Without `tls` nothing is encrypted: for loopback, and a mesh that encrypts. Single
    calls have the policy's deadline, unless they name their own (`timeout=`), which holds for the wait for a token too, and are repeated
    as it says; writes get a request_id, so that a repetition is done once. Streams are not repeated, and are
    ended (CANCELLED) a minute after a certificate was replaced: `watch` and `send_passages` go on with theirs, others open theirs anew.
    """
    opened = grpc.insecure_channel(target, options()) if tls is None else _secure(target, tls)
    return grpc.intercept_channel(opened, _Calls(tokens, language, policy, headers))


def _secure(target: str, tls: Tls) -> grpc.Channel:
    def opened() -> grpc.Channel:
        return grpc.secure_channel(target, tls.credentials(), options())

    return BlockingChannel(opened, tls.files) if tls.files else opened()


def pages(method: Callable[[Q], A], request: Q) -> Iterator[A]:
    """Yields the pages of a list, each asked for when the one before was used: `for page in pages(stub.ListUnits, ListUnitsRequest(…))`."""
    asked: Any = type(request)()
    asked.CopyFrom(request)
    while True:
        page: Any = method(asked)
        yield page
        if not page.next_page_token:
            return
        asked.page_token = page.next_page_token


def watch(stub: "WorkdayServiceStub", request: WatchWorkdaysRequest, policy: Policy = PATIENT) -> Iterator[WatchWorkdaysResponse]:
    """Follows the changes of a body's days and goes on after every break from the last cursor; each comes at least once.

    `stub` is a WorkdayServiceStub. It never ends by itself; CURSOR_EXPIRED is raised as Precondition, and what to do then is the
    caller's: throw the copy away, list all days again, and only then follow from "start". Keep the cursor of a change after its day is
    stored, not before. A sign-in that is away is a break too; SignInRefused and SignInUntrusted are raised.
    """
    cursor, tries = request.cursor, Tries(policy, policy.deadline_s)
    while True:
        call: Any = stub.WatchWorkdays(resumed(request, cursor))
        try:
            accepted = first_cursor(call.initial_metadata())
            if accepted is not None:
                cursor = cursor or accepted
                tries.got_on()
            for change in call:
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
        _wait(tries, ended)


def send_passages(stub: "PassageServiceStub", passages: Sequence[Passage], policy: Policy = PATIENT) -> list[RefusedPassage]:
    """Sends passages of an access-control system and returns when each is in Kafka, or refused by name: those are returned.

    `stub` is a PassageServiceStub of the gateway. Keep each refused passage that is not `final`, and send it again later: its device may
    be enrolled by then. What a broken stream did not acknowledge is sent again, however often it takes; a passage that comes twice counts
    once. Where the policy gives up, all of it may be sent again later.
    """
    waiting, tries = Waiting(passages), Tries(policy, policy.deadline_s)
    while waiting:
        ended: Ended = refused(CUT)
        try:
            for answer in stub.RecordPassages(waiting.requests(), timeout=ANSWERED_WITHIN_S):
                if waiting.take(answer):
                    tries.got_on()
        except Refused as error:
            ended = refused(broken(error.refusal))
        except SignInAway as away:
            ended = away
        if waiting:
            _wait(tries, ended)
    return waiting.refused


def _wait(tries: Tries, ended: Ended) -> None:
    wait = tries.again_s(ended.refusal)
    if wait is None:
        raise ended
    time.sleep(wait)


class _Details(NamedTuple):
    method: Any
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


class _Calls(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[type-arg]  # generic in the stubs only
    grpc.UnaryStreamClientInterceptor,  # type: ignore[type-arg]  # generic in the stubs only
    grpc.StreamUnaryClientInterceptor,  # type: ignore[type-arg]  # generic in the stubs only
    grpc.StreamStreamClientInterceptor,  # type: ignore[type-arg]  # generic in the stubs only
):
    """What is done around every call of a channel."""

    def __init__(self, tokens: TokenSource | str | None, language: str, policy: Policy, headers: Headers | None) -> None:
        self._tokens, self._language, self._policy, self._headers = tokens, language, policy, headers

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        details, request = client_call_details, identified(request)
        given = details.timeout if details.timeout is not None else self._policy.deadline_s
        tries, may_again = Tries(self._policy, given), repeatable(details.method, request)
        while True:
            token = self._patient_token(tries)
            call = continuation(self._signed(details, token, tries.left_s()), request)
            error = call.exception()
            if error is None:
                return call
            refusal = self._seen(error, token)
            wait = tries.again_s(refusal) if may_again else None
            if wait is None:
                raise refused(refusal, request_id_of(request)) from error
            time.sleep(wait)

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        tries = Tries(self._policy, client_call_details.timeout)
        token = self._token(tries)
        call = continuation(self._signed(client_call_details, token, tries.left_s()), request_iterator)
        error = call.exception()
        if error is not None:
            raise refused(self._seen(error, token)) from error
        return call

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        tries = Tries(self._policy, client_call_details.timeout)
        token = self._token(tries)
        return _Answers(continuation(self._signed(client_call_details, token, tries.left_s()), request), self._seen, token)

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return self.intercept_unary_stream(continuation, client_call_details, request_iterator)

    def _patient_token(self, tries: Tries) -> str | None:
        while True:
            try:
                return self._token(tries)
            except SignInAway as away:
                _wait(tries, away)

    def _token(self, tries: Tries) -> str | None:
        return self._tokens.token(tries.left_s()) if isinstance(self._tokens, TokenSource) else self._tokens

    def _signed(self, details: Any, token: str | None, timeout: float | None) -> _Details:
        carried = signed(details.metadata, token, self._language, self._headers)
        ready, packed = getattr(details, "wait_for_ready", None), getattr(details, "compression", None)
        return _Details(details.method, timeout, carried, details.credentials, ready, packed)

    def _seen(self, error: Any, token: str | None) -> Refusal:
        if not isinstance(error, grpc.RpcError):
            raise error
        refusal = refusal_of(error)
        if refusal.code == "UNAUTHENTICATED" and token is not None and isinstance(self._tokens, TokenSource):
            self._tokens.refused(token)
        return refusal


class _Answers:
    """A streamed answer, whose end is told as Refused; in all else gRPC's call."""

    def __init__(self, call: Any, seen: Callable[[Any, str | None], Refusal], token: str | None) -> None:
        self._call, self._seen, self._token = call, seen, token

    def __iter__(self) -> "_Answers":
        return self

    def __next__(self) -> Any:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise refused(self._seen(error, self._token)) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def __del__(self) -> None:
        with suppress(Exception):
            self._call.cancel()
