"""What the gateway's tests share: replays of devices, and the devices themselves."""

from collections.abc import Callable
from pathlib import Path

import pytest
from timetracking.gateway.domain import EnrolledDevice, Speech


@pytest.fixture(scope="session")
def replay() -> Callable[[str], bytes]:
    """Reads a replay by its file name."""
    folder = Path(__file__).parent / "replays"
    return lambda name: (folder / name).read_bytes()


@pytest.fixture(scope="session")
def terminal() -> EnrolledDevice:
    """A ZKTeco terminal."""
    return EnrolledDevice("gate-1", Speech.ADMS, "hq")


@pytest.fixture(scope="session")
def camera() -> EnrolledDevice:
    """A Hikvision face terminal."""
    return EnrolledDevice("north-2", Speech.ISAPI, "hq")


@pytest.fixture(scope="session")
def multipart() -> Callable[..., tuple[str, bytes]]:
    """Writes a body of several parts as terminals do: an event, then pictures; returns its content type and its bytes."""

    def written(
        event: bytes, *pictures: bytes, subtype: str = "form-data", line_end: bytes = b"\r\n", closed: bool = True
    ) -> tuple[str, bytes]:
        mark = "MIME_boundary"
        pieces = [
            b'Content-Disposition: form-data; name="event_log"',
            b"Content-Type: application/json",
            b"Content-Length: %d" % len(event),
            b"",
            event,
        ]
        body = b"--" + mark.encode() + line_end + line_end.join(pieces) + line_end
        for picture in pictures:
            pieces = [
                b'Content-Disposition: form-data; name="Picture"; filename="Picture.jpg"',
                b"Content-Type: image/jpeg",
                b"",
                picture,
            ]
            body += b"--" + mark.encode() + line_end + line_end.join(pieces) + line_end
        return f"multipart/{subtype}; boundary={mark}", body + (b"--" + mark.encode() + b"--" + line_end if closed else b"")

    return written
