"""Following changes over breaks: where to go on."""

from collections.abc import Iterable
from typing import Any

from tartip.timetracking.v1.workday_service_pb2 import WatchWorkdaysRequest

CURSOR = "tartip-cursor"
"""In the first metadata of the stream: from where it follows, also where nothing has changed yet."""


def resumed(request: WatchWorkdaysRequest, cursor: str) -> WatchWorkdaysRequest:
    """Returns the request from that cursor on, whatever else it asks for."""
    again = WatchWorkdaysRequest()
    again.CopyFrom(request)
    again.cursor = cursor
    return again


def first_cursor(metadata: Iterable[Any] | None) -> str | None:
    """Returns from where the platform follows, or None where it has not accepted the stream."""
    return next((str(value) for name, value in metadata or () if name == CURSOR), None)
