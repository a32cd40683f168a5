"""Every metric that a process of the platform shows: what its modules declare, and what the client library adds by itself."""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chassis.metrics import Metric, catalogue

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("chassis", "registry", "regimes", "timetracking")
# What Prometheus itself says of a process that it reads from, and what the client library says of every process.
# What the chart's monitors give to every series of a pod (charts/service/templates, targetLabels).
OF_THE_MONITOR = frozenset({"app_kubernetes_io_name", "app_kubernetes_io_component", "tartip_kz_region"})
OF_EVERY_PROCESS = ("up", "process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds")


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric, and the module that declares it, as a path from the root of the repository."""

    metric: Metric
    where: str


@cache
def metrics() -> tuple[Declared, ...]:
    """Every metric of the platform, by name."""
    texts = dict(_loaded())
    return tuple(Declared(each, path) for each in catalogue() for path, text in texts.items() if f'"{each.name}"' in text)


def series() -> Mapping[str, frozenset[str]]:
    """The name of every series that a query may ask for, with the labels it has beside those of its place."""
    known = dict.fromkeys(OF_EVERY_PROCESS, OF_THE_MONITOR)
    for each in metrics():
        labels = frozenset(each.metric.labels)
        if each.metric.kind == "histogram":
            known[f"{each.metric.name}_bucket"] = labels | {"le"}
            known[f"{each.metric.name}_sum"] = known[f"{each.metric.name}_count"] = labels
        else:
            known[each.metric.name] = labels
    return known


def _loaded() -> Iterator[tuple[str, str]]:
    """Loads the modules that declare metrics, and no other; the path of each, with its text."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(package)
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if "testing" not in path.parts and "from chassis.metrics import" in text:
                importlib.import_module(".".join(path.relative_to(root.parent).with_suffix("").parts))
                yield path.relative_to(ROOT).as_posix(), text
