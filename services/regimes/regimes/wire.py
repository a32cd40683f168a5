"""Wall times and marks of content, which the messages of the regimes share, to and from the domain."""

import hashlib
from datetime import time

from google.protobuf.message import Message
from google.type import timeofday_pb2
from kernel.faults import Malformed

from regimes.wall_clock import ClockSpan

LINE = 300
"""Characters of a line that names an act or a place: it stands in every day of a plan that follows from it."""


def clock(message: timeofday_pb2.TimeOfDay, field: str) -> time:
    """Returns the wall time; Malformed for `field` if no clock shows it, or with fractions of a second."""
    try:
        if message.nanos == 0:
            return time(message.hours, message.minutes, message.seconds)
    except ValueError:
        pass
    raise Malformed({field: "a time of the day in whole seconds, 00:00:00 to 23:59:59"})


def clock_message(value: time | None) -> timeofday_pb2.TimeOfDay | None:
    """Returns the wall time as a message; None stays None, which leaves the field unset."""
    return None if value is None else timeofday_pb2.TimeOfDay(hours=value.hour, minutes=value.minute, seconds=value.second)


def pause(has: tuple[bool, bool], start: timeofday_pb2.TimeOfDay, end: timeofday_pb2.TimeOfDay, field: str) -> ClockSpan | None:
    """Returns the break, or None where neither of its ends is set; Malformed if only one is (`has` says which are)."""
    if not any(has):
        return None
    if not all(has):
        raise Malformed({f"{field}.break_end": "a break has a start and an end"})
    return ClockSpan(clock(start, f"{field}.break_start"), clock(end, f"{field}.break_end"))


def etag(message: Message) -> str:
    """Returns the mark of a message's content: it changes with every change, and only then."""
    return hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()[:16]
