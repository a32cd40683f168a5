"""A ministry lives a week under a stepped clock, and what the platform says of it is compared with what was planted: `make demo`."""

import argparse
import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack, suppress
from zoneinfo import ZoneInfo

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # processes are started while calls are open: gRPC need not follow them

import aiohttp
import grpc
from localstack.ask import rendered
from localstack.endpoints import run_folder
from localstack.folder import AlreadyRunning
from localstack.log import Log
from localstack.parts import EMBEDDED, REAL, Stack
from localstack.platform import NAME, NotReady, interruptible, running
from localstack.processes import Died
from localstack.run import said
from rich.console import Console
from tartip_client import SignInFailed, refusal_of

from . import asked, report
from .calls import desks
from .conduct import Demo
from .devices import NotTaken
from .generate import world as generated
from .level import Levels, NotLevel
from .screen import Screen
from .setup import RowRefused
from .world import Pattern, World

SEED = 1
DIFFERENT, FAILED = 1, 2
# On one machine a passage need not wait for company; the gateway's 50 ms would be waited for at each of the demo's instants.
ENVIRONMENT = {"TARTIP_GATEWAY_BATCH_LINGER_S": "0.005"}


async def run(world: World, keep: bool, stack: Stack) -> int:
    """Runs the demo; 0 where everything is as it must be, 1 where something differs, 2 where it could not be shown."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=report.WIDTH)
    screen = Screen(console, ZoneInfo(world.body.zone))
    console.print(f"[bold]Tartip: {world.body.title.en}, the week of {world.first} to {world.last}[/bold]  (seed {world.seed})\n")
    try:
        async with AsyncExitStack() as opened:
            began = time.monotonic()
            with screen.stage("platform started") as stage:
                log = Log(run_folder() / "logs", lambda name, entry: stage.says(entry.text) if name == NAME else None)
                people = {servant.id: servant.id for servant in world.servants}
                beneath = running(log, stack=stack, clock=world.begin, people=people, environment=ENVIRONMENT)
                platform = await opened.enter_async_context(beneath)
                stage.outcome = f"{len(platform.processes)} processes"
            http = await opened.enter_async_context(aiohttp.ClientSession())
            callers = await opened.enter_async_context(desks(platform.endpoints))
            demo = Demo(world, platform, screen, began, http, callers, Levels(platform.endpoints.addresses["admin"], http))
            verdict = await platform.alive(demo.conduct())
            console.print(_further(world, keep), markup=False, soft_wrap=True)
            if keep:
                with suppress(asyncio.CancelledError):
                    await platform.alive(asyncio.Event().wait())
            return DIFFERENT if verdict.differences else 0
    except (Died, NotReady) as problem:
        print(said(problem), file=sys.stderr)
    except grpc.RpcError as error:
        print(rendered(refusal_of(error), "en"), file=sys.stderr)
    except (AlreadyRunning, SignInFailed, NotLevel, NotTaken, RowRefused, asked.FoldRefused) as problem:
        print(problem, file=sys.stderr)
    return FAILED


def _further(world: World, keep: bool) -> str:
    """How to ask the platform further about this very week."""
    remote = next(each.id for each in world.servants if each.pattern is Pattern.REMOTE)
    lines = "\n".join(f"  {line}" for line in report.how_to_ask(world, remote))
    if keep:
        return f"\nThe platform stays up until Ctrl-C. Ask it in another terminal:\n{lines}"
    return f"\nAll of it stands in {run_folder() / 'demo'}. `make demo KEEP=1` stays up to be asked further:\n{lines}"


def main() -> int:
    """Reads the command line and runs the demo."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed is another week (default: {SEED})")
    parser.add_argument("--keep", action="store_true", help="stay up afterwards, to be asked further")
    parser.add_argument("--real", action="store_true", help="on real Kafka and Keycloak, which need Java and Maven")
    arguments = parser.parse_args()
    return interruptible(run(generated(arguments.seed), arguments.keep, REAL if arguments.real else EMBEDDED))


if __name__ == "__main__":
    sys.exit(main())
