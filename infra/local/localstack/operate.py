"""An operator's command of timetracking on the running platform, by its addresses and its clock: `make parked`, `make redrive` …"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from chassis.operators import machine_user

from localstack.endpoints import Endpoints, NotRunning, run_folder

SERVICE = "timetracking"
COMMANDS = ("parked", "redrive", "accounts", "reconcile")
# Those that ask who does it: at one's own machine it is whoever sits there.
CHANGING = ("redrive", "accounts")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the command takes; its own arguments are taken from ARGS, as a shell would read them."""
    parser.add_argument("command", choices=COMMANDS, help="what is done")


def run(args: argparse.Namespace) -> int:
    """Becomes the command, which ends as it says; 2 where nothing runs here, or ARGS cannot be read."""
    try:
        given, told = shlex.split(os.environ.get("ARGS", "")), environment()
    except NotRunning as problem:
        print(problem, file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"ARGS={os.environ['ARGS']} cannot be read: {error}.", file=sys.stderr)
        return 2
    by = ["--by", machine_user()] if args.command in CHANGING else []
    os.execve(sys.executable, [sys.executable, "-m", SERVICE, args.command, *by, *given], {**os.environ, **told})


def environment() -> Mapping[str, str]:
    """What an operator's command is told of the running platform; NotRunning where there is none."""
    found, clock = Endpoints.read(), run_folder().resolve() / "clock"
    entrances = json.loads(Path(found.postgres).read_text(encoding="utf-8"))
    return {
        "TARTIP_DATABASE_URL": entrances[SERVICE]["worker"],
        "TARTIP_KAFKA": found.kafka,
        "TARTIP_CLOCK": f"file:{clock}" if clock.exists() else "",
    }
