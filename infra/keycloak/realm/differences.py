"""What is declared and what is found, held against each other field by field."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What may be a secret is neither compared nor shown.
SECRET = frozenset({"secret", "credentials", "registrationAccessToken", "client.secret.rotated"})
PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a part of the realm that is found otherwise than declared: "clients/portal", "enabled", True, False.

    None stands for what is not there. Without a field it speaks of the part as a whole: PRESENT, or None.
    """

    where: str
    field: str
    declared: object
    found: object

    def __str__(self) -> str:
        what = f"{self.where}: {self.field}" if self.field else self.where
        return f"{what} is {_shown(self.found)}, declared {_shown(self.declared)}"


def compared(where: str, declared: Mapping[str, Any], found: Mapping[str, Any], known: Collection[str] | None = ()) -> list[Difference]:
    """Returns where `found` is otherwise than `declared`, by the names of the fields.

    What only `found` has is a difference too, unless it is among `known`, or `known` is None: then `declared` speaks for itself alone.
    The order of a list of texts says nothing, and what is empty counts as absent.
    """
    ours, theirs = dict(_leaves("", declared)), dict(_leaves("", found))
    names = ours.keys() | (set() if known is None else theirs.keys() - set(known))
    return [
        Difference(where, name, ours.get(name), theirs.get(name))
        for name in sorted(names)
        if name not in SECRET and _in_order(ours.get(name)) != _in_order(theirs.get(name))
    ]


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, inner)
    elif value is not None and value not in ("", []):
        yield name, value


def _in_order(value: Any) -> str:
    texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return json.dumps(sorted(value) if texts else value)


def _shown(value: object) -> str:
    return "absent" if value is None else PRESENT if value is PRESENT else json.dumps(value, ensure_ascii=False)
