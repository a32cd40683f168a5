"""Checks of plain values that every concept of the registry takes in."""

from kernel.faults import Malformed
from kernel.names import CODE

POSITION_ID = CODE + "{1,40}"
REGION = CODE + "{1,10}"


def line(text: str, field: str, longest: int, empty: bool = False) -> str:
    """Returns `text` without outer blanks if it is one printable line of at most `longest` characters; else Malformed for `field`.

    A no-break space, which office programs like to put into names, becomes an ordinary one.
    """
    text = text.replace("\u00a0", " ").strip()
    if len(text) > longest or not text.isprintable() or not (text or empty):
        raise Malformed({field: f"one line of {'0' if empty else '1'} to {longest} characters"})
    return text


def etag(revision: int) -> str:
    """Returns the mark of one state of a record: it changes with every change, and only then."""
    return f"r{revision}"
