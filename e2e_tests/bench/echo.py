"""Reading a day: GetWorkday as it is served, with all that stands around it, against a bare echo over gRPC.

Everything that an answer passes is there: a token that is checked, the rule of access, the caller's reach told to the
database, one transaction of SQLAlchemy, and a trace of every hundredth call. Beside it stand the same calls with less.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import grpc.aio
from chassis.testing.tokens import Tokens
from localstack.parts import free_addresses
from tartip.timetracking.v1 import workday_service_pb2 as pb
from tartip.timetracking.v1 import workday_service_pb2_grpc as pb_grpc

from . import echo_server
from .days import filled
from .figures import Figure, at_least, median
from .load import Answered, answered
from .neighbours import cpu_seconds
from .stand import Ground, Stand, met, module

SERVANTS, CALLS, ROUNDS = 2_000, 4_000, 5
AT_ONCE = 16
WARM, TOKENS = 300, 500
ECHO, WHOLE, UNTRACED = "echo", "GetWorkday", "GetWorkday without tracing"
# What the server process of the bench serves, and how it is called here.
PARTS = {
    "the answer from memory, no layers": echo_server.FROM_MEMORY,
    "GetWorkday without database": echo_server.NO_DATABASE,
    "GetWorkday without authentication": echo_server.NO_AUTHENTICATION,
}
SHARE_TRACED = "0.01"


@dataclass(slots=True)
class Variant:
    """A server that is called, and what its rounds showed."""

    call: Any
    pid: int
    rounds: list[Answered] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    async def round(self, calls: int, at_once: int = AT_ONCE) -> None:
        """Makes the calls of one round."""
        before = cpu_seconds(self.pid)
        self.rounds.append(await answered(self.call, calls, at_once))
        self.cpu_ms.append((cpu_seconds(self.pid) - before) / calls * 1000)


async def measure(stand: Stand) -> Sequence[Figure]:
    """Calls each server in turn, round after round."""
    calls, warm, rounds, say = stand.size(CALLS, least=2 * AT_ONCE), stand.size(WARM, least=AT_ONCE), stand.rounds(ROUNDS), stand.say
    async with AsyncExitStack() as stack:
        on = await stand.ground()
        async with on.owner() as owner:
            names = await filled(owner, stand.size(SERVANTS, least=20))
        say("starting the servers")
        variants = await _servers(stack, on, names)
        for each in variants.values():
            await answered(each.call, warm, AT_ONCE)
        for number in range(rounds):
            for each in variants.values():
                await each.round(calls)
            shown = ", ".join(f"{name} {each.rounds[-1].per_second:,.0f}/s" for name, each in variants.items())
            say(f"round {number + 1} of {rounds}: {shown}")
        postgres = cpu_seconds(on.postgres.pid)
        await answered(variants[WHOLE].call, calls, AT_ONCE)
        postgres = (cpu_seconds(on.postgres.pid) - postgres) / calls * 1000
        alone = await answered(variants[WHOLE].call, calls // 4, 1)
    checked = await _tokens(rounds, stand.size(TOKENS, least=10))
    return [*_figures(variants), *_moments(variants[WHOLE], alone), Figure("CPU of PostgreSQL a call", postgres, "ms"), *checked]


async def _tokens(rounds: int, count: int) -> list[Figure]:
    """What it costs to check a token for the first time, and to know it again within its minute."""
    tokens, anew, again = Tokens(), list[float](), list[float]()
    async with tokens.verifier().running() as verifier:
        for _ in range(rounds):
            minted = [tokens.mint("inspector", ("/nation/inspector",)) for _ in range(count)]
            for figures in (anew, again):
                began = time.process_time()
                for token in minted:
                    await verifier.verify(token)
                figures.append((time.process_time() - began) / count * 1_000_000)
    return [median("CPU of a token that is checked anew", anew, "µs"), median("CPU of a token that is remembered", again, "µs")]


def _figures(variants: dict[str, Variant]) -> list[Figure]:
    echo, whole = ([each.per_second for each in variants[name].rounds] for name in (ECHO, WHOLE))
    # Each round against the echo of the same round, so that whoever shares the machine slows both.
    found = [median("GetWorkday against a bare echo", [a / b for a, b in zip(whole, echo, strict=True)], "×", at_least(0.2))]
    for name, variant in variants.items():
        found.append(median(name, [each.per_second for each in variant.rounds], "calls/s"))
        found.append(median(f"CPU of the server a call: {name}", variant.cpu_ms, "ms"))
    return found


def _moments(whole: Variant, alone: Answered) -> list[Figure]:
    found = []
    for share in (0.5, 0.99):
        busy = [each.milliseconds(share) for each in whole.rounds]
        found.append(median(f"GetWorkday p{share * 100:.0f}, {AT_ONCE} calls at once", busy, "ms"))
        found.append(Figure(f"GetWorkday p{share * 100:.0f}, one call at a time", alone.milliseconds(share), "ms"))
    return found


async def _servers(stack: AsyncExitStack, on: Ground, names: Sequence[str]) -> dict[str, Variant]:
    """Starts all of them, each called with names in turn."""
    tokens = Tokens(demo=True)
    issuer = await stack.enter_async_context(tokens.serving())
    token = tokens.mint("inspector", ("/nation/inspector",), claims={"exp": 4_000_000_000})
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tartip-bench-")))
    told = {
        "TARTIP_DATABASE_URL": on.urls.app,
        "TARTIP_MIGRATOR_DATABASE_URL": on.urls.migrator,
        "TARTIP_KAFKA": "127.0.0.1:1",
        "TARTIP_ISSUER": issuer,
        "TARTIP_ALLOW_DEMO_ISSUER": "true",
        "TARTIP_ADMIN_LISTEN": "127.0.0.1:0",
        "TARTIP_PAGE_KEY": "bench",
        # All calls of the bench are one inspector's: what is measured is the answer, not the refusal of too many.
        **{f"TARTIP_{whose}_CALLS_{much}": "1000000" for whose in ("CLIENT", "SUBJECT") for much in ("PER_SECOND", "AT_ONCE")},
        "TARTIP_TRACES": f"file:{folder / 'traces.jsonl'}",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": SHARE_TRACED,
        "GRPC_ENABLE_FORK_SUPPORT": "false",
    }
    untraced = {"TARTIP_TRACES": ""}
    free, found = free_addresses(), dict[str, Variant]()

    async def start(name: str, arguments: Sequence[str], changed: Mapping[str, str]) -> None:
        address = next(free)
        environment = {**told, **changed, "TARTIP_LISTEN": address}
        process = await stack.enter_async_context(module(*arguments, environment=environment))
        found[name] = Variant(await _caller(stack, address, token, names), process.pid)
        await met(process, found[name].call())

    await start(ECHO, (f"{__package__}.echo_server", echo_server.ECHO, ""), untraced)
    await start(WHOLE, ("timetracking", "serve"), {})
    await start(UNTRACED, ("timetracking", "serve"), untraced)
    day = (await found[WHOLE].call()).SerializeToString().hex()
    for name, part in PARTS.items():
        await start(name, (f"{__package__}.echo_server", part, day), {})
    return found


async def _caller(stack: AsyncExitStack, address: str, token: str, names: Sequence[str]) -> Any:
    channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
    get, metadata, ahead = pb_grpc.WorkdayServiceStub(channel).GetWorkday, (("authorization", f"Bearer {token}"),), cycle(names)

    async def call() -> pb.Workday:
        day: pb.Workday = await get(pb.GetWorkdayRequest(name=next(ahead)), metadata=metadata, wait_for_ready=True)
        return day

    return call
