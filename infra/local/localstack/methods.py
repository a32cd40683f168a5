"""The RPCs of the platform, found by name, with their messages as JSON."""

import difflib
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tartip
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

# Every service answers these for itself: which one is asked stands before the name, "registry/ListAuditRecords".
SHARED = ("tartip.audit.v1", "tartip.personal.v1")
_OF_ONE = re.compile(r"([a-z]+)/(.+)")


class UnknownMethod(Exception):
    """There is no RPC of that name; says which there are."""


class UnreadableJson(Exception):
    """The JSON is not what the method takes; says where."""


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC; `asked` is the service that is asked, where each answers it for itself."""

    descriptor: MethodDescriptor
    asked: str = ""

    @property
    def path(self) -> str:
        """ "/tartip.registry.v1.StateBodyService/GetStateBody"."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def service(self) -> str:
        """ "tartip.registry.v1.StateBodyService"."""
        return str(self.descriptor.containing_service.full_name)

    @property
    def package(self) -> str:
        """ "tartip.registry.v1": of the service that answers."""
        return f"tartip.{self.asked}.v1" if self.asked else str(self.descriptor.containing_service.file.package)

    def request(self, value: Any) -> Message:
        """Reads one request from JSON; UnreadableJson where it does not fit."""
        if not isinstance(value, dict):
            raise UnreadableJson(f"{self.descriptor.input_type.name} is a JSON object, as {{}}")
        message = message_factory.GetMessageClass(self.descriptor.input_type)()
        try:
            json_format.ParseDict(value, message)
        except json_format.ParseError as error:
            raise UnreadableJson(f"{self.descriptor.input_type.name}: {error}{_allowed(str(error))}") from None
        return message

    def answer(self, raw: bytes) -> Message:
        """Reads an answer."""
        return message_factory.GetMessageClass(self.descriptor.output_type).FromString(raw)


def as_json(message: Message) -> str:
    """Returns a message as JSON for people, Kazakh and Russian letters as they are."""
    return str(json_format.MessageToJson(message, ensure_ascii=False, descriptor_pool=descriptor_pool.Default()))


def all_methods() -> list[Method]:
    """Returns every RPC of the platform, by name."""
    return sorted((Method(method) for service in _services() for method in service.methods), key=lambda method: method.path)


def method_named(name: str) -> Method:
    """Finds "tartip.registry.v1.StateBodyService/GetStateBody", or its end: "StateBodyService/GetStateBody", "GetStateBody".

    What every service answers is found with the service before it: "registry/ListAuditRecords".
    """
    if of_one := _OF_ONE.fullmatch(name):
        method = method_named(of_one[2])
        if method.package in SHARED:
            return replace(method, asked=of_one[1])
    methods = all_methods()
    wanted = name.strip("/").replace("/", ".")
    found = [method for method in methods if f".{method.path[1:].replace('/', '.')}".endswith(f".{wanted}")]
    if len(found) == 1:
        return found[0]
    last = wanted.rpartition(".")[2]
    alike = difflib.get_close_matches(last, [method.descriptor.name for method in methods], 5)
    close = [method.path[1:] for method in found or [each for each in methods if each.descriptor.name in alike] or methods]
    raise UnknownMethod(f"There is no RPC {name!r}. Did you mean one of these?\n  " + "\n  ".join(close))


def _allowed(error: str) -> str:
    """Which values the enum has of which an error says that it has not this one; "" where it says anything else."""
    found = re.search(r"enum type ([\w.]+)", error)
    if found is None:
        return ""
    kind = descriptor_pool.Default().FindEnumTypeByName(found[1].rstrip("."))
    return f" It has {', '.join(value.name for value in kind.values if value.number)}."


def _services() -> Iterator[ServiceDescriptor]:
    importlib.import_module("google.rpc.error_details_pb2")  # what a Status holds, so that it can be shown
    for folder in map(Path, tartip.__path__):
        for file in sorted(folder.rglob("*_pb2.py")):
            name = ".".join(("tartip", *file.relative_to(folder).with_suffix("").parts))
            yield from importlib.import_module(name).DESCRIPTOR.services_by_name.values()
