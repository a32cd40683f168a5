"""The tables that every service's database has, as the chassis reads and writes them.

A service's own declarative base takes `metadata()`, so that constraints are named alike everywhere. The tables are
born in `chassis.migrations.foundation`; a test compares the two.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import UserDefinedType

NAMES = {
    "pk": "%(table_name)s_pkey",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
}


# IDs sort by their bytes, as in Kafka's tools, whatever the database's locale.
ID = sa.Text(collation="C")

# Rows are read afresh after a lock: what the session saw before it may have changed meanwhile.
FRESH: Mapping[str, Any] = MappingProxyType({"populate_existing": True})


def metadata() -> sa.MetaData:
    """A fresh set of tables with the platform's names for constraints; one for each service."""
    return sa.MetaData(naming_convention=NAMES)


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction number, as text."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


FOUNDATION = metadata()

_now = sa.text("clock_timestamp()")
_xid = sa.text("pg_current_xact_id()")


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=_now)


outbox = sa.Table(
    "outbox",
    FOUNDATION,
    sa.Column("xid", Xid8, primary_key=True, server_default=_xid),
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary),
    sa.Column("headers", JSONB, nullable=False),
    _instant("occurred_at"),
    sa.Column("partition", sa.Integer),
)

audit_records = sa.Table(
    "audit_records",
    FOUNDATION,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("xid", Xid8, nullable=False, server_default=_xid),
    _instant("recorded_at"),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("grants", ARRAY(sa.Text), nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("rule", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("before_digest", sa.LargeBinary),
    sa.Column("after_digest", sa.LargeBinary),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("body", sa.Text),
    sa.Column("region", sa.Text),
    sa.Column("purpose", sa.Text),
    sa.Index(None, "xid", "id"),
    sa.Index(None, "body", "id"),
    sa.Index(None, "resource", "id"),
)

audit_seals = sa.Table(
    "audit_seals",
    FOUNDATION,
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("record", sa.BigInteger, nullable=False, unique=True),
    sa.Column("xid", Xid8, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    _instant("sealed_at"),
)

audit_key = sa.Table(
    "audit_key",
    FOUNDATION,
    sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.text("true")),
    sa.Column("key", sa.LargeBinary, nullable=False),
)

request_results = sa.Table(
    "request_results",
    FOUNDATION,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("method", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("body_digest", sa.LargeBinary, nullable=False),
    sa.Column("grants", ARRAY(sa.Text), nullable=False),
    sa.Column("response", sa.LargeBinary, nullable=False),
    _instant("stored_at"),
    sa.Index(None, "stored_at"),
)

projection_positions = sa.Table(
    "projection_positions",
    FOUNDATION,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("start_offset", sa.BigInteger, nullable=False),
    sa.Column("applied", sa.BigInteger, nullable=False),
)

read_positions = sa.Table(
    "read_positions",
    FOUNDATION,
    sa.Column("reader", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
)

retention_levels = sa.Table(
    "retention_levels",
    FOUNDATION,
    sa.Column("term", sa.Text, primary_key=True),
    sa.Column("kept_since", sa.Date, nullable=False),
    _instant("raised_at"),
)

eras = sa.Table(
    "eras",
    FOUNDATION,
    sa.Column("era", sa.BigInteger, primary_key=True, autoincrement=False),
    _instant("begun_at"),
    sa.Column("told_at", sa.DateTime(timezone=True)),
)

erased_servants = sa.Table(
    "erased_servants",
    FOUNDATION,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    _instant("erased_at"),
)
