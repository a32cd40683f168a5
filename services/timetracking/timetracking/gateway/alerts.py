"""Texts of Hikvision events, JSON or XML, as plain trees; and what of a tree may be kept."""

import json
from collections.abc import Iterator
from itertools import count
from math import isinf
from typing import NoReturn
from xml.parsers import expat

from timetracking.gateway.domain import RAW_MOST, Refused

Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None

_DEPTH_MOST = 16  # real events have three levels
_TEXT_MOST = 512  # a longer text inside an event is a picture or a template in base64
_NODES_MOST = RAW_MOST // 2  # each takes two characters or more of what is kept

EVENT_MOST = 1024 * 1024
"""Bytes of an event's text that are read. Real ones have some kilobytes, and others wait while a text is read."""
_NAMES = frozenset({"name", "employeename", "personname", "username", "fullname", "firstname", "lastname", "surname", "givenname", "fio"})
_HEALTH = frozenset({"currtemperature", "isabnomaltemperature", "isabnormaltemperature", "mask"})


def from_json(text: bytes) -> Tree:
    """Reads a JSON event. Refuses what is not JSON, or no event could be: NaN, and numbers or nesting beyond measure."""

    _no_longer_than_an_event(text)

    def no_constant(_: str) -> NoReturn:
        raise Refused("event: JSON without NaN and Infinity")

    try:
        tree: Tree = json.loads(text.decode("utf-8-sig"), parse_constant=no_constant, parse_float=_finite)
    except Refused:
        raise
    except (ValueError, RecursionError):
        raise Refused("event: JSON text in UTF-8") from None
    return tree


def from_xml(text: bytes) -> Tree:
    """Reads an XML event as {root: tree}, names without namespaces, texts as text.

    A document type is refused, and with it every entity but the five of XML itself: nothing expands, nothing is fetched.
    """
    _no_longer_than_an_event(text)
    parser = expat.ParserCreate()
    root: dict[str, Tree] = {}
    path: list[dict[str, Tree]] = [root]
    texts: list[list[str]] = [[]]

    def open_element(name: str, _: dict[str, str]) -> None:
        if len(path) > _DEPTH_MOST:
            raise Refused(f"event: at most {_DEPTH_MOST} levels")
        path.append({})
        texts.append([])

    def close_element(name: str) -> None:
        below, text = path.pop(), "".join(texts.pop()).strip()
        path[-1][name.rpartition(":")[2]] = below or text

    def no_doctype(*_: object) -> None:
        raise Refused("event: XML without a document type")

    parser.StartElementHandler = open_element
    parser.EndElementHandler = close_element
    parser.CharacterDataHandler = lambda data: texts[-1].append(data)
    parser.StartDoctypeDeclHandler = no_doctype
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError, LookupError) as fault:
        raise fault if isinstance(fault, Refused) else Refused("event: well-formed XML") from None
    return root


def kept_text(tree: Tree) -> str:
    """Returns the compact JSON of a tree with persons' names, health and embedded pictures blanked out."""
    text = json.dumps(_blanked(tree, 0, count(1)), ensure_ascii=False, separators=(",", ":"))
    return text if text.isprintable() else json.dumps(json.loads(text), separators=(",", ":"))


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise Refused("event: JSON with numbers within measure")
    return number


def _no_longer_than_an_event(text: bytes) -> None:
    if len(text) > EVENT_MOST:
        raise Refused(f"event: at most {EVENT_MOST} bytes")


def _blanked(tree: Tree, depth: int, nodes: Iterator[int]) -> Tree:
    if depth > _DEPTH_MOST:
        raise Refused(f"event: at most {_DEPTH_MOST} levels")
    if next(nodes) > _NODES_MOST:
        raise Refused(f"event: at most {RAW_MOST} characters without pictures")
    if isinstance(tree, dict):
        return {
            key: "" if key.lower() in _NAMES or key.lower() in _HEALTH else _blanked(value, depth + 1, nodes) for key, value in tree.items()
        }
    if isinstance(tree, list):
        return [_blanked(item, depth + 1, nodes) for item in tree]
    return "" if isinstance(tree, str) and len(tree) > _TEXT_MOST else tree
