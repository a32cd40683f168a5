"""The catalogue of metrics: each is declared once, in code, with its kind, unit and meaning."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

Kind = Literal["counter", "gauge", "histogram"]
# Labels that Prometheus gives to whatever it reads, by the place it reads from: one of ours would be renamed there.
OF_THE_PLACE = frozenset({"instance", "job", "namespace", "pod", "container", "node", "service", "endpoint"})
# Seconds: the read path aims at milliseconds, a catch-up batch at a second.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the catalogue."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...]


_catalogue: dict[str, Metric] = {}


def catalogue() -> tuple[Metric, ...]:
    """Returns every metric that the loaded modules declare, by name."""
    return tuple(_catalogue[name] for name in sorted(_catalogue))


def counter(name: str, unit: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
    """Declares what only grows: `tartip_passages_stored_total`."""
    _declare(Metric(name, "counter", unit, meaning, tuple(labels)))
    return Counter(name, meaning, tuple(labels))


def gauge(name: str, unit: str, meaning: str, labels: Sequence[str] = ()) -> Gauge:
    """Declares what goes up and down: `tartip_outbox_oldest_seconds`."""
    _declare(Metric(name, "gauge", unit, meaning, tuple(labels)))
    return Gauge(name, meaning, tuple(labels))


def histogram(name: str, unit: str, meaning: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS) -> Histogram:
    """Declares a distribution: `tartip_rpc_seconds`."""
    _declare(Metric(name, "histogram", unit, meaning, tuple(labels)))
    return Histogram(name, meaning, tuple(labels), buckets=tuple(buckets))


def exposition() -> tuple[bytes, str]:
    """Returns all metrics as Prometheus reads them, and the content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST


def _declare(metric: Metric) -> None:
    if not metric.name.startswith("tartip_") or not metric.meaning:
        raise ValueError(f"the metric {metric.name!r} needs the prefix tartip_ and a meaning")
    if taken := OF_THE_PLACE.intersection(metric.labels):
        raise ValueError(
            f"the metric {metric.name} has the label {', '.join(sorted(taken))}, which Prometheus gives by the place it reads from"
        )
    if metric.name in _catalogue:
        raise ValueError(f"the metric {metric.name} is declared twice")
    _catalogue[metric.name] = metric
