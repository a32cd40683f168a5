"""A dashboard of Grafana, described by what its panels answer; Grafana's own JSON follows from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["timeseries", "stat", "bargauge", "table"]
Unit = Literal["s", "short", "percentunit", "reqps", "ops", "bytes", "cores", "dateTimeAsIso", "bool"]

# Grafana's grid is so wide; a row's heading takes one line of it.
GRID, HEADING = 24, 1
HEIGHT = 8
SCHEMA = 39
# Each region is a deployment with a Prometheus of its own: who looks at several changes the source.
SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True, slots=True)
class Query:
    """A query in PromQL, and what its lines are called ("{{device}}")."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: the question that it answers, its queries, and from which value on it is red (None: never)."""

    title: str
    question: str
    queries: tuple[Query, ...]
    unit: Unit = "short"
    kind: Kind = "timeseries"
    width: int = 8
    red: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels beneath a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard; `name` is the name of its file and its address in Grafana."""

    name: str
    title: str
    says: str
    rows: tuple[Row, ...]

    @property
    def panels(self) -> Sequence[Panel]:
        """All its panels."""
        return [panel for row in self.rows for panel in row.panels]


def document(board: Board) -> dict[str, Any]:
    """The board as Grafana reads it."""
    return {
        "uid": f"tartip-{board.name}",
        "title": f"Tartip: {board.title}",
        "description": board.says,
        "tags": ["tartip"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [{"name": "source", "label": "Region", "type": "datasource", "query": "prometheus", "current": {}, "hide": 0}]
        },
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "title": "Tartip", "tags": ["tartip"], "asDropdown": True, "includeVars": True}],
        "panels": list(_placed(board)),
    }


def _placed(board: Board) -> Iterator[dict[str, Any]]:
    """The rows and panels with their numbers and places, line by line."""
    number, y = 1, 0
    for row in board.rows:
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": _at(0, y, GRID, HEADING), "panels": []}
        number, y, x = number + 1, y + HEADING, 0
        for panel in row.panels:
            if x + panel.width > GRID:
                x, y = 0, y + HEIGHT
            yield {"id": number, "gridPos": _at(x, y, panel.width, HEIGHT), **_panel(panel)}
            number, x = number + 1, x + panel.width
        y += HEIGHT


def _at(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.red is not None:
        steps.append({"color": "red", "value": panel.red})
    at_once = panel.kind != "timeseries"
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.question,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}, "overrides": []},
        "options": _options(panel.kind),
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
                "instant": at_once,
                "range": not at_once,
                "format": "table" if panel.kind == "table" else "time_series",
            }
            for place, query in enumerate(panel.queries)
        ],
    }


def _options(kind: Kind) -> dict[str, Any]:
    last: dict[str, Any] = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    match kind:
        case "timeseries":
            return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
        case "stat":
            return {**last, "colorMode": "background", "graphMode": "area", "textMode": "auto"}
        case "bargauge":
            return {**last, "orientation": "horizontal", "displayMode": "basic"}
        case "table":
            return {"showHeader": True, "cellHeight": "sm"}
