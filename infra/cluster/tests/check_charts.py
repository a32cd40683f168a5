"""`make charts`: what Helm, helm-unittest, helm-docs and kube-score say of the charts. They are built with Go first, which takes minutes."""

import subprocess
from pathlib import Path

import pytest
from chassis.testing.artifacts import ROOT
from region.helm import CHARTS, EXAMPLE, FETCHED, REGION, VERSIONS, helm, with_dependencies

EVERYTHING = REGION / "rendered" / "everything.yaml"
SERVICE = CHARTS / "service"

# What kube-score would have otherwise, and why it is not so.
EXCEPTIONS = {
    "container-image-pull-policy": "a version's image never changes; to ask the registry at each start would make it needed for a restart",
    "container-resources": "without a limit of CPU nothing is throttled in the morning's quarter of an hour; memory has a limit",
    "deployment-has-host-podantiaffinity": "topologySpreadConstraints say the same for machines and for zones",
    "networkpolicy-targets-pod": "the policy of a command that is done once is there before its Job, which is applied by itself",
    "deployment-replicas": "where KEDA scales by lag, it sets the count, and its least is two",
}


def said(tool: str, *arguments: str | Path) -> str:
    done = subprocess.run([FETCHED / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def scored(*ignored: str) -> subprocess.CompletedProcess[str]:
    words = [word for test in ignored for word in ("--ignore-test", test)]
    command = ["score", "--exit-one-on-warning", "--output-format", "ci", "--kubernetes-version", f"v{VERSIONS[-1]}", *words]
    return subprocess.run([FETCHED / "kube-score", *command, EVERYTHING], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("chart", [SERVICE, REGION], ids=lambda chart: chart.name)
def test_helm_finds_nothing_wrong(chart: Path) -> None:
    with_dependencies()
    values = EXAMPLE if chart == REGION else SERVICE / "tests" / "values" / "region.yaml"
    assert "0 chart(s) failed" in helm("lint", "--strict", str(chart), "--values", str(values))


@pytest.mark.parametrize("chart", [SERVICE, REGION], ids=lambda chart: chart.name)
def test_every_branch_of_a_chart_does_as_its_unit_tests_say(chart: Path) -> None:
    with_dependencies()
    assert " 0 passed" not in said("helm-unittest", chart).replace("Snapshot:    0 passed", "")


def test_a_unit_test_that_is_wrong_fails(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong_test.yaml"
    template = "suite: wrong\ntemplates: [account.yaml]\nvalues: [{values}]\ntests:\n  - it: fails\n    asserts:\n      - hasDocuments: {{count: 2}}\n"
    wrong.write_text(template.format(values=SERVICE / "tests" / "values" / "region.yaml"), encoding="utf-8")
    done = subprocess.run([FETCHED / "helm-unittest", "--file", wrong, SERVICE], capture_output=True, text=True, check=False)
    assert done.returncode != 0


@pytest.mark.parametrize("chart", [SERVICE, REGION], ids=lambda chart: chart.name)
def test_the_page_of_a_chart_is_what_its_values_say(chart: Path) -> None:
    committed = (chart / "README.md").read_text(encoding="utf-8")
    assert said("helm-docs", "--chart-search-root", chart, "--dry-run", "--log-level", "warning").strip() == committed.strip()


def test_kube_score_finds_nothing_but_what_is_reasoned() -> None:
    found = scored(*EXCEPTIONS)
    assert found.returncode == 0, "\n".join(line for line in found.stdout.splitlines() if not line.startswith(("[OK]", "[SKIPPED]")))


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_every_exception_is_needed(exception: str) -> None:
    assert scored(*(each for each in EXCEPTIONS if each != exception)).returncode != 0
