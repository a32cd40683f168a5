"""What once broke a parser does so no more: each with the bytes or the text that did, as it was found."""

from typing import Any

import pytest

from .targets import TARGETS

# Part of the target's name, and the example.
FOUND: list[tuple[str, Any]] = [
    ("timetracking.WatchWorkdays", b"\n\x0fstateBodies/KGD\x12\x8a'" + b"9" * 5_000 + b".1"),  # a cursor of more digits than Python counts
    ("clock", b"0001-01-01T00:00:00+14:00"),  # an instant before the calendar
    ("topics", b"\xff"),
    ("topics", b"topics: [\n"),
    ("parked-again", {"attempts": "9" * 5_000}),
    (
        "parked",
        ("registry.bodies.v1.parked", b"", None, {"first_failed_at": "0001-01-01T00:00:00+14:00", "content-type": "text/plain"}),
    ),
    ("parked", ("registry.bodies.v1.parked", b"", None, {"reason": "a\0b"})),
    ("parked", ("registry.bodies.v1.parked", b"", None, {"origin": "registry.bodies.v1/99999999999/7/0"})),
    # A passage that was parked since its receipt does not exist: who looked at it was told INTERNAL.
    ("parked", ("timetracking.passages.v1.parked", b"\x12\x0b\x08\xff\x91\xb8\xc3\x98\xfe\xff\xff\xff\x01", None, {})),
    ("issuer", {"keys": 5}),  # the reading of keys ended for ever
    ("issuer", {"keys": [{"kid": "1", "kty": []}]}),
    ("environment", ("TARTIP_TRUSTED_PROXIES", "postgresql://app:secret@localhost:5432/registry")),  # what was wrong was shown
    ("environment", ("TARTIP_DEFAULT_ZONE", "Nowhere/At_All")),
    ("environment", ("TARTIP_GATEWAY_ZONE", "/")),
    ("environment", ("TARTIP_GATEWAY_DEVICE_RECORDS_PER_SECOND", "0")),
]


@pytest.mark.parametrize(("name", "example"), FOUND, ids=[f"{number} {name}" for number, (name, _) in enumerate(FOUND)])
def test_what_was_found_is_read_or_refused(name: str, example: Any) -> None:
    (target,) = (each for each in TARGETS if each.name == name)
    target.hit(example)
