"""Plain values that messages of every service carry, to and from the domain: days, instants, texts."""

from datetime import UTC, date, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2
from kernel.faults import Malformed
from kernel.text import LocalizedText
from tartip.law.v1 import law_pb2

# Far from the ends of the calendar, so that no sum of days and months leaves it.
YEARS = range(1900, 2200)


def day(message: date_pb2.Date, field: str) -> date:
    """Returns the legal day; Malformed for `field` if the calendar has none such, or it is not of the years 1900 to 2199."""
    try:
        if message.year in YEARS:
            return date(message.year, message.month, message.day)
    except ValueError:
        pass
    raise Malformed({field: f"a date that the calendar has, {YEARS.start} to {YEARS.stop - 1}: year, month, day"})


def day_message(value: date | None) -> date_pb2.Date | None:
    """Returns the day as a message; None stays None, which leaves the field unset."""
    return None if value is None else date_pb2.Date(year=value.year, month=value.month, day=value.day)


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


def zero_byte_in(message: Message) -> str | None:
    """Returns the path of the first text in the message that holds a zero byte, which no database keeps; None where none does."""
    for field, value in message.ListFields():
        for at, each in enumerate(value if field.is_repeated else (value,)):
            path = f"{field.name}[{at}]" if field.is_repeated else field.name
            if isinstance(each, str) and "\0" in each:
                return path
            if isinstance(each, Message) and (within := zero_byte_in(each)) is not None:
                return f"{path}.{within}"
    return None


def text_message(value: LocalizedText) -> law_pb2.LocalizedText:
    """Returns the text as a message."""
    return law_pb2.LocalizedText(kk=value.kk, ru=value.ru, en=value.en)
