"""What parsers are given: valid examples with a few pieces changed, and anything at all."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

# Pieces at which readers stumble: signs of their grammars, numbers beyond measure, letters that are none, the ends of the calendar.
PIECES = (
    *("", "\0", "\x1b", "\t", "\r\n", "\n\n", " ", "\u00a0", "\u2028", '"', "\\", "<", ">", "</", "&a;", "{", "}", "[", "]", ",", ":", ";"),
    *(
        "=",
        "/",
        ".",
        "-",
        "+",
        "_",
        "%",
        "|",
        "--",
        "\\ud800",
        "\\u0000",
        "<!DOCTYPE a [<!ENTITY b 'c'>]>",
        "<![CDATA[",
        "é",
        "Қ",
        "٣",
        "²",
    ),
    *("0", "-1", "13", "32", "60", "99", "9" * 19, "9" * 400, "9" * 5_000, "1e999", "-0", "NaN", "Infinity", "null", "true", "0x1"),
    *("0000-00-00", "0001-01-01", "9999-12-31", "T23:59:60", "T24:00:00", "+14:00", "-23:59", "Z", "::1%eth0", "0.0.0.0/0", "1.2.3.4/33"),
)
TIMES = (1, 1, 1, 1, 2, 30, 1_500)
WORDS = (
    *("", "KGD", "stateBodies/KGD", "stateBodies/KGD/units/audit", "stateBodies/KGD/positions/p-1", "stateBodies/KGD/devices/gate-1"),
    *("stateBodies/KGD/labourOrderRules/r-1", "servants/s-1", "servants/s-1/appointments/a-1", "servants/s-1/assignments/a-1"),
    *("servants/s-1/workdays/2026-11-24", "servants/s-1/workdays/0001-01-01", "servants/s-1/workdays/9999-12-31"),
    *("servants/s-1/remoteSessions/r-1", "parkedRecords/01934e5c-7a00-7000-8000-000000000001", "provisions/working-time/daily-limit"),
    *("Asia/Almaty", "Asia", "zone.tab", "../etc", "/", "a" * 300, "start", "7.8", "registry:1:" + "a" * 64, "10.0.0.0/24", "::/0"),
    *("2026-11-24T08:55:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "900101300015", "line\nline", "\0", "\ufeff", "Қ"),
)
NUMBERS = (0, 1, -1, 2, 7, 12, 13, 24, 31, 60, 999, 1900, 2026, 2199, 9999, 10_000, 86_400, 10**9, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))

Content = TypeVar("Content", bytes, str)
OCTETS = (*(piece.encode() for piece in PIECES), b"\xff", b"\xc3\x28", b"\xef\xbb\xbf")


def octets(*examples: bytes) -> SearchStrategy[bytes]:
    """Valid bytes with a few pieces changed, or any."""
    return st.one_of(_edited(st.sampled_from(examples), _OCTETS), st.binary(max_size=200))


def texts(*examples: str) -> SearchStrategy[str]:
    """Valid text with a few pieces changed, or any."""
    return st.one_of(_edited(st.sampled_from(examples), _LETTERS), st.text(max_size=100))


_OCTETS = st.one_of(st.sampled_from(OCTETS), st.binary(max_size=8))
_LETTERS = st.one_of(st.sampled_from(PIECES), st.text(max_size=8))


@st.composite
def _edited(draw: DrawFn, contents: SearchStrategy[Content], pieces: SearchStrategy[Content]) -> Content:
    return edited(draw, draw(contents), pieces)


def edited(draw: DrawFn, content: Content, pieces: SearchStrategy[Content]) -> Content:
    """The content with some of it taken out, and pieces put in its place."""
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        end = min(len(content), at + draw(st.integers(0, 20)))
        piece = draw(pieces)
        if len(piece) < 8:
            piece *= draw(st.sampled_from(TIMES))
        content = content[:at] + piece + content[end:]
    return content


def json_values(example: Any) -> SearchStrategy[Any]:
    """A valid JSON value with a few places changed: left out, doubled, or of another kind."""
    return _json(example)


@st.composite
def _json(draw: DrawFn, example: Any) -> Any:
    value = example
    for _ in range(draw(st.integers(0, 3))):
        value = _changed(draw, value)
    return value


def _changed(draw: DrawFn, value: Any) -> Any:
    """A copy of the value in which one place is another."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(value)))
        if not draw(st.integers(0, 5)):
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: _changed(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        at = draw(st.integers(0, len(value) - 1))
        if not draw(st.integers(0, 3)):
            return [*value, _changed(draw, value[at])]
        return [*value[:at], _changed(draw, value[at]), *value[at + 1 :]]
    if isinstance(value, str) and draw(st.booleans()):
        return edited(draw, value, _LETTERS)
    return draw(_VALUES)


_VALUES: SearchStrategy[Any] = st.one_of(
    st.sampled_from((None, True, [], {}, 1.5, 10**30, "\ud800", *NUMBERS, *WORDS)), st.text(max_size=10)
)


def messages(kind: type[Message], *examples: Mapping[str, Any]) -> SearchStrategy[bytes]:
    """The bytes of a valid message with a few fields changed; and bytes that may be none."""
    whole = _messages(kind, tuple(examples))
    return st.one_of(whole, whole, whole, _edited(whole, _OCTETS), st.binary(max_size=100))


@st.composite
def _messages(draw: DrawFn, kind: type[Message], examples: Sequence[Mapping[str, Any]]) -> bytes:
    message = kind()
    if examples:
        ParseDict(dict(draw(st.sampled_from(examples))), message)
    for _ in range(draw(st.integers(0, 3)) if examples else draw(st.integers(0, 6))):
        _edit(draw, message)
    return message.SerializeToString()


def _edit(draw: DrawFn, message: Message, depth: int = 0) -> None:
    """Changes one field of the message, or of one within it."""
    if not message.DESCRIPTOR.fields:
        return
    fields: list[Any] = list(message.DESCRIPTOR.fields)
    field = draw(st.sampled_from(fields))
    if not draw(st.integers(0, 7)):
        message.ClearField(field.name)
    elif field.is_repeated:
        _edit_one_of_many(draw, message, field, depth)
    elif field.message_type is not None:
        within = getattr(message, field.name)
        within.SetInParent()
        if depth < 6:
            _edit(draw, within, depth + 1)
    else:
        setattr(message, field.name, draw(_scalar(field)))


def _edit_one_of_many(draw: DrawFn, message: Message, field: FieldDescriptor, depth: int) -> None:
    many = getattr(message, field.name)
    if field.message_type is None:
        many.append(draw(_scalar(field)))
    elif many and draw(st.booleans()):
        _edit(draw, many[draw(st.integers(0, len(many) - 1))], depth + 1)
    else:
        added = many.add()
        if many and draw(st.booleans()):
            added.CopyFrom(many[0])
        if depth < 6:
            _edit(draw, added, depth + 1)


@cache
def _scalar(field: FieldDescriptor) -> SearchStrategy[Any]:
    kinds: Mapping[int, Callable[[], SearchStrategy[Any]]] = {
        FieldDescriptor.CPPTYPE_STRING: lambda: st.binary(max_size=20) if field.type == FieldDescriptor.TYPE_BYTES else _words(),
        FieldDescriptor.CPPTYPE_BOOL: st.booleans,
        FieldDescriptor.CPPTYPE_ENUM: lambda: st.integers(0, 12),
        FieldDescriptor.CPPTYPE_DOUBLE: st.floats,
        FieldDescriptor.CPPTYPE_FLOAT: lambda: st.floats(width=32),
        FieldDescriptor.CPPTYPE_INT32: lambda: _numbers(-(2**31), 2**31 - 1),
        FieldDescriptor.CPPTYPE_INT64: lambda: _numbers(-(2**63), 2**63 - 1),
        FieldDescriptor.CPPTYPE_UINT32: lambda: _numbers(0, 2**32 - 1),
        FieldDescriptor.CPPTYPE_UINT64: lambda: _numbers(0, 2**64 - 1),
    }
    return kinds[field.cpp_type]()


def _words() -> SearchStrategy[str]:
    return st.one_of(st.sampled_from(WORDS), st.text(max_size=20), texts(*WORDS))


def _numbers(least: int, most: int) -> SearchStrategy[int]:
    return st.one_of(st.sampled_from([each for each in NUMBERS if least <= each <= most]), st.integers(least, most))
