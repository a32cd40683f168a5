"""The catalogue has every metric that the code declares."""

import re
from pathlib import Path

from prometheus_client import REGISTRY
from telemetry.catalogue import OF_EVERY_PROCESS, metrics, series

ROOT = Path(__file__).parents[3]
# Another way to the same: how a declaration is written.
DECLARED = re.compile(r'\b(?:counter|gauge|histogram)\(\s*"(tartip_\w+)"')


def test_every_metric_that_the_code_declares_is_in_the_catalogue_with_its_place() -> None:
    found = {
        name: path.relative_to(ROOT).as_posix()
        for path in (ROOT / "services").rglob("*.py")
        if not {"tests", "testing"} & set(path.parts)
        for name in DECLARED.findall(path.read_text(encoding="utf-8"))
    }
    assert {each.metric.name: each.where for each in metrics()} == found


def test_the_series_are_those_that_a_process_shows() -> None:
    shown = {metric.name for metric in REGISTRY.collect()} | {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    for each in metrics():
        assert each.metric.name.removesuffix("_total") in shown, each.metric.name
    assert set(OF_EVERY_PROCESS) - {"up"} <= shown
    assert series()["tartip_rpc_seconds_bucket"] == {"method", "le"}
    assert "tartip_rpc_seconds" not in series()
