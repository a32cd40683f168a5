"""Values that all messages of the regimes share, to and from the domain."""

import hashlib
from datetime import date, datetime, time

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, timeofday_pb2
from kernel.faults import Malformed
from kernel.text import LocalizedText
from tartip.law.v1 import law_pb2

from regimes.wall_clock import ClockSpan


def day(message: date_pb2.Date, field: str) -> date:
    """Returns the legal day; Malformed for `field` if the calendar has none such."""
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        raise Malformed({field: "a date that the calendar has: year, month, day"}) from None


def day_message(value: date | None) -> date_pb2.Date | None:
    """Returns the day as a message; None stays None, which leaves the field unset."""
    return None if value is None else date_pb2.Date(year=value.year, month=value.month, day=value.day)


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


def instant_message(value: datetime) -> Timestamp:
    """Returns the instant as a message."""
    message = Timestamp()
    message.FromDatetime(value)
    return message


def text_message(value: LocalizedText) -> law_pb2.LocalizedText:
    """Returns the text as a message."""
    return law_pb2.LocalizedText(kk=value.kk, ru=value.ru, en=value.en)


def etag(message: Message) -> str:
    """Returns the mark of a message's content: it changes with every change, and only then."""
    return hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()[:16]
