"""Commands of the pages, as they stand there, against the charts: what Helm does of them is rendered, since that needs no cluster."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from chassis.commands import Command, reader
from chassis.testing.artifacts import ROOT
from regimes.__main__ import COMMANDS as OF_REGIMES
from region.helm import EXAMPLE, helm, rendered, with_dependencies
from registry.__main__ import COMMANDS as OF_REGISTRY
from timetracking.commands import COMMANDS as OF_TIMETRACKING

PAGES = sorted((ROOT / "docs").rglob("*.md"))
RESTORE = ROOT / "docs" / "restore.md"
EXAMPLES = ROOT / "infra" / "cluster" / "examples"
# Of an installation, and of no rendering.
_INSTALLS = {"--install", "--wait", "--atomic", "--rollback-on-failure"}
_COMMANDS: dict[str, Sequence[Command]] = {"registry": OF_REGISTRY, "regimes": OF_REGIMES, "timetracking": OF_TIMETRACKING}


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
    [who] = [line for line in of_page(RESTORE) if line.startswith("by=")]
    [by] = shlex.split(who.removeprefix("by="))
    lines = [shlex.split(line.replace("$by", by)) for line in of_page(RESTORE) if line.startswith("once ")]
    return sorted({of_helm.replace("$1", service).replace("$2", words) for _, service, words in lines})


def errands() -> list[tuple[str, str]]:
    """What a service is to do by a page's words, in its commands or between them: the service and its words."""
    found = set[tuple[str, str]]()
    for page in PAGES:
        if page.parent.name == "adr" or page.name == "architecture.md":  # which tell of commands, and nobody follows them
            continue
        inline = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
        for line in (*of_page(page), *inline):
            if told := re.search(r"python -m (registry|regimes|timetracking) (.+)", line):
                found.add((told[1], told[2]))
    return sorted(found)


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
        _taken(asked[1], container["args"])
        assert "TARTIP_MIGRATOR_DATABASE_URL" in {each["name"] for each in container["env"]}
    else:
        assert "kind: Deployment" in said


@pytest.mark.parametrize(("service", "words"), errands())
def test_a_command_of_a_page_is_one_that_its_service_takes(service: str, words: str) -> None:
    _taken(service, shlex.split(words))


def _taken(service: str, words: Sequence[str]) -> None:
    """Lets the service read the words; SystemExit, and the reason said, where it does not take them. Who changes something must say who it is."""
    if words[0] != "fold":
        given = vars(reader(service, None, _COMMANDS[service], {}).parse_args(words))
        changes = {
            "restored": not given.get("look"),
            "redrive": not given.get("dry_run"),
            "accounts": given.get("write_off"),
            "erase": True,
            "reencrypt": True,
        }
        assert given.get("by") or not changes.get(given["command"]), "it refuses to be done by nobody"


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


def test_a_restoration_goes_its_steps_in_their_order() -> None:
    """Each of them undoes something, or is undone by something, where it comes at another time."""
    section = RESTORE.read_text(encoding="utf-8").partition("\n## A database is lost\n")[2].partition("\n## ")[0]
    steps = (
        ("nothing starts what is ended", "annotate scaledobject --all autoscaling.keda.sh/paused=true"),
        ("how many they were is written down while they are", "> replicas.txt"),
        ("nothing writes into what comes back", "scale deployment --replicas 0 --selector"),
        ("gateways go on until then", "scale deployment tartip-timetracking-gateway --replicas 0"),
        ("none of them sees the devices of the backup", "wait --for=delete pod --selector app.kubernetes.io/part-of=tartip"),
        ("the newest commits have a name that is read", "*.partial; do mv"),
        ("the server reads its log", "pg_ctl -D <data>"),
        ("the lost one is gone with its Secrets", "wait --for=delete pod,pvc,secret"),
        ("before the restored one takes its name", "apply --filename infra/cluster/examples/postgres-restored.yaml"),
        ("nobody is let in", "REVOKE CONNECT ON DATABASE registry"),
        ("the schema is the program's", "once registry migrate"),
        ("what is missing is seen while it can be", "once timetracking restored,database,--look"),
        ("people's names are kept", "> missing.txt"),
        ("the registry first: others follow it", 'once registry "restored,database'),
        ("", 'once regimes "restored,database'),
        ("", 'once timetracking "restored,database'),
        ("all but the gateways", "grep --invert-match gateway replicas.txt"),
        ("consumers may be counted again", "autoscaling.keda.sh/paused-"),
        ("the list of devices is right", "`RevokeDevice`"),
        ("and then they are let in", "grep gateway replicas.txt"),
        ("who is known elsewhere alone is entered or erased", "python -m registry erase <servant> --lost"),
    )
    places = [section.find(words) for _, words in steps]
    assert [words for (_, words), place in zip(steps, places, strict=True) if place < 0] == []
    early = [(why, words) for (why, words), place, before in zip(steps[1:], places[1:], places, strict=False) if place < before]
    assert early == []


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
