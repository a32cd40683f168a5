"""The registry's texts, from messages to the domain."""

from kernel.text import LocalizedText, line
from tartip.law.v1 import law_pb2


def text(message: law_pb2.LocalizedText, field: str) -> LocalizedText:
    """Returns the text; Malformed for `field` unless it is one line in each of the three languages, of at most 300 characters."""
    return LocalizedText(*(line(getattr(message, language), f"{field}.{language}", 300) for language in ("kk", "ru", "en")))
