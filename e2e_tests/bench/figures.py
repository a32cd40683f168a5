"""What a bench says: figures with their units, targets and spread; nothing of how they are shown."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Target:
    """The number that a figure should reach, from below or from above.

    Where the run is smaller than the target, `full` is what it is a part of. Rounds that lie further apart than the
    `tolerance`, in parts of their median, do not show that it is reached.
    """

    value: float
    most: bool = False
    full: float | None = None
    tolerance: float | None = None

    def met(self, value: float) -> bool:
        """Whether the value reaches it."""
        return value <= self.value if self.most else value >= self.value

    def __str__(self) -> str:
        part = "" if self.full in (None, self.value) else f", in full {number(self.full or 0)}"
        return f"{'≤' if self.most else '≥'} {number(self.value)}{part}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `spread` is the distance of the extreme rounds in parts of the median, None where there was one round."""

    name: str
    value: float
    unit: str = ""
    target: Target | None = None
    spread: float | None = None

    @property
    def missed(self) -> bool:
        """Whether it has a target and does not reach it."""
        return self.target is not None and not self.target.met(self.value)

    @property
    def undecided(self) -> bool:
        """Whether its rounds lie too far apart to say that it reaches its target."""
        tolerance = self.target.tolerance if self.target is not None else None
        return tolerance is not None and not self.missed and (self.spread or 0.0) > tolerance


Say = Callable[[str], None]
"""Takes a line of progress, for whoever waits."""


def at_least(value: float, full: float | None = None) -> Target:
    """A figure that should be as large; in a smaller run `full` is the whole of which that is a part."""
    return Target(value, full=full)


def at_most(value: float, tolerance: float | None = None) -> Target:
    """A figure that should be no larger; rounds further apart than the tolerance leave it open."""
    return Target(value, most=True, tolerance=tolerance)


def median(name: str, rounds: Sequence[float], unit: str = "", target: Target | None = None) -> Figure:
    """The median of some rounds, with their spread."""
    middle = statistics.median(rounds)
    spread = (max(rounds) - min(rounds)) / middle if len(rounds) > 1 and middle else None
    return Figure(name, middle, unit, target, spread)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of all does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


def number(value: float) -> str:
    """A number as people read it: three digits that count, thousands apart."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
