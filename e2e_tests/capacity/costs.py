"""What was measured, as it is kept: points, never a fit, so that anyone can look at what a line goes through."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("costs.json")


@dataclass(frozen=True, slots=True)
class Line:
    """Measured points (x, y), two at least, and the straight line through them: what is there anyway, and what each x adds.

    Neither is less than nothing: where noise says so, it is taken for nothing.
    """

    points: Sequence[tuple[float, float]]

    @property
    def of_each(self) -> float:
        """What one more x adds, by least squares."""
        x, y = self._middle()
        across = sum((a - x) ** 2 for a, _ in self.points)
        return max(0.0, sum((a - x) * (b - y) for a, b in self.points) / across) if across else 0.0

    @property
    def anyway(self) -> float:
        """What is there without any x."""
        x, y = self._middle()
        return max(0.0, y - self.of_each * x)

    def at(self, x: float) -> float:
        """What the line says of an x."""
        return self.anyway + self.of_each * x

    def _middle(self) -> tuple[float, float]:
        return sum(a for a, _ in self.points) / len(self.points), sum(b for _, b in self.points) / len(self.points)


@dataclass(frozen=True, slots=True)
class Curve:
    """Measured points (x, y) from rest on; straight from one to the next, and beyond the last on the line from rest through it.

    The more comes, the more share a message and a transaction: what one more x adds gets less. More x never take less: where
    noise says so, the y before is taken.
    """

    points: Sequence[tuple[float, float]]

    @property
    def anyway(self) -> float:
        """What is there at rest."""
        return self.points[0][1]

    def at(self, x: float) -> float:
        """What the curve says of an x."""
        rising = [(a, max(b for c, b in self.points if c <= a)) for a, _ in self.points]
        for (a, low), (b, high) in pairwise(rising):
            if x <= b:
                return low + (high - low) * (x - a) / (b - a)
        (begin, least), (end, most) = rising[0], rising[-1]
        return least + (most - least) * (x - begin) / (end - begin)


@dataclass(frozen=True, slots=True)
class Resting:
    """A process of the whole platform when nothing happens: cores, and octets of memory."""

    cores: float
    memory: float


@dataclass(frozen=True, slots=True)
class Founded:
    """What a servant took when they were recorded and planned: octets of registry's and regimes' databases and of topics, CPU seconds of
    their processes. `months` are those that were planned."""

    octets: Mapping[str, float]
    months: float
    topics: Mapping[str, float]
    cpu: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Costs:
    """All that was measured: of timetracking, which has the hot path; of the other services what servants take once, and what rest takes.

    cores, syncs: of a process, and of the write-ahead log in a second, by passages a second. late: CPU seconds of a process for a
    passage that comes in a backlog. calls: CPU seconds of a process for a call, by RPC. memory: the most octets that a process was
    seen to hold. database, kafka: octets that a table or topic grows in a day, by servants. plans: octets of a day's plans, by
    servants. standing: octets of tables that grow with servants and not with days. wal: octets of a day's write-ahead log, by
    servants. audited: octets of the audit for a reading that is audited. counts: how many there are for a servant and day.
    request: octets of a passage on its way in.
    """

    machine: Mapping[str, str]
    counts: Mapping[str, float]
    cores: Mapping[str, Curve]
    syncs: Curve
    late: Mapping[str, float]
    calls: Mapping[str, Mapping[str, float]]
    memory: Mapping[str, float]
    database: Mapping[str, Line]
    plans: Line
    standing: Line
    wal: Line
    kafka: Mapping[str, Line]
    audited: float
    request: float
    resting: Mapping[str, Resting]
    founded: Founded


def write(costs: Costs, path: Path = KEPT) -> None:
    """Keeps what was measured."""
    path.write_text(json.dumps(asdict(costs), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path = KEPT) -> Costs:
    """What was measured, as it was kept."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    kept["cores"] = {process: Curve(_points(points)) for process, points in kept["cores"].items()}
    kept["syncs"] = Curve(_points(kept["syncs"]))
    for name in ("plans", "standing", "wal"):
        kept[name] = Line(_points(kept[name]))
    for name in ("database", "kafka"):
        kept[name] = {key: Line(_points(points)) for key, points in kept[name].items()}
    kept["resting"] = {key: Resting(**value) for key, value in kept["resting"].items()}
    kept["founded"] = Founded(**kept["founded"])
    return Costs(**kept)


def _points(kept: Mapping[str, Any]) -> Sequence[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in kept["points"]]
