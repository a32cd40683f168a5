"""Starts the platform on this machine and keeps it up until Ctrl-C: `make run`, and on real Kafka and Keycloak `make stack`."""

import argparse
import asyncio
import sys
from datetime import datetime

from chassis.commands import instant
from rich.console import Console

from localstack.endpoints import run_folder
from localstack.folder import AlreadyRunning
from localstack.log import Log, Screen, entry_of
from localstack.parts import EMBEDDED, REAL, Stack
from localstack.platform import INTERRUPTED, NotReady, interruptible, running
from localstack.processes import Died

HOW_TO_ASK = """
The platform runs, empty as at every start. Ctrl-C ends it.
{beneath}
  make token AS=hr-officer                     a token; also operator, inspector, auditor, servant, device-gateway …
  make ask                                     all RPCs
  make ask METHOD=ListStateBodies AS=operator  an answer, and the same question for grpcurl
  {folder}/endpoints.json     every address; gateway: ADMS at http://{http}/iclock/cdata, ISAPI at http://{http}/isapi
  {folder}/logs               what each process said, with stacks
"""


BENEATH = {
    EMBEDDED: "Kafka lives in memory here, and the sign-in is a demo; `make stack` starts the real ones.",
    REAL: "Kafka at {kafka}, Keycloak as {issuer}, PostgreSQL by the URLs in {postgres}.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the command takes."""
    parser.add_argument("--real", action="store_true", help="on real Kafka and Keycloak, which need Java and Maven")
    parser.add_argument("--clock", type=instant, help="stand still at this instant (RFC 3339) until run/clock is replaced")


def run(args: argparse.Namespace) -> int:
    """Runs until it is interrupted, which is its end (0), or a process ends by itself (1); 2 where the platform runs already."""
    code = interruptible(_run(REAL if args.real else EMBEDDED, args.clock))
    return 0 if code == INTERRUPTED else code


async def _run(stack: Stack, clock: datetime | None) -> int:
    console = Console(highlight=False)
    try:
        async with running(Log(run_folder() / "logs", Screen(console)), stack=stack, clock=clock) as platform:
            addresses = platform.endpoints.addresses
            beneath = BENEATH[stack].format(**addresses)
            console.print(HOW_TO_ASK.format(beneath=beneath, folder=platform.folder, **addresses["gateway"]), markup=False, soft_wrap=True)
            await platform.alive(asyncio.Event().wait())
    except AlreadyRunning as problem:
        print(problem, file=sys.stderr)
        return 2
    except (Died, NotReady) as problem:
        print(said(problem), file=sys.stderr)
        return 1
    return 0


def said(problem: Died | NotReady) -> str:
    """Why the platform ended, for people."""
    lines = [str(problem) if isinstance(problem, NotReady) else f"{problem}, so everything was ended. It said last:"]
    if isinstance(problem, Died):
        lines += [f"  {entry.at}  {entry.text}" for entry in map(entry_of, problem.last)]
    return "\n".join(["", *lines, f"Logs: {run_folder() / 'logs'}"])
