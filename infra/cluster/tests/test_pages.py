"""Commands of the pages, as they stand there, against the charts: what Helm does of them is rendered, since that needs no cluster."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from chassis.testing.artifacts import ROOT
from region.helm import EXAMPLE, helm, rendered, with_dependencies

PAGES = sorted((ROOT / "docs").rglob("*.md"))
RESTORE = ROOT / "docs" / "restore.md"
EXAMPLES = ROOT / "infra" / "cluster" / "examples"
# Of an installation, and of no rendering.
_INSTALLS = {"--install", "--wait", "--atomic", "--rollback-on-failure"}


def of_page(page: Path) -> Iterator[str]:
    """The lines of its commands: those that a test runs, and those that need a cluster."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^ *```(?:sh|text)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        yield from (line.strip() for line in block.replace("\\\n", " ").splitlines())


def helms() -> list[str]:
    return sorted({line for page in PAGES for line in of_page(page) if line.startswith(("helm upgrade", "helm template"))})


def once() -> list[str]:
    """What a restoration lets Helm make a Job of, by its page's own words."""
    [told] = [line for line in of_page(RESTORE) if line.startswith("once() {")]
    of_helm = told.removeprefix("once() { ").partition(" | ")[0]
    lines = [line.split() for line in of_page(RESTORE) if line.startswith("once ")]
    return sorted({of_helm.replace("$1", service).replace("$2", words) for _, service, words in lines})


@pytest.mark.parametrize("line", [*helms(), *once()])
def test_a_command_of_a_page_is_one_that_helm_takes(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_dependencies()
    (tmp_path / "region-75.yaml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "charts").symlink_to(ROOT / "charts")
    words = [word for word in shlex.split(line.partition(" | ")[0])[2:] if word not in _INSTALLS]
    if "--timeout" in words:
        del words[words.index("--timeout") : words.index("--timeout") + 2]
    said = helm("template", *words)
    if asked := re.search(r"(\w+)\.once\.command=\{([^}]+)\}", line):
        [job] = [each for each in yaml.safe_load_all(said) if each]
        assert (job["kind"], job["metadata"]["generateName"]) == ("Job", f"tartip-{asked[1]}-once-"), "what is piped on is that Job alone"
        [container] = job["spec"]["template"]["spec"]["containers"]
        assert container["args"] == asked[2].split(",")
        assert "TARTIP_MIGRATOR_DATABASE_URL" in {each["name"] for each in container["env"]}
    else:
        assert "kind: Deployment" in said


def test_a_restoration_ends_every_process_and_starts_each_again() -> None:
    deployments = {each["metadata"]["name"]: each["metadata"]["labels"] for each in rendered(EXAMPLE).of_kind("Deployment")}
    lines = [line for line in of_page(RESTORE) if " scale deployment " in line]
    ended = [name for line in lines if "--replicas 0" in line for name in deployments if _meant(line, name, deployments[name])]
    assert sorted(ended) == sorted(deployments)
    started = [line.partition(" replicas.txt")[0] for line in of_page(RESTORE) if line.startswith("grep ")]
    assert started == ["grep --invert-match gateway", "grep gateway"], "those with the word in their names are the last"
    assert {name for name in deployments if "gateway" in name} == {
        name for name, labels in deployments.items() if labels["app.kubernetes.io/component"] == "gateway"
    }


def _meant(line: str, name: str, labels: dict[str, str]) -> bool:
    words = shlex.split(line)
    if "--selector" not in words:
        return name in words
    selector = words[words.index("--selector") + 1]
    among = {key: values.split(",") for key, values in re.findall(r"([\w./-]+) in \(([^)]*)\)", selector)}
    equal = {key: [value] for key, value in re.findall(r"([\w./-]+)=([\w-]+)", selector)}
    return all(labels[key] in values for key, values in {**among, **equal}.items())


def test_every_deployment_that_a_page_names_is_there() -> None:
    there = {each["metadata"]["name"] for each in rendered(EXAMPLE).of_kind("Deployment")}
    named = {name for page in PAGES for line in of_page(page) for name in re.findall(r"\bdeploy(?:ment)?[/ ](tartip-[a-z-]+)", line)}
    assert named
    assert named - there == set()


def test_a_restored_server_is_the_lost_one_but_for_where_it_comes_from_and_archives_to() -> None:
    lost, restored = (_cluster(name) for name in ("postgres.yaml", "postgres-restored.yaml"))
    [of_lost], [of_restored] = lost["spec"].pop("plugins"), restored["spec"].pop("plugins")
    [external] = restored["spec"].pop("externalClusters")
    assert restored["spec"].pop("bootstrap") == {"recovery": {"source": external["name"]}}
    assert restored == lost
    assert external["plugin"] == {"name": of_lost["name"], "parameters": of_lost["parameters"]}
    assert of_restored["parameters"]["serverName"] != of_lost["parameters"]["serverName"], (
        "the operator archives into an empty folder alone"
    )
    assert (of_restored["isWALArchiver"], of_restored["parameters"]["barmanObjectName"]) == (
        True,
        of_lost["parameters"]["barmanObjectName"],
    )


def _cluster(name: str) -> Any:
    [cluster] = [each for each in yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")) if each["kind"] == "Cluster"]
    return cluster
