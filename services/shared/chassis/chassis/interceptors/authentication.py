"""Finds out who calls: the bearer token in the metadata, checked offline."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from kernel.faults import Unauthenticated

from chassis.auth import LEEWAY_S, Claims, TokenRefused
from chassis.interceptors.incoming import Incoming, Layer
from chassis.metrics import counter

UNAUTHENTICATED = counter(
    "tartip_rpc_unauthenticated_total", "calls", "RPCs without a token that counts, by what is wrong with it", ("why",)
)


class Verifier(Protocol):
    """What checks tokens."""

    async def verify(self, token: str) -> Claims:
        """Returns what the token says; Unauthenticated where it does not count."""


def authenticated(verifier: Verifier) -> Layer:
    """Returns the layer that lets in valid tokens only; a stream ends when its token does."""

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        scheme, _, token = call.metadata.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            UNAUTHENTICATED.labels("no-token").inc()
            raise Unauthenticated()
        try:
            call.claims = await verifier.verify(token.strip())
        except TokenRefused as refused:
            UNAUTHENTICATED.labels(refused.why).inc()
            raise
        if not call.streaming:
            yield
            return
        left = call.claims.expires + LEEWAY_S - time.time()
        life = asyncio.timeout(left)
        try:
            async with life:
                yield
        except TimeoutError:
            if not life.expired():
                raise
            UNAUTHENTICATED.labels("expired").inc()
            raise Unauthenticated() from None

    return layer
