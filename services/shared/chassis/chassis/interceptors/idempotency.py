"""Innermost: the same request ID gives the same answer, and the work is done once.

What an answer shows once, fields with the option `debug_redact`, is not kept: a repetition is answered without them.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, ServiceDescriptor
from google.protobuf.message import Message
from kernel.faults import Malformed

from chassis.access import Caller
from chassis.interceptors.incoming import Incoming

M = TypeVar("M", bound=Message)
Behaviour = Callable[[Any, Any], Awaitable[Any]]


class Entry(Protocol):
    """The place of one request in the ledger, inside the transaction that the work shares."""

    @property
    def answer(self) -> bytes | None:
        """The answer given before, or None where the work is still to be done."""

    async def keep(self, answer: bytes) -> None:
        """Stores the answer with the work's changes."""


class Ledger(Protocol):
    """Which requests were answered in the last 24 hours, and how."""

    def entry(self, caller: Caller, method: str, request_id: str, digest: bytes) -> AbstractAsyncContextManager[Entry]:
        """Opens the transaction of the request: the work joins it, and it commits at the end of the block.

        A second call with the same ID waits for the first. Raises REQUEST_ID_REUSED where the ID came with another
        digest, and Forbidden where the caller's grants no longer hold what they held then.
        """


class Once:
    """Answers unary RPCs whose request has a `request_id`, through the ledger; the others as they are."""

    def __init__(self, ledger: Ledger | None, services: Iterable[ServiceDescriptor]) -> None:
        self._ledger = ledger
        self._answers: Mapping[str, type[Message]] = {
            f"/{service.full_name}/{method.name}": message_factory.GetMessageClass(method.output_type)
            for service in services
            for method in service.methods
            if "request_id" in method.input_type.fields_by_name and not method.client_streaming and not method.server_streaming
        }

    async def answer(self, call: Incoming, request: Any, behaviour: Behaviour) -> Any:
        """Returns the answer of the method, from before where the same request was answered before."""
        answers = self._answers.get(call.method)
        if answers is None or self._ledger is None or call.caller is None or not request.request_id:
            return await behaviour(request, call.context)
        request_id = _uuid(request.request_id)
        async with self._ledger.entry(call.caller, call.method, request_id, _digest(request)) as entry:
            if entry.answer is not None:
                return answers.FromString(entry.answer)
            answer = await behaviour(request, call.context)
            await entry.keep(kept_of(answer).SerializeToString())
        return answer


def kept_of(answer: M) -> M:
    """The answer, or where it shows something once, a copy without that."""
    if not _shows_once(answer.DESCRIPTOR):
        return answer
    kept = type(answer)()
    kept.CopyFrom(answer)
    _blank(kept)
    return kept


def _blank(message: Message) -> None:
    for field, value in message.ListFields():
        if field.GetOptions().debug_redact:
            message.ClearField(field.name)
        elif field.message_type is not None and _shows_once(field.message_type):
            for each in value if field.is_repeated else (value,):
                _blank(each)


@cache
def _shows_once(kind: Descriptor) -> bool:
    """Whether a message of this kind may hold something that is shown once, at whatever depth."""
    seen, waiting = set[str](), [kind]
    while waiting:
        each = waiting.pop()
        if each.full_name in seen:
            continue
        seen.add(each.full_name)
        if any(field.GetOptions().debug_redact for field in each.fields):
            return True
        waiting += [field.message_type for field in each.fields if field.message_type is not None]
    return False


def _uuid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise Malformed({"request_id": "a UUID"}) from None


def _digest(request: Message) -> bytes:
    """Digests the body without its ID, which may be written in several ways."""
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    return hashlib.sha256(body.SerializeToString(deterministic=True)).digest()
