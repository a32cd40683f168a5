"""The rules of the chart: Prometheus reads them, they ask for what is shown, and each alert was seen quiet and firing."""

import importlib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from chassis.commands import Process
from telemetry.__main__ import written
from telemetry.catalogue import PACKAGES, series
from telemetry.objectives import BURNS, OBJECTIVES, Objective
from telemetry.queries import check

from .conftest import ROOT, RULES, Rule, alerts, read, rules

TESTS = sorted((Path(__file__).parents[1] / "rules_tests").glob("*.yaml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
ASKED = re.compile(r'ALERTS\{alertname="(\w+)",alertstate="firing"\}')
SEVERITIES = {"page", "ticket"}


def known() -> Mapping[str, frozenset[str]]:
    """What rules may ask for: what processes show, and what other rules record."""
    recorded = {rule["record"]: frozenset(rule.get("labels", ())) for rule in rules() if "record" in rule}
    return {**series(), **recorded}


def test_prometheus_reads_every_file(promtool: Path) -> None:
    told = subprocess.run([promtool, "check", "rules", *sorted(RULES.glob("*.yaml"))], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert len(re.findall(r"SUCCESS: \d+ rules found", told.stdout)) == len(list(RULES.glob("*.yaml")))


@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_are_quiet_otherwise(promtool: Path, file: Path) -> None:
    told = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.get('alert', rule.get('record'))} {rule.get('labels', {})}")
def test_a_rule_asks_for_what_there_is(rule: Rule) -> None:
    check(rule["expr"], known())


def test_every_alert_was_seen_firing_and_quiet() -> None:
    fires, quiet = set[str](), set[str]()
    for file in TESTS:
        for test in read(file)["tests"]:
            for asked in test["promql_expr_test"]:
                name = ASKED.search(asked["expr"])
                assert name, asked
                (fires if asked["exp_samples"] else quiet).add(name[1])
    assert fires == quiet == {rule["alert"] for rule in alerts()}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: f"{rule['alert']} {rule['labels']['severity']}")
def test_an_alert_says_what_is_wrong_how_much_and_what_to_do(rule: Rule) -> None:
    told = rule["annotations"]
    assert rule["labels"]["severity"] in SEVERITIES
    assert set(told) == {"summary", "description", "runbook_url"}
    assert "$value" in told["description"]
    assert told["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == {rule["alert"] for rule in alerts()}


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("Tartip*.md")), ids=lambda page: page.stem)
def test_a_page_says_what_it_means_what_is_felt_how_to_look_what_to_do_and_when_it_is_over(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}\n")
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert heads == ["What it means", "What people feel", "How to look", "What to do", "When it is over"]
    assert "```promql\n" in text, "how to look begins with what Prometheus is asked"


def test_every_question_of_a_page_asks_for_what_there_is() -> None:
    blocks = [block for page in PAGES for block in re.findall(r"^ *```promql\n(.*?)^ *```$", page.read_text(), re.MULTILINE | re.DOTALL)]
    assert blocks
    for line in (line.strip() for block in blocks for line in block.strip().splitlines()):
        check(line, {**known(), "ALERTS": frozenset({"alertname", "alertstate", "severity"})})


def test_a_process_of_which_there_is_none_is_missed_whichever_it_is() -> None:
    services = [package for package in PACKAGES if package != "chassis"]
    # One service keeps its commands apart, since it has one that is to load nothing.
    modules = {service: f"{service}.commands" if service == "timetracking" else f"{service}.__main__" for service in services}
    commands = {service: importlib.import_module(module).COMMANDS for service, module in modules.items()}
    processes = {(service, each.name) for service, all_ in commands.items() for each in all_ if isinstance(each, Process)}
    (missing,) = [rule["expr"] for rule in alerts() if rule["alert"] == "TartipProcessMissing"]
    assert set(re.findall(r'component="(\w+)",process="(\w+)"', missing)) == processes


def test_the_rules_of_the_objectives_are_what_make_dashboards_would_write() -> None:
    path = RULES / "objectives.yaml"
    assert path.read_text(encoding="utf-8") == written()[path]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
def test_no_alarm_asks_for_more_bad_events_than_there_can_be(objective: Objective) -> None:
    """Fourteen times a large budget is more than all: such an alert never fires."""
    assert max(burn.times for burn in BURNS) * objective.budget < 1


def test_helm_finds_nothing_of_its_own_in_the_files() -> None:
    """The chart takes them as they are; what stands in braces is for Prometheus and Grafana."""
    for path in written().keys() | set(RULES.glob("*.yaml")):
        assert not re.search(r"\{\{-|\.Values|\.Release|\binclude\b", path.read_text(encoding="utf-8")), path
