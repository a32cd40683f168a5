"""A service's server inside a test: real gRPC on loopback, real tokens, real texts."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import lawbook

from chassis.access import Relationships
from chassis.audit import AuditRecord
from chassis.errors import Law
from chassis.interceptors.idempotency import Ledger
from chassis.messages import Messages
from chassis.server import Limits, Served, Server
from chassis.testing.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Loopback:
    """Settings of a server on a port of the system's choice."""

    listen: str = "127.0.0.1:0"


@asynccontextmanager
async def served(
    services: Sequence[Served],
    tokens: Tokens,
    messages: Messages,
    *,
    law: Law | None = None,
    ledger: Ledger | None = None,
    limits: Limits | None = None,
    relationships: Relationships | None = None,
    refused: Callable[[AuditRecord], None] | None = None,
) -> AsyncIterator[str]:
    """Serves for the length of the block and gives the address, for `chassis.testing.client.channel(address, tokens.mint(…))`."""
    async with tokens.verifier().running() as verifier:
        limits = limits or Limits(grace_seconds=0.2)
        statute = law or lawbook.load()
        server = Server(Loopback(), services, verifier, messages, statute, ledger, limits, relationships, refused=refused)
        async with server.running():
            yield f"127.0.0.1:{server.port}"
