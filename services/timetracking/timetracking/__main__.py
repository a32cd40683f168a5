"""Commands of timetracking: serve, gateway, consume, work, migrate, republish, rebuild, fold."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from timetracking import settings as told

TOPICS = ("workdays", "findings")
PROJECTIONS = ("people", "plans")


def fold(arguments: argparse.Namespace) -> int:
    """Computes the days of a file; exit code 2 and no file where the document is refused."""
    from lawbook import load

    from timetracking.workdays.fold import Refused, fold_file

    try:
        fold_file(arguments.source, arguments.target, load())
    except Refused as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 2
    return 0


def process(arguments: argparse.Namespace) -> int:
    """Runs a process until it is told to stop."""
    from chassis.process import run
    from chassis.settings import read
    from chassis.telemetry import start

    from timetracking import processes
    from timetracking.gateway.settings import GatewaySettings

    known: dict[str, tuple[Any, Any, Sequence[str]]] = {
        "serve": (processes.serve, told.TimetrackingSettings, told.SERVE),
        "gateway": (processes.gateway, GatewaySettings, told.GATEWAY),
        "consume": (processes.consume, told.TimetrackingSettings, told.CONSUME),
        "work": (processes.work, told.TimetrackingSettings, told.WORK),
    }
    main_, kind, need = known[arguments.command]
    settings = read(kind, need=need)
    start(f"timetracking {arguments.command}", settings)
    run(lambda stop: main_(settings, stop))
    return 0


def migrate(arguments: argparse.Namespace) -> int:
    """Brings the schema to the newest version."""
    from chassis.migrations import migrate as brought
    from chassis.settings import read

    asyncio.run(brought(read(told.TimetrackingSettings, need=told.MIGRATE).migrator_database_url, "timetracking.migrations"))
    return 0


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant has an offset: 2026-11-22T09:00:00+05:00")
    return instant


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m timetracking", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, what in (
        ("serve", "answer RPCs"),
        ("gateway", "take what devices send, over HTTP and gRPC"),
        ("consume", "follow registry and regimes, and record passages"),
        ("work", "compute what is due, relay events to Kafka and run the jobs"),
    ):
        commands.add_parser(name, help=what).set_defaults(run=process)
    commands.add_parser("migrate", help="bring the database's schema to the newest version").set_defaults(run=migrate)
    command = commands.add_parser("fold", help="check days without the platform: IN.json to OUT.json (docs/fold.md)")
    command.add_argument("source", type=Path, metavar="IN.json")
    command.add_argument("target", type=Path, metavar="OUT.json")
    command.set_defaults(run=fold)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line and does what it says; each command loads only what it needs."""
    from chassis.settings import SettingsError

    arguments = _arguments(given)
    try:
        return int(arguments.run(arguments))
    except SettingsError as error:
        print(f"timetracking: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
