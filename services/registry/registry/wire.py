"""Values that all messages of the registry share, to and from the domain."""

from datetime import date

from google.type import date_pb2
from kernel.faults import Malformed
from kernel.text import LocalizedText
from tartip.law.v1 import law_pb2

from registry.values import line


def day(message: date_pb2.Date, field: str) -> date:
    """Returns the legal day; Malformed for `field` if the calendar has none such."""
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        raise Malformed({field: "a date that the calendar has: year, month, day"}) from None


def day_message(value: date | None) -> date_pb2.Date | None:
    """Returns the day as a message; None stays None, which leaves the field unset."""
    return None if value is None else date_pb2.Date(year=value.year, month=value.month, day=value.day)


def text(message: law_pb2.LocalizedText, field: str) -> LocalizedText:
    """Returns the text; Malformed for `field` unless it is one line in each of the three languages, of at most 300 characters."""
    return LocalizedText(*(line(getattr(message, language), f"{field}.{language}", 300) for language in ("kk", "ru", "en")))


def text_message(value: LocalizedText) -> law_pb2.LocalizedText:
    """Returns the text as a message."""
    return law_pb2.LocalizedText(kk=value.kk, ru=value.ru, en=value.en)
