"""Reads the book's YAML so that a file means what it seems to mean.

One document a file, no anchors, tags or nulls. Unquoted are only: true and false, whole numbers without
leading zeros, dates, and words that begin with a letter and are no old word for a truth value. Everything else is
quoted or refused: "22:00", "0.5", "yes". Keys are words or dates and are never repeated.
"""

import re
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from yaml.events import Event
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

# A process reads the whole book before it does anything else: libyaml takes a tenth of the time that Python takes for it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TAGS = {dict: "map", list: "seq", str: "str", bool: "bool", int: "int", date: "timestamp"}
OLD_TRUTH = {"yes", "no", "on", "off", "y", "n", "null", "true", "false"}


class LawUnreadable(ValueError):
    """A file of the lawbook does not say what it must, or says it in a way that could be read differently."""


def read(path: Path) -> dict[str, Any]:
    """Returns the mapping that the file at `path` holds; LawUnreadable names the file and the line."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_Loader)
        anchored = next((each for each in yaml.parse(text, Loader=_Loader) if getattr(each, "anchor", None)), None)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LawUnreadable(f"{path.name}: {error}") from error
    if anchored is not None:
        raise LawUnreadable(f"{path.name}, {_refused(anchored, 'anchors are not used')}")
    if not isinstance(node, MappingNode):
        raise LawUnreadable(f"{path.name}: must be a mapping")
    try:
        value = _mapping(node)
    except LawUnreadable as error:
        raise LawUnreadable(f"{path.name}, {error}") from error
    return value


def _value(node: Node) -> Any:
    value: Any
    if isinstance(node, MappingNode):
        value = _mapping(node)
    elif isinstance(node, SequenceNode):
        value = [_value(child) for child in node.value]
    else:
        value = _scalar(node)
    if str(node.tag) != f"tag:yaml.org,2002:{TAGS[type(value)]}":
        raise _refused(node, "tags are not used")
    return value


def _mapping(node: MappingNode) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, ScalarNode):
            raise _refused(key_node, "a key must be a word or a date")
        key = key_node.value if key_node.style else _scalar(key_node)
        if isinstance(key, bool | int):
            raise _refused(key_node, "a key must be a word or a date")
        if key in found:
            raise _refused(key_node, f"{key!r} stands twice")
        found[key] = _value(value_node)
    return found


def _scalar(node: Node) -> Any:
    text = str(node.value)
    if isinstance(node, ScalarNode) and node.style:
        return text
    if text in ("true", "false"):
        return text == "true"
    if INTEGER.fullmatch(text):
        return int(text)
    if DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise _refused(node, f"{text} is no date") from None
    if not text[:1].isalpha() or text.lower() in OLD_TRUTH:
        raise _refused(node, f"{text!r} must be quoted")
    return text


def _refused(node: Node | Event, why: str) -> LawUnreadable:
    return LawUnreadable(f"line {node.start_mark.line + 1}: {why}")
