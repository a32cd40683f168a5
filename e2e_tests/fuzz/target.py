"""A parser, what it is given, and how it may refuse."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from hypothesis.strategies import SearchStrategy

UNREADABLE = (DecodeError,)
"""Bytes that are no message: whoever receives them answers that, or parks them."""


@dataclass(frozen=True)
class Target:
    """A parser under fire: `read` returns or raises one of `refuses`; anything else is a bug.

    `modules` are those that it is about, parted by blanks, where one reading goes through several. `most` is how many examples `make test`
    gives it.
    """

    name: str
    modules: str
    given: SearchStrategy[Any]
    read: Callable[[Any], object]
    refuses: tuple[type[Exception], ...] = ()
    most: int = 40

    def hit(self, example: Any) -> None:
        """Gives the parser one example."""
        try:
            self.read(example)
        except self.refuses:
            return
