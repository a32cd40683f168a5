"""Who heads structural units: a head answers for the units beneath as well."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kernel.days import DaySpan


@dataclass(frozen=True, slots=True)
class Headship:
    """A span in which a servant heads a unit: its own head (`own`), or that of a unit above it."""

    unit: str
    servant: str
    span: DaySpan
    own: bool


def headships(parents: Mapping[str, str], heads: Mapping[str, Sequence[tuple[str, DaySpan]]]) -> tuple[Headship, ...]:
    """Returns who heads each unit, by itself or from above; `parents` names the unit above each, or "". A ring of units is cut."""
    return tuple(
        Headship(unit, servant, span, above == unit)
        for unit in sorted(parents)
        for above in _upwards(unit, parents)
        for servant, span in heads.get(above, ())
    )


def _upwards(unit: str, parents: Mapping[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    while unit and unit not in seen:
        yield unit
        seen.add(unit)
        unit = parents.get(unit, "")
