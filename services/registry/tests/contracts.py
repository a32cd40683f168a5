"""The contract fixtures of the registry's events: the files that the consumers' tests read too."""

from pathlib import Path
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

FOLDER = Path(__file__).parents[3] / "e2e_tests" / "contracts"

M = TypeVar("M", bound=Message)


def contract(topic: str, kind: type[M]) -> M:
    """The full example of a topic's message."""
    message = kind()
    json_format.Parse((FOLDER / f"{topic}.json").read_text(encoding="utf-8"), message)
    return message


def unset_fields(message: Message, path: str = "") -> set[str]:
    """The fields that the example leaves at their defaults in every element; a full example has few, each with a reason."""
    unset = set()
    for field in message.DESCRIPTOR.fields:
        here = f"{path}{field.name}"
        value = getattr(message, field.name)
        if field.message_type is None:
            unset |= set() if value else {here}
        elif not field.is_repeated:
            unset |= set() if message.HasField(field.name) else {here}
        elif not value:
            unset.add(here)
        else:
            unset |= set.intersection(*(unset_fields(one, f"{here}.") for one in value))
    return unset
