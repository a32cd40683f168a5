"""The database of one service and the three roles that enter it.

`migrator` owns everything and alone changes the schema; `app` answers calls; `worker` consumes, relays and runs jobs.
Each is a login role of its own service (`registry_app`); what they may do is granted to the groups `tartip_app` and
`tartip_worker`, alike in every service. Nobody else may connect.
"""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
from sqlalchemy import make_url

from chassis.migrations.foundation import APP, WORKER
from chassis.urls import plain_url


@dataclass(frozen=True, slots=True)
class Entrances:
    """The URLs of one database, by role."""

    migrator: str
    app: str
    worker: str


def role(service: str, part: str) -> str:
    """The login role of a part ("migrator", "app", "worker") of a service."""
    return f"{service}_{part}"


def entrances(url: str, service: str, database: str, password_of: Callable[[str], str]) -> Entrances:
    """The URLs of a service's database on the server that `url` names."""

    def entrance(part: str) -> str:
        name = role(service, part)
        return plain_url(make_url(url).set(username=name, password=password_of(name), database=database))

    return Entrances(entrance("migrator"), entrance("app"), entrance("worker"))


async def provide(url: str, service: str, database: str, password_of: Callable[[str], str], template: str = "") -> Entrances:
    """Creates the database, its roles and their right to enter, as far as they are missing; safe to repeat.

    `url` is the superuser's; `password_of(role)` gives each login role its password; `template` is a database of the same
    service to copy, whose roles are there already.
    """
    admin = await asyncpg.connect(plain_url(url))
    try:
        # Two at once would both find a role missing.
        await admin.execute("SELECT pg_advisory_lock(hashtext('tartip roles'))")
        if not template:
            await _roles(admin, service, password_of)
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            source = f" TEMPLATE {_name(template)}" if template else ""
            await admin.execute(f"CREATE DATABASE {_name(database)} OWNER {_name(role(service, 'migrator'))}{source}")
        await admin.execute(f"REVOKE ALL ON DATABASE {_name(database)} FROM PUBLIC")
        for part in ("app", "worker"):
            await admin.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {_name(database)} TO {_name(role(service, part))}")
    finally:
        await admin.close()
    return entrances(url, service, database, password_of)


async def _roles(admin: asyncpg.Connection, service: str, password_of: Callable[[str], str]) -> None:
    for group in (APP, WORKER):
        await _role(admin, group, "NOLOGIN")
    for part, rights in (("migrator", ""), ("app", "NOBYPASSRLS"), ("worker", "BYPASSRLS")):
        name = role(service, part)
        password = password_of(name).replace("'", "''")
        await _role(admin, name, f"LOGIN {rights} PASSWORD '{password}'")
    await admin.execute(f"GRANT {APP} TO {_name(role(service, 'app'))}")
    await admin.execute(f"GRANT {WORKER} TO {_name(role(service, 'worker'))}")


async def _role(admin: asyncpg.Connection, name: str, what: str) -> None:
    there = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    await admin.execute(f"{'ALTER' if there else 'CREATE'} ROLE {_name(name)} {what}")


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
