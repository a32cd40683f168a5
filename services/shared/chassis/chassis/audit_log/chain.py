"""The chain over the audit: each seal is SHA-256 of the seal before it and the bytes of its record.

The database makes seals (`chassis.migrations.audit`); here they are made again from the records, without asking it how.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kernel.faults import Malformed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKPOINT = re.compile(r"([a-z]+):([0-9]{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Seal:
    """The chain up to a place: so many records were sealed, and `hash` follows from all of them.

    `told_at` is when it was sealed, as was told outside with it; None where that is not known.
    """

    place: int
    hash: bytes
    told_at: datetime | None = field(default=None, compare=False)


BEGINNING = Seal(0, b"")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A seal as it was told outside of the service's database: "registry:1200:9f86d081…"."""

    service: str
    seal: Seal

    def __str__(self) -> str:
        return f"{self.service}:{self.seal.place}:{self.seal.hash.hex()}"

    @classmethod
    def read(cls, text: str, field: str) -> "Checkpoint":
        """Reads the text of a checkpoint; Malformed for `field` where it is none."""
        found = _CHECKPOINT.fullmatch(text.strip())
        if found is None:
            raise Malformed({field: "a checkpoint like registry:1200: and 64 hexadecimal digits"})
        return cls(found[1], Seal(int(found[2]), bytes.fromhex(found[3])))


def link(before: bytes, record: Mapping[str, Any]) -> bytes:
    """The hash of the seal of a record, a row of `audit_records`, after the seal `before`."""
    return hashlib.sha256(before + record_bytes(record)).digest()


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """The bytes of a record: every field with its length, so that no two records have the same; a purpose follows where there is one."""
    fields = (
        *(record["id"], record["xid"], _microseconds(record["recorded_at"]), record["subject"], record["client"]),
        *(_list(record["grants"]), record["method"], record["action"], record["resource"]),
        *(record["rule"], record["outcome"], _hex(record["before_digest"]), _hex(record["after_digest"])),
        *(record["request_id"], record["trace_id"], record["body"], record["region"]),
        *(() if record["purpose"] is None else (record["purpose"],)),
    )
    return ("tartip.audit.1" + "".join(map(_field, fields))).encode()


def _field(value: object) -> str:
    if value is None:
        return "-"
    text = str(value)
    return f"{len(text.encode())}:{text}"


def _list(values: Sequence[str] | None) -> str | None:
    """A list as PostgreSQL writes it in JSON."""
    return None if values is None else json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()
