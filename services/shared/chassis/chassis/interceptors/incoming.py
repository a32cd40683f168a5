"""One RPC on its way through the layers."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from kernel.identifiers import new_id

from chassis.access import Caller
from chassis.auth import Claims

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


@dataclass(slots=True)
class Incoming:
    """A call that came in: what it brought, and what the layers found out about it so far.

    `id` is the ID of the request in logs and refusals: the metadata `x-request-id` where it is a sensible one, else new.
    `outcome` is the code with which the call ended, `reason` that of its refusal.
    """

    method: str
    context: grpc.aio.ServicerContext[Any, Any] = field(repr=False)
    metadata: Mapping[str, str] = field(repr=False)  # it holds the token
    id: str
    streaming: bool
    began: float = field(default_factory=time.perf_counter)
    claims: Claims | None = None
    caller: Caller | None = None
    outcome: str = "OK"
    reason: str = ""


Layer = Callable[[Incoming], AbstractAsyncContextManager[None]]


def incoming(method: str, context: grpc.aio.ServicerContext[Any, Any], streaming: bool) -> Incoming:
    """Reads what the call brought; binary metadata is left out."""
    pairs = context.invocation_metadata() or ()
    metadata = {key: value for key, value in pairs if isinstance(value, str)}
    asked = metadata.get("x-request-id", "")
    return Incoming(method, context, metadata, asked if REQUEST_ID.fullmatch(asked) else new_id(), streaming)
