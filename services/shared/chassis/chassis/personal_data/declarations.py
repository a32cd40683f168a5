"""What a service keeps of whom, for how long: one declaration a table, read by the jobs, the export and docs/data-classes.md.

A service declares all tables of its database in its `personal_data.py`; a test demands each of them exactly once. The order of the
declarations is that in which a person is erased: what depends on others stands before them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# One term for what days are computed from and for the days themselves, and one for the file of a person.
WORKING_TIME = "retention/working-time-records"
PERSONAL_FILE = "retention/personal-file"


class Sensitivity(StrEnum):
    """Whose eyes a table is for."""

    OPEN = "open"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


@dataclass(frozen=True, slots=True)
class Told:
    """The compacted topic that holds the rows too, with the SQL of a row's key and the kind under which writers lock it.

    What is deleted here is a tombstone there: otherwise it would be kept for ever.
    """

    topic: str
    key: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Aging:
    """Kept for a `term` of the lawbook, and `margin` days more, from a date of the row's own, which `since` says in words.

    `past` is the SQL condition that a row lies before the date `$1`, found by an index. `statement` deletes at most `$2` of them in its
    own way, and gives one row: how many those were, and NULL, or of what goes whole and uncounted 0 and the name.
    """

    term: str
    since: str
    past: str
    statement: str = ""
    margin: int = 0


@dataclass(frozen=True, slots=True)
class WithThePerson:
    """Kept as long as the file of the person, and erased with it."""


@dataclass(frozen=True, slots=True)
class OfTopic:
    """A projection: what the topics say; it goes with the state there."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passing:
    """Technical, and gone soon: `until` says when and by what."""

    until: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Not deleted by the platform, for the reason given."""

    because: str


Keeping = Aging | WithThePerson | OfTopic | Passing | Standing


@dataclass(frozen=True, slots=True)
class DataClass:
    """A table: what it holds, for whose eyes, and how long it is kept.

    `person` is the SQL condition that a row belongs to the servant `$1`: such rows are erased with the person (by the statement `erasing`,
    at most `$2` of them, where the service has no right to delete them itself), and given to them in the order of `key` unless they are
    `exported` elsewhere.
    Where there is no such condition, `nobody` says why. A `sealed` row is opened by its service before it is given.
    """

    table: str
    holds: str
    keeping: Keeping
    sensitivity: Sensitivity = Sensitivity.OPEN
    person: str = ""
    nobody: str = ""
    key: tuple[str, ...] = ()
    exported: bool = True
    erasing: str = ""
    told: Told | None = None
    sealed: bool = False

    def __post_init__(self) -> None:
        if bool(self.person) is bool(self.nobody):
            raise ValueError(f"{self.table}: say how a row belongs to a person, or why to nobody")
        if self.person and self.exported and not self.key:
            raise ValueError(f"{self.table}: say in which order rows are given to the person")
        if self.person and self.sensitivity is Sensitivity.OPEN:
            raise ValueError(f"{self.table}: what belongs to a person is not open")


def declared(*classes: DataClass) -> tuple[DataClass, ...]:
    """The classes of a service in their order; ValueError where a table stands twice."""
    tables = [each.table for each in classes]
    if twice := {table for table in tables if tables.count(table) > 1}:
        raise ValueError(f"declared twice: {', '.join(sorted(twice))}")
    return classes


def aging(classes: Iterable[DataClass]) -> list[tuple[DataClass, Aging]]:
    """The classes whose rows go by a date of their own, each with how."""
    return [(each, each.keeping) for each in classes if isinstance(each.keeping, Aging)]


def of_people(classes: Iterable[DataClass]) -> list[DataClass]:
    """The classes whose rows belong to people."""
    return [each for each in classes if each.person]
