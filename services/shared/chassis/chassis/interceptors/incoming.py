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
# What may stand in a resource's name; whatever else came in its place is written down nowhere.
RESOURCE = re.compile(r"[A-Za-z][A-Za-z0-9/._-]{0,255}")


@dataclass(slots=True)
class Incoming:
    """A call that came in: what it brought, and what the layers found out about it so far.

    `id` is the ID of the request in logs and refusals: the metadata `x-request-id` where it is a sensible one, else new.
    `resource` is the name, or the parent, that a single request says, "" where there is none. `outcome` is the code with
    which the call ended, `reason` that of its refusal.
    """

    method: str
    context: grpc.aio.ServicerContext[Any, Any] = field(repr=False)
    metadata: Mapping[str, str] = field(repr=False)  # it holds the token
    id: str
    streaming: bool
    resource: str = ""
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


def resource_of(request: object) -> str:
    """The resource that a request is about: its `name`, else its `parent`; "" where it has neither, or what stands there is no name."""
    named = (getattr(request, field, "") for field in ("name", "parent"))
    return next((name for name in named if isinstance(name, str) and RESOURCE.fullmatch(name)), "")
