"""Secrets of a region, as manifests on standard output: nothing is written anywhere, and nothing of them stands in a values file."""

import asyncio
import base64
import secrets
from collections.abc import Iterator, Mapping
from functools import cache

import yaml
from chassis.roles import provide
from chassis.urls import plain_url
from localstack.parts import SERVICES
from sqlalchemy import make_url

from region.helm import RELEASE

PROTECTED = "registry"


def of_services() -> Iterator[str]:
    """What each service alone must know, made anew: a second time they are others, and what the first ones protected is lost."""
    for service in SERVICES:
        known = {"page-key": secrets.token_urlsafe(32)}
        if service == PROTECTED:
            known["sensitive-keys"] = f"first:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        yield _secret(f"tartip-{service}", known)


def of_databases(server: str, at: str, query: str) -> Iterator[str]:
    """Creates the databases and roles that are missing on a server and gives every role a new password; their URLs as pods see them.

    `server` is the superuser's URL from here, `at` the server's host:port from the pods, `query` what the URLs say of the way there.
    """
    password_of = cache(lambda _: secrets.token_urlsafe(24))
    for service in SERVICES:
        made = asyncio.run(provide(server, service, service, password_of))
        known = {"app": made.app, "worker": made.worker, "migrator": made.migrator}
        yield _secret(f"tartip-{service}-database", {f"database-{role}": _seen(url, at, query) for role, url in known.items()})


def _seen(url: str, at: str, query: str) -> str:
    host, _, port = at.rpartition(":")
    seen = plain_url(make_url(url).set(host=host, port=int(port)))
    return f"{seen}?{query}" if query else seen


def _secret(name: str, holds: Mapping[str, str]) -> str:
    labels = {"app.kubernetes.io/part-of": RELEASE}
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": labels},
        "type": "Opaque",
        "stringData": dict(holds),
    }
    text: str = yaml.safe_dump(manifest, sort_keys=False)
    return f"---\n{text}"
