"""`make docs`: docs/telemetry-catalogue.md, from the metrics in the code, the dashboards, the objectives and the rules of the chart."""

import re
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from telemetry.catalogue import metrics
from telemetry.dashboards import BOARDS
from telemetry.objectives import BURNS, OBJECTIVES, PERIOD_DAYS

from .error_catalogue import ROOT

PAGE = ROOT / "docs" / "telemetry-catalogue.md"
RULES = ROOT / "charts" / "tartip" / "files" / "rules"
HEAD = """# What can be seen

Written by `make docs` from the metrics that the code declares, `infra/telemetry/telemetry/dashboards`,
`infra/telemetry/telemetry/objectives.py` and `charts/tartip/files/rules`; a test compares this page with what that command would write.
How to connect all of it stands in [telemetry.md](telemetry.md).
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_objectives(), *_alerts(), *_dashboards(), *_metrics()])


def _objectives() -> list[str]:
    burns = ", ".join(f"{each.severity}: {each.times:g} times as fast over {each.long} and {each.short}" for each in BURNS)
    rows = [f"| {each.name} | {each.promise} | {each.budget:.1%} | {_minutes(each.budget)} | {each.reason} |" for each in OBJECTIVES]
    head = ["| objective | promise | budget | as time | why so |", "| --- | --- | --- | --- | --- |"]
    says = f"Over {PERIOD_DAYS} days. Alarmed at when the budget is used too fast, by pairs of windows ({burns})."
    return ["## Objectives", "", says, "", *head, *rows, ""]


def _minutes(budget: float) -> str:
    """The budget as time of a month in which everything is bad."""
    minutes = PERIOD_DAYS * 24 * 60 * budget
    return f"{minutes / 60:.0f} h" if minutes >= 600 else f"{minutes:.0f} min"


def _alerts() -> list[str]:
    rows = []
    for path in sorted(RULES.glob("*.yaml")):
        for group in YAML(typ="safe").load(path.read_text(encoding="utf-8"))["groups"]:
            rows += [_alert(path.stem, rule) for rule in group["rules"] if "alert" in rule]
    head = ["| alert | severity | lasts | says | file |", "| --- | --- | --- | --- | --- |"]
    says = "A page wakes somebody; a ticket waits for the morning. Each leads to its page."
    return ["## Alerts", "", says, "", *head, *rows, ""]


def _alert(file: str, rule: dict[str, Any]) -> str:
    name, summary = rule["alert"], re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"‹\1›", rule["annotations"]["summary"])
    return f"| [{name}](runbooks/{name}.md) | {rule['labels']['severity']} | {rule.get('for', 'at once')} | {summary} | `{file}.yaml` |"


def _dashboards() -> list[str]:
    sections = ["## Dashboards", ""]
    for board in BOARDS:
        sections += [f"### {board.title}", "", board.says, "", "| row | panel | answers |", "| --- | --- | --- |"]
        sections += [f"| {row.title} | {panel.title} | {panel.question} |" for row in board.rows for panel in row.panels]
        sections.append("")
    return sections


def _metrics() -> Sequence[str]:
    rows = [
        f"| `{each.metric.name}` | {each.metric.kind} | {each.metric.unit} | {', '.join(f'`{label}`' for label in each.metric.labels)}"
        f" | {each.metric.meaning.rstrip('.')} | `{each.where}` |"
        for each in metrics()
    ]
    says = "Labels are topics, devices, methods, reasons and the like, never people. A histogram is `_bucket`, `_sum` and `_count`."
    return [
        "## Metrics",
        "",
        says,
        "",
        "| metric | kind | unit | labels | meaning | declared in |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
