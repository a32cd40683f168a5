"""Identifiers that the platform gives and those that it takes."""

import re
import secrets
import time
import uuid

from kernel.faults import Malformed

UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def new_id() -> str:
    """Returns a new UUIDv7 (RFC 9562): 48 bits of the real time in milliseconds, 74 random ones; later ones sort later."""
    bits = (
        (time.time_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    )
    return str(uuid.UUID(int=bits))


def check_id(value: str, field: str, pattern: str = UUID_PATTERN) -> str:
    """Returns `value` if all of it matches the regular expression `pattern`; else Malformed, naming `field`."""
    if not re.fullmatch(pattern, value):
        raise Malformed({field: f"must match {pattern}"})
    return value
