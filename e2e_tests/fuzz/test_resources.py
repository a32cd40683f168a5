"""The largest input that is taken, written so that a careless reader would need its square: each is read in the time of a careful one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from chassis.auth import TOKEN_LIMIT
from timetracking.gateway import adms
from timetracking.gateway.alerts import EVENT_MOST
from timetracking.gateway.settings import GatewaySettings

from .devices import MARK
from .targets import TARGETS

BODY = int(GatewaySettings.model_fields["gateway_body_octets"].default)
MESSAGE = 4 * 1024 * 1024
# Seconds of CPU, some twenty times what any of these takes; a quadratic reader needs minutes, an exponential one never ends.
MOST_CPU_S = 20.0


class TooSlow(Exception):
    """A reader needs more than a careful one does."""


@contextmanager
def in_cpu_time(seconds: float) -> Iterator[None]:
    """Ends the block after so much CPU time of this process, whoever else is at work."""

    def end(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def filled(piece: bytes, size: int) -> bytes:
    """The piece again and again up to a size."""
    return (piece * (size // len(piece) + 1))[:size]


JSON = "application/json"
LARGEST: list[tuple[str, Any]] = [
    ("adms", filled(b"25\t2026-11-24 08:55:00\t0\t1\n", 100_000)),
    ("adms", filled(b"name=\t", 1_000_000)),
    ("adms", b"a" * BODY),
    ("adms", filled(b"a=", BODY)),
    ("isapi", (JSON, filled(b'"name":"\\', EVENT_MOST))),
    ("isapi", (JSON, filled(b"[", EVENT_MOST))),
    ("isapi", (JSON, b'{"a":[' + filled(b"1,", EVENT_MOST - 20) + b"1]}")),
    ("isapi", (JSON, b'{"a":[' + filled(b"9" * 4_000 + b",", EVENT_MOST - 20) + b"1]}")),
    ("isapi", ("application/xml", filled(b"<a>", EVENT_MOST))),
    ("isapi", ("application/xml", b"<a>" + filled(b"<b/>", EVENT_MOST - 20) + b"</a>")),
    ("isapi", ("application/xml", filled(b"<name", BODY))),
    ("isapi", (MARK, filled(b"\r\n", BODY))),
    ("isapi", (MARK, filled(b"\r\n--MIME_boundary", BODY))),
    ("isapi", (MARK, b"--MIME_boundary\r\n\r\n{" + filled(b"\r\n--MIME_boundar", BODY))),
    ("isapi", (filled(b"boundary=", 8_000).decode(), b"{}")),
    ("address", ("10.1.2.3", ["10.1.2.3," * 900] * 128)),
    ("token", "." * TOKEN_LIMIT),
    ("token", "a" * MESSAGE),
    ("page-token", "A" * MESSAGE),
    ("names", "stateBodies/" * (MESSAGE // 12)),
    ("checkpoint", "a" * MESSAGE),
    ("iin", "1" * MESSAGE),
    ("fold", filled(b"[", MESSAGE)),
    ("fold", filled(b'{"a":', MESSAGE)),
]


@pytest.mark.parametrize(("name", "example"), LARGEST, ids=[f"{number} {name}" for number, (name, _) in enumerate(LARGEST)])
def test_the_largest_is_read_in_the_time_of_a_careful_reader(name: str, example: Any) -> None:
    (target,) = (each for each in TARGETS if each.name == name)
    with in_cpu_time(MOST_CPU_S):
        target.hit(example)


def test_an_upload_of_line_ends_alone_is_not_parted_at_them() -> None:
    assert adms.ends_too_often(b"\n" * BODY)
    assert not adms.ends_too_often(b"25\t2026-11-24 08:55:00\t0\t1\r\n\r\n" * adms.LINES_MOST)


def _never_ends() -> None:
    while True:
        pass


def test_a_careless_reader_is_ended() -> None:
    with pytest.raises(TooSlow), in_cpu_time(0.1):
        _never_ends()
