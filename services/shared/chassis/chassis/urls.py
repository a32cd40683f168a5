"""Addresses of databases as people write them, and as the driver wants them."""

from sqlalchemy import URL, make_url


def asyncpg_url(url: str) -> URL:
    """The URL with asyncpg as its driver; `postgresql://` and `postgres://` are what people write."""
    parsed = make_url(url)
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise ValueError("a database URL begins with postgresql://")
    return parsed.set(drivername="postgresql+asyncpg")


def plain_url(url: str | URL) -> str:
    """The URL as asyncpg itself and people write it, with its password."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
