"""`python -m region COMMAND`: what is done about a region from a checkout."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from chassis.testing.artifacts import NotToBeHad
from sqlalchemy.exc import ArgumentError

from region import secrets
from region.examples import FILES
from region.helm import CHARTS, HelmFailed, installed

# In the environment, since command lines are seen by everybody on the machine.
SUPERUSER = "TARTIP_SUPERUSER_DATABASE_URL"


def render(_: argparse.Namespace) -> int:
    """Writes what is generated in charts/ anew."""
    for path, text in FILES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")
        print(f"charts/{path.relative_to(CHARTS)}")
    return 0


def fetch_helm(_: argparse.Namespace) -> int:
    """Fetches the Helm that the charts are tested with, and prints where it is."""
    print(installed())
    return 0


def run(told: argparse.Namespace) -> int:
    """Starts the processes that a region's manifests name, on this machine."""
    from region import here

    return here.run(told.values)


def make_secrets(_: argparse.Namespace) -> int:
    """Prints Secrets with what each service alone must know: made once for a region, and kept where they cannot be lost."""
    print(*secrets.of_services(), sep="", end="")
    return 0


def make_databases(told: argparse.Namespace) -> int:
    """Creates databases and roles where they are missing, gives every role a new password, and prints Secrets with their URLs."""
    server = os.environ.get(SUPERUSER, "")
    if not server:
        print(
            f"{SUPERUSER} is not set: the superuser's URL from here, postgresql://postgres:password@127.0.0.1:5432/postgres",
            file=sys.stderr,
        )
        return 2
    try:
        # Each as soon as it is made: its roles have their new passwords already.
        for secret in secrets.of_databases(server, told.at, told.query):
            print(secret, end="", flush=True)
    except (OSError, asyncpg.PostgresError, ArgumentError) as failed:
        print(f"The databases could not be created by {SUPERUSER}: {failed}", file=sys.stderr)
        return 1
    return 0


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line and does what it says; 2 where Helm refuses charts or values, with what it says, 1 where it cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m region", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("render", help=render.__doc__).set_defaults(do=render)
    commands.add_parser("helm", help=fetch_helm.__doc__).set_defaults(do=fetch_helm)
    here = commands.add_parser("run", help=run.__doc__)
    here.add_argument("values", type=Path, nargs="+", help="the region's values files")
    here.set_defaults(do=run)
    commands.add_parser("secrets", help=make_secrets.__doc__).set_defaults(do=make_secrets)
    databases = commands.add_parser("databases", help=f"{make_databases.__doc__} Who may make them stands in {SUPERUSER}.")
    databases.add_argument("--at", required=True, metavar="HOST:PORT", help="where pods find the server")
    way = "sslmode=verify-full&sslrootcert=/etc/tartip/database/ca.crt"
    databases.add_argument("--query", default=way, help="what the URLs say of the way there (default: %(default)s)")
    databases.set_defaults(do=make_databases)
    told = parser.parse_args(given)
    try:
        done: int = told.do(told)
        return done
    except HelmFailed as refused:
        print(refused, file=sys.stderr)
        return 2
    except NotToBeHad as lacking:
        print(lacking, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
