"""TLS before a PostgreSQL that was built without it, as the one of the wheel is: a door that speaks it and hands on what comes, as poolers do."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from chassis.testing.certificates import Signed
from chassis.testing.postgres import Postgres

# A client's first word where it would speak TLS, and the answer that it may: PostgreSQL's protocol, "SSLRequest".
ASKED, GRANTED = bytes.fromhex("0000000804d2162f"), b"S"
AT_ONCE = 64 * 1024


@dataclass(slots=True)
class Door:
    """Where the door is, and how many have come in by TLS."""

    port: int = 0
    entered: int = 0


@asynccontextmanager
async def tls_before(server: Postgres, shown: Signed) -> AsyncIterator[Door]:
    """A door on loopback that shows this certificate; whoever asks for no TLS there is hung up on."""
    door, context = Door(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*shown.write(server.data.parent, f"door-{id(door)}"))

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if await reader.readexactly(len(ASKED)) == ASKED:
                writer.write(GRANTED)
                await writer.start_tls(context)
                door.entered += 1
                inner, outer = await asyncio.open_connection("127.0.0.1", server.port)
                await asyncio.gather(handed_on(reader, outer), handed_on(inner, writer))
        writer.close()

    serving = await asyncio.start_server(come, "127.0.0.1", 0)
    door.port = serving.sockets[0].getsockname()[1]
    try:
        yield door
    finally:
        serving.close()


async def handed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hands on what one side says to the other until it ends; then the other side's line is closed."""
    with suppress(OSError):
        while piece := await reader.read(AT_ONCE):
            writer.write(piece)
            await writer.drain()
    writer.close()
