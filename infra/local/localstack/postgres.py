"""A PostgreSQL of one's own with a database for each service; data stay in the folder between runs."""

import argparse
import asyncio
import hashlib
import tempfile
from dataclasses import asdict
from pathlib import Path

from chassis.roles import provide
from chassis.testing.postgres import Postgres, PostgresFailed, reachable, start_postgres

from localstack.endpoints import run_folder
from localstack.folder import written
from localstack.serving import asked_to_stop, served

SERVICES = ("registry", "regimes", "timetracking")
ENTRANCES = "entrances.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--data", type=Path, help="the folder of the data (default: run/postgres)")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--services", nargs="*", default=list(SERVICES), help=f"a database each (default: {' '.join(SERVICES)})")


def run(args: argparse.Namespace) -> int:
    """Serves until it is asked to stop; prints one line when it is ready.

    The URLs of the databases by service and role stand in `entrances.json` in the data folder, readable by its owner only.
    """
    stop = asked_to_stop()
    try:
        server = start_postgres(args.data or data_folder(), args.port)
    except PostgresFailed as failed:
        print(failed, flush=True)
        return 1
    try:
        path = asyncio.run(_entrances(server, args.services))
        print(f"postgres ready: 127.0.0.1:{server.port} (URLs of the databases: {path})", flush=True)
        return served(server, stop)
    finally:
        server.stop()


def data_folder() -> Path:
    """The folder `run/postgres`; where root's home hides it from the server's own user, one of the system's folder for such."""
    folder = run_folder() / "postgres"
    if reachable(folder):
        return folder
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tartip-{name}" / "postgres"


async def _entrances(server: Postgres, services: list[str]) -> Path:
    """Creates what is missing and writes down how to enter it."""
    urls = {service: asdict(await provide(server.url, service, service, server.password_of)) for service in services}
    path = server.data / ENTRANCES
    written(path, {"superuser": server.url, **urls})
    return path
