"""What is to be changed on a server: known, with its differences, before it is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from realm.differences import PRESENT, Difference


@dataclass(frozen=True, slots=True)
class Change:
    """Something on the server that is not as it must be: how it differs, and what makes it so (None: a person has to decide)."""

    differences: Sequence[Difference]
    make: Callable[[], object] | None


def missing(where: str, make: Callable[[], object]) -> Change:
    """What is not there and has to be."""
    return Change([Difference(where, "", PRESENT, None)], make)


def undeclared(where: str, make: Callable[[], object] | None) -> Change:
    """What is there and must not be."""
    return Change([Difference(where, "", None, PRESENT)], make)
