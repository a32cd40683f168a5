"""The contract fixtures of the platform's events: the files that producers' and consumers' tests read alike."""

from pathlib import Path
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

# The root of the repository, from services/shared/chassis/chassis/testing: the chassis is installed from its sources.
ROOT = Path(__file__).parents[5]
FOLDER = ROOT / "e2e_tests" / "contracts"

M = TypeVar("M", bound=Message)


def contract(topic: str, kind: type[M]) -> M:
    """The full example of a topic's message."""
    message = kind()
    json_format.Parse((FOLDER / f"{topic}.json").read_text(encoding="utf-8"), message)
    return message


def unset_fields(message: Message, path: str = "") -> set[str]:
    """The fields that the example leaves at their defaults in every element; a full example has few, each with a reason.

    Deprecated fields, which nobody fills any more, are none of them.
    """
    unset = set()
    for field in message.DESCRIPTOR.fields:
        if field.GetOptions().deprecated:
            continue
        here = f"{path}{field.name}"
        value = getattr(message, field.name)
        if field.is_repeated:
            parts = [unset_fields(one, f"{here}.") for one in value] if field.message_type is not None else [set[str]() for _ in value]
            unset |= set.intersection(*parts) if parts else {here}
        elif field.message_type is not None:
            unset |= set() if message.HasField(field.name) else {here}
        else:
            unset |= set() if value else {here}
    return unset
