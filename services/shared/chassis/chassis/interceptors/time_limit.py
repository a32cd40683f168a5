"""Ends a call that takes longer than any may, also where its caller set no deadline."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kernel.faults import TookTooLong

from chassis.interceptors.incoming import Incoming, Layer


def in_time(most_s: float) -> Layer:
    """Returns the layer that ends a single call after `most_s` seconds with OUT_OF_TIME, whatever deadline came with it; streams go on.

    A shorter deadline of the caller's is kept by gRPC itself. What is ended has changed nothing, unless it was committing: whoever wants
    to know repeats it with the same request_id.
    """

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        if call.streaming:
            yield
            return
        life = asyncio.timeout(most_s)
        try:
            async with life:
                yield
        except TimeoutError:
            if not life.expired():
                raise
            raise TookTooLong() from None

    return layer
