"""Bodies of several parts, as terminals send them: the text parts are handed out, pictures are stepped over unread."""

import re
from dataclasses import dataclass

PARTS_MOST = 32
"""Parts of one body. A terminal sends one event and a picture or two."""

_BOUNDARY = re.compile(r"""boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s;,"]{1,200}))""", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_DISPOSITION_FILE = re.compile(r"filename\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a body: its media type in small letters ("" where none was sent), whether it is a file, and its bytes."""

    media_type: str
    is_file: bool
    content: bytes


class Torn(ValueError):
    """The body is not the multipart body that its header promises."""


def boundary(content_type: str) -> bytes | None:
    """Returns the boundary that a Content-Type header names, or None."""
    found = _BOUNDARY.search(content_type)
    return (found.group(1) or found.group(2)).encode("latin-1", "replace") if found else None


def parts(body: bytes, mark: bytes) -> list[Part]:
    """Returns the parts between the marks.

    A missing closing mark is tolerated, since terminals forget it: HTTP itself already told that the body is whole.
    """
    pieces = re.split(rb"(?:^|\r?\n)--" + re.escape(mark) + rb"(--)?[ \t]{0,64}(?=\r?\n|$)", body, maxsplit=2 * PARTS_MOST + 2)
    if len(pieces) < 3:
        raise Torn("body: parts between the marks that the header names")
    found: list[Part] = []
    for closing, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if closing is not None:
            break
        if len(found) == PARTS_MOST:
            raise Torn(f"body: at most {PARTS_MOST} parts")
        found.append(_part(piece))
    if not found:
        raise Torn("body: at least one part")
    return found


def _part(piece: bytes) -> Part:
    # A piece begins with the line end of its mark; with no headers at all the blank line comes at once.
    head, blank, content = piece, None, b""
    blank = _BLANK_LINE.search(piece)
    if blank is None:
        raise Torn("part: headers, a blank line, content")
    head, content = piece[: blank.start()], piece[blank.end() :]
    if len(head) > 4_096:
        raise Torn("part: headers of at most 4,096 bytes")
    media_type, is_file = "", False
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            media_type = value.partition(";")[0].strip().lower()
        elif name.strip().lower() == "content-disposition":
            is_file = _DISPOSITION_FILE.search(value) is not None
    return Part(media_type, is_file, content)
