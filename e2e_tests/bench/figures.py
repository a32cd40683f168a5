"""What a bench says: figures with their units, targets and spread; nothing of how they are shown."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Target:
    """The number that a figure should reach, from below or from above."""

    value: float
    most: bool = False

    def met(self, value: float) -> bool:
        """Whether the value reaches it."""
        return value <= self.value if self.most else value >= self.value

    def __str__(self) -> str:
        return f"{'≤' if self.most else '≥'} {number(self.value)}"


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


Say = Callable[[str], None]
"""Takes a line of progress, for whoever waits."""


def at_least(value: float) -> Target:
    """A figure that should be as large."""
    return Target(value)


def at_most(value: float) -> Target:
    """A figure that should be no larger."""
    return Target(value, most=True)


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
