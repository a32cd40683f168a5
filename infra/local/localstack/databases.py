"""Creates a database for each service, with its roles, on a PostgreSQL that somebody else started; safe to repeat."""

import argparse
import asyncio
import secrets
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

import asyncpg
from chassis.roles import provide

from localstack.endpoints import run_folder
from localstack.folder import written
from localstack.postgres import ENTRANCES, SERVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the command takes."""
    parser.add_argument("server", help="the superuser's URL: postgresql://postgres:password@127.0.0.1:5432/postgres")
    parser.add_argument("--out", type=Path, default=run_folder() / ENTRANCES, help="where the URLs by service and role are written")


def run(args: argparse.Namespace) -> int:
    """Creates what is missing, gives every role a new password and writes the URLs down (0); 1 where it cannot."""
    try:
        urls = asyncio.run(_provided(args.server))
    except (OSError, asyncpg.PostgresError) as failed:
        print(f"The databases could not be created: {failed}", file=sys.stderr)
        return 1
    args.out.parent.mkdir(parents=True, exist_ok=True)
    written(args.out, urls)
    print(f"{len(urls)} databases are there; their URLs: {args.out}")
    return 0


async def _provided(server: str) -> dict[str, dict[str, str]]:
    password_of = cache(lambda _: secrets.token_urlsafe(24))
    return {service: asdict(await provide(server, service, service, password_of)) for service in SERVICES}
