"""Addresses of databases as people write them, and as the driver wants them."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError


def asyncpg_url(url: str) -> URL:
    """The URL with asyncpg as its driver; `postgresql://` and `postgres://` are what people write.

    Raises ValueError with the right form where it is none; the URL itself holds a secret and is not shown.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("postgresql", "postgres") or not parsed.database:
        raise ValueError("a database is postgresql://user:password@host:port/database")
    return parsed.set(drivername="postgresql+asyncpg")


def place_of(url: str | URL) -> str:
    """Which database the URL names, for people: without its user and password."""
    parsed = make_url(url)
    return f"database {parsed.database} at {parsed.host or 'this machine'}:{parsed.port or 5432}"


def plain_url(url: str | URL) -> str:
    """The URL as asyncpg itself and people write it, with its password."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
