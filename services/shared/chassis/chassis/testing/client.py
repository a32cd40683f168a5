"""Calling services from tests and the local stack: the integrators' client with the current trace, where nothing is repeated.

No service calls another, so none is installed with what this needs; the contracts of imports hold it.
"""

from collections.abc import Awaitable, Callable

import grpc
import grpc.aio
from tartip_client import Refusal, aio, refusal_of

from chassis.telemetry import carrier

__all__ = ["Refusal", "TokenSource", "channel", "refusal_of"]

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
    return aio.channel(target, token, language=language, tls=credentials, policy=None, headers=carrier)
