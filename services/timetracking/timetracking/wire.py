"""Values that several messages of timetracking share, to and from the domain."""

from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2
from kernel.faults import Malformed


def day(message: date_pb2.Date, field: str) -> date:
    """Returns the legal day; Malformed for `field` if the calendar has none such."""
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        raise Malformed({field: "a date that the calendar has: year, month, day"}) from None


def instant(message: Timestamp, field: str) -> datetime:
    """Returns the instant, aware, in UTC; Malformed for `field` if it is not in whole seconds of the years 1 to 9999."""
    try:
        if message.nanos == 0:
            return message.ToDatetime(UTC)
    except (ValueError, OverflowError):
        pass
    raise Malformed({field: "an instant in whole seconds"})


def instant_message(value: datetime) -> Timestamp:
    """Returns the instant as a message."""
    message = Timestamp()
    message.FromDatetime(value)
    return message
