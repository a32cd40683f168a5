"""Holds back who calls more often than is taken: a client with all who call through it, and each subject."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kernel.faults import TooMuch

from chassis.interceptors.incoming import Incoming, Layer
from chassis.metrics import counter
from chassis.rates import Buckets

HELD_BACK = counter(
    "tartip_rpc_held_back_total",
    "calls",
    "RPCs refused because there were too many, by whose bucket was empty: client or subject",
    ("whose",),
)


def held_back(by_client: Buckets, by_subject: Buckets) -> Layer:
    """Returns the layer that refuses with TOO_MUCH, and when to try again, what is more than a client or a subject may call.

    A call that is refused is not paid for, so whoever goes on calling is let through at the rate. It stands before whatever asks the
    database, and a refusal is counted in a metric alone: the audit would be flooded by what it is to survive.
    """

    @asynccontextmanager
    async def layer(call: Incoming) -> AsyncIterator[None]:
        claims = call.claims
        assert claims is not None, "who is not known is refused before"
        payers = (("client", by_client, claims.client), ("subject", by_subject, claims.subject))
        for whose, buckets, payer in payers:
            if wait_s := buckets.wait_s(payer):
                HELD_BACK.labels(whose).inc()
                raise TooMuch("TOO_MUCH", wait_s)
        for _, buckets, payer in payers:
            buckets.spend(payer)
        yield

    return layer
