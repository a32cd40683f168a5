"""Fields have classes: an answer leaves without those that its caller may not read, whatever the use case put in."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from tartip.access.v1 import access_pb2

from chassis.access import OWN_ROLE, Caller

# Who reads what identifies a person, or is sensitive: the HR service, and the person. All others read what is open.
OF_PERSONS: Final = frozenset({"hr-officer", OWN_ROLE})
CLOSED: Final = frozenset({access_pb2.DATA_CLASS_PERSONAL, access_pb2.DATA_CLASS_SENSITIVE})

# The fields of a message type to be cleared, and those whose messages hold such fields in their turn.
Plan = tuple[Sequence[FieldDescriptor], Sequence[FieldDescriptor]]


def reads_persons(caller: Caller) -> bool:
    """Whether any grant that counts for the call reads what is not open; of which records, the use case decides."""
    return any(grant.role in OF_PERSONS for grant in caller.grants)


def stripped(message: Any, caller: Caller) -> Any:
    """The message without the fields that the caller may not read; the message itself where there are none."""
    if not isinstance(message, Message) or reads_persons(caller):
        return message
    if closed(message.DESCRIPTOR):
        _strip(message)
    return message


def closed(kind: Any) -> bool:
    """Whether messages of the type hold a field that is not open, at whatever depth."""
    return kind.full_name in _closed(kind)


@cache
def _closed(kind: Any) -> Mapping[str, Plan]:
    """What to clear in each type that is reached from `kind` and holds something that is not open, by full name."""
    reached: dict[str, Descriptor] = {}
    ahead = [kind]
    while ahead:
        each = ahead.pop()
        if each.full_name not in reached:
            reached[each.full_name] = each
            ahead += [field.message_type for field in each.fields if field.message_type is not None]
    holding = {name for name, each in reached.items() if any(_is_closed(field) for field in each.fields)}
    while more := {
        name
        for name, each in reached.items()
        if name not in holding and any(field.message_type is not None and field.message_type.full_name in holding for field in each.fields)
    }:
        holding |= more
    return {name: _plan(reached[name], holding) for name in holding}


def _plan(kind: Descriptor, holding: set[str]) -> Plan:
    cleared = [field for field in kind.fields if _is_closed(field)]
    deeper = [
        field
        for field in kind.fields
        if field not in cleared and field.message_type is not None and field.message_type.full_name in holding
    ]
    return cleared, deeper


def _is_closed(field: FieldDescriptor) -> bool:
    return field.GetOptions().Extensions[access_pb2.data_class] in CLOSED


def _strip(message: Message, plans: Mapping[str, Plan] | None = None) -> None:
    plans = _closed(message.DESCRIPTOR) if plans is None else plans
    cleared, deeper = plans[message.DESCRIPTOR.full_name]
    for field in cleared:
        message.ClearField(field.name)
    for field in deeper:
        for each in _messages(message, field):
            _strip(each, plans)


def _messages(message: Message, field: FieldDescriptor) -> Sequence[Message]:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return list(value.values())
    if field.is_repeated:
        return list(value)
    return [value] if message.HasField(field.name) else []
