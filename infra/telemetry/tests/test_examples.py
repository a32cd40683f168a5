"""The alerts of the example resources: Prometheus reads them, and each was seen quiet and firing. What they ask for is not ours."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from .conftest import ROOT, Rule, read
from .test_rules import ASKED

EXAMPLE = ROOT / "infra" / "cluster" / "examples" / "postgres-alerts.yaml"
TEST = ROOT / "infra" / "telemetry" / "rules_tests" / "examples" / "postgres-alerts.yaml"


def groups() -> Any:
    """What Prometheus is given of the example."""
    resources = YAML(typ="safe").load_all(EXAMPLE.read_text(encoding="utf-8"))
    [rule] = [each for each in resources if each["kind"] == "PrometheusRule"]
    return rule["spec"]


def alerts() -> list[Rule]:
    return [rule for group in groups()["groups"] for rule in group["rules"]]


def test_somebody_is_told_when_the_archive_of_the_example_stops(promtool: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(json.dumps(groups()), encoding="utf-8")
    (tmp_path / "test.yaml").write_text(TEST.read_text(encoding="utf-8"), encoding="utf-8")
    told = subprocess.run([promtool, "test", "rules", tmp_path / "test.yaml"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_each_of_them_was_seen_firing_and_quiet() -> None:
    fires, quiet = set[str](), set[str]()
    for asked in (each for test in read(TEST)["tests"] for each in test["promql_expr_test"]):
        if name := ASKED.search(asked["expr"]):
            (fires if asked["exp_samples"] else quiet).add(name[1])
    assert fires == quiet == {rule["alert"] for rule in alerts()}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_each_of_them_has_a_section_that_says_what_to_do(rule: Rule) -> None:
    page, _, section = rule["annotations"]["runbook_url"].partition("#")
    text = (ROOT / page).read_text(encoding="utf-8")
    heads = [line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")]
    assert section in heads
    assert f"`{rule['alert']}`" in text
