"""What stands before the gateways of a region, as a Service of a cluster does: a new line goes to one of those behind it, and stays there."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chassis.testing.tls_front import handed_on


@dataclass(slots=True)
class Front:
    """Where it listens, and who is behind it ("host:port"); whoever is put there has to be ready."""

    address: str = ""
    behind: list[str] = field(default_factory=list)
    _turns: "itertools.count[int]" = field(default_factory=itertools.count)

    async def come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Takes a line through to the next one behind; where nobody is there, hangs up."""
        try:
            host, _, port = self.behind[next(self._turns) % len(self.behind)].rpartition(":")
            inner, outer = await asyncio.open_connection(host, int(port))
        except (OSError, ZeroDivisionError):
            writer.close()
            return
        await asyncio.gather(handed_on(reader, outer), handed_on(inner, writer))


@asynccontextmanager
async def front() -> AsyncIterator[Front]:
    """A front with nobody behind it yet, for the length of the block."""
    made = Front()
    serving = await asyncio.start_server(made.come, "127.0.0.1", 0)
    made.address = f"127.0.0.1:{serving.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        serving.close()
