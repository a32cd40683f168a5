"""Addresses of databases as people write them, and as the driver wants them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from chassis.trust import client_context

# What a URL may say of the way to its server, in libpq's words, and the modes that look at the server's certificate.
_WAY = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"})
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VERIFYING = ("verify-ca", "verify-full")


def asyncpg_url(url: str) -> URL:
    """The URL with asyncpg as its driver; `postgresql://` and `postgres://` are what people write. `way_of` says what it leaves out.

    Raises ValueError with the right form where it is none; the URL itself holds a secret and is not shown.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("postgresql", "postgres") or not parsed.database:
        raise ValueError("a database is postgresql://user:password@host:port/database")
    _check_way({name: value if isinstance(value, str) else value[-1] for name, value in parsed.query.items()})
    return parsed.set(drivername="postgresql+asyncpg", query={})


def way_of(url: str | URL) -> dict[str, Any]:
    """The driver's arguments that say how the server is spoken to: asyncpg reads `sslmode` and its like in a URL of its own kind alone."""
    return {"dsn": plain_url(url)}


def _check_way(way: Mapping[str, str]) -> None:
    """ValueError where the URL's `?sslmode=…&sslrootcert=…` would not do what it says."""
    if strange := sorted(way.keys() - _WAY):
        raise ValueError(f"{', '.join(strange)}: of the way to a database its URL says {', '.join(sorted(_WAY))} alone")
    mode, authorities = way.get("sslmode", "prefer"), way.get("sslrootcert", "")
    if mode not in _MODES:
        raise ValueError(f"sslmode is one of {', '.join(_MODES)}")
    if (mode in _VERIFYING) != bool(authorities):
        raise ValueError("sslrootcert, a PEM file of authorities, goes with sslmode verify-full or verify-ca, and they with it")
    if authorities:
        try:
            client_context(authorities, way.get("sslcert", ""), way.get("sslkey", ""))
        except ValueError as wrong:
            raise ValueError(f"sslrootcert, sslcert, sslkey: {wrong}") from None


def place_of(url: str | URL) -> str:
    """Which database the URL names, for people: without its user and password."""
    parsed = make_url(url)
    return f"database {parsed.database} at {parsed.host or 'this machine'}:{parsed.port or 5432}"


def plain_url(url: str | URL) -> str:
    """The URL as asyncpg itself and people write it, with its password."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
