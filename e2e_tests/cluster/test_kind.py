"""A region in a cluster that kind makes: installed from the page's own commands, upgraded, rolled back, with hooks and probes as they are.

Needs Docker with a running engine, kind, kubectl, the platform's images (`make images`) and those of `beneath.yaml`, which are pulled.
Nobody has run it yet: where something is missing it says what.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from chassis.testing.artifacts import ROOT
from chassis.testing.ports import free_ports
from localstack.endpoints import REALM
from localstack.parts import SERVICES
from region.__main__ import SUPERUSER
from region.helm import FETCHED, installed, rendered, with_dependencies
from region.schemas import faults

HERE = Path(__file__).parent
VALUES, BENEATH, PAGE = HERE / "values-kind.yaml", HERE / "beneath.yaml", ROOT / "docs" / "install.md"
ROTATION = ROOT / "docs" / "rotate-keys.md"
IMAGES = [f"localhost/tartip/tartip-{service}:test" for service in SERVICES]
CLUSTER = "tartip-test"
ASKED_WITHIN_S = 900
ISSUER, NOWHERE = "TARTIP_ISSUER", "http://nowhere.beneath.svc:8080/realms/tartip"
ROLLED_BACK = "has been rolled back due to rollback-on-failure being set"


def missing() -> str:
    """What this machine lacks to run the test, or nothing."""
    for tool in ("docker", "kind", "kubectl"):
        if shutil.which(tool) is None:
            return f"there is no {tool} on the PATH"
    engine = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if engine.returncode != 0:
        return f"Docker has no engine here: {engine.stderr.strip().splitlines()[-1] if engine.stderr.strip() else 'it does not answer'}"
    for image in IMAGES:
        if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode != 0:
            return f"the engine has no image {image}: build it with `make images` and tag it so"
    return ""


def run(*command: str, given: str | None = None) -> str:
    """What a command says; its error is the test's."""
    told = {**os.environ, "PATH": f"{FETCHED}:{os.environ['PATH']}"}
    done = subprocess.run(command, input=given, cwd=ROOT, env=told, capture_output=True, text=True, check=False, timeout=ASKED_WITHIN_S)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster with what the platform stands on, gone at the end."""
    if lacking := missing():
        pytest.skip(f"no cluster can be had here: {lacking}")
    installed()
    run("kind", "create", "cluster", "--name", CLUSTER, "--wait", "5m")
    try:
        run("kind", "load", "docker-image", "--name", CLUSTER, *IMAGES)
        run("kubectl", "create", "namespace", "beneath")
        made = {name: secrets.token_hex(16) for name in ("postgres", "admin", "demo", "integration", "gateway")}
        words = [f"--from-literal={name}={value}" for name, value in made.items()]
        run("kubectl", "--namespace", "beneath", "create", "secret", "generic", "beneath", *words)
        run("kubectl", "--namespace", "beneath", "create", "configmap", "realm", f"--from-file={REALM}")
        run("kubectl", "apply", "--filename", str(BENEATH))
        for name in ("postgres", "kafka", "keycloak"):
            run("kubectl", "--namespace", "beneath", "rollout", "status", f"deployment/{name}", "--timeout", "10m")
        for topic in yaml.safe_load((ROOT / "charts" / "tartip" / "files" / "topics.yaml").read_text(encoding="utf-8")):
            config = [
                word for name, value in topic["config"].items() if name != "min.insync.replicas" for word in ("--config", f"{name}={value}")
            ]
            make = ("/opt/kafka/bin/kafka-topics.sh", "--bootstrap-server", "localhost:9092", "--create", "--if-not-exists")
            what = ("--topic", topic["name"], "--partitions", str(topic["partitions"]), *config)
            run("kubectl", "--namespace", "beneath", "exec", "deployment/kafka", "--", *make, *what)
        with forwarded("beneath", "deployment/postgres", 5432) as at:
            os.environ[SUPERUSER] = f"postgresql://postgres:{made['postgres']}@{at}/postgres"
            for line in commands():
                run("bash", "-o", "pipefail", "-c", line)
        yield
    finally:
        run("kind", "delete", "cluster", "--name", CLUSTER)


def _wanted(line: str) -> bool:
    """Whether a line of the page needs a cluster, and one of this kind: neither Strimzi nor CloudNativePG made anything in it."""
    if any(word in line for word in ("--namespace kafka", "--namespace postgres", "once")):
        return False
    return "kubectl" in line or line.startswith("helm ")


def commands() -> list[str]:
    """The page's own commands that need a cluster, for this one: its values, and the way to its database in clear."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if _wanted(line)]
    at = "--at postgres-rw.postgres.svc:5432"
    return [line.replace("region-75.yaml", str(VALUES)).replace(at, "--at postgres.beneath.svc:5432 --query ''") for line in lines]


@contextmanager
def forwarded(namespace: str, what: str, port: int) -> Iterator[str]:
    """The address on this machine of a port in the cluster."""
    here = next(free_ports())
    command = ["kubectl", "--namespace", namespace, "port-forward", what, f"{here}:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert "Forwarding" in process.stdout.readline()
            yield f"127.0.0.1:{here}"
        finally:
            process.terminate()


def revision() -> int:
    """The number of the release's newest revision."""
    [release] = json.loads(run("helm", "list", "--namespace", "tartip", "--output", "json"))
    assert release["status"] == "deployed"
    return int(release["revision"])


def not_ready(said: str) -> set[str]:
    """The deployments for which Helm waited in vain, as it says at its end."""
    return set(re.findall(r"resource Deployment/tartip/(\S+) not ready", said))


def told_the_issuer() -> set[str]:
    """The deployments that are told where people sign in: with a wrong address they cannot become ready, and all others do not change."""
    with_dependencies()
    deployments = rendered(VALUES).of_kind("Deployment")
    return {each["metadata"]["name"] for each in deployments if any(told["name"] == ISSUER for told in _told(each))}


def _told(deployment: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    told: Sequence[Mapping[str, Any]] = container["env"]
    return told


def test_every_pod_is_ready(cluster: None) -> None:
    pods = json.loads(run("kubectl", "--namespace", "tartip", "get", "pods", "--output", "json"))["items"]
    running = [pod for pod in pods if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]]
    assert len(running) == sum(map(len, SERVICES.values()))
    assert all(each["ready"] for pod in running for each in pod["status"]["containerStatuses"])


def test_an_upgrade_and_a_rollback_leave_every_pod_ready(cluster: None) -> None:
    first = revision()
    upgrade = ("helm", "upgrade", "tartip", "charts/tartip", "--namespace", "tartip", "--values", str(VALUES), "--wait", "--timeout", "15m")
    run(*upgrade, "--set", "registry.podAnnotations.again=yes")
    assert revision() == first + 1
    run("helm", "rollback", "tartip", str(first), "--namespace", "tartip", "--wait", "--timeout", "15m")
    assert revision() == first + 2


def test_the_pods_of_a_rotation_are_replaced(cluster: None) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", ROTATION.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for line in (line for block in blocks for line in block.splitlines()):
        run("bash", "-c", line)


def test_a_version_that_cannot_start_does_not_replace_the_one_that_works(cluster: None) -> None:
    before = revision()
    wrong = ("--set", f"global.issuer.url={NOWHERE}", "--wait", "--timeout", "3m", "--rollback-on-failure")
    upgrade = ["helm", "upgrade", "tartip", "charts/tartip", "--namespace", "tartip", "--values", str(VALUES), *wrong]
    told = {**os.environ, "PATH": f"{FETCHED}:{os.environ['PATH']}"}
    done = subprocess.run(upgrade, cwd=ROOT, env=told, capture_output=True, text=True, check=False, timeout=ASKED_WITHIN_S)
    assert done.returncode != 0
    assert ROLLED_BACK in done.stderr
    assert not_ready(done.stderr) == told_the_issuer()
    *_, failed, back = json.loads(run("helm", "history", "tartip", "--namespace", "tartip", "--output", "json"))
    assert (failed["revision"], failed["status"]) == (before + 1, "failed")
    assert (back["revision"], back["status"], back["description"]) == (before + 2, "deployed", f"Rollback to {before}")
    test_every_pod_is_ready(cluster)


def test_a_rollback_is_told_from_a_refusal_by_what_was_not_ready() -> None:
    """The part of it that needs no cluster: Helm's own words, and who cannot start without the sign-in."""
    lagging = "resource Deployment/tartip/tartip-registry-serve not ready. status: InProgress, message: Updated: 1/2\n"
    assert not_ready(f"Error: UPGRADE FAILED: release tartip failed, and {ROLLED_BACK}: {lagging}context deadline exceeded") == {
        "tartip-registry-serve"
    }
    assert not_ready("Error: UPGRADE FAILED: values don't meet the specifications of the schema(s)") == set()
    assert told_the_issuer() == {
        "tartip-registry-serve",
        "tartip-regimes-serve",
        "tartip-timetracking-serve",
        "tartip-timetracking-gateway",
    }


def test_what_the_test_would_apply_is_what_kubernetes_takes() -> None:
    """The part that needs no cluster."""
    with_dependencies()
    beneath = list(yaml.safe_load_all(BENEATH.read_text(encoding="utf-8")))
    assert faults([*beneath, *rendered(VALUES).manifests]) == []
    python = ".venv/bin/python"
    assert [line.split()[0] for line in commands()] == ["helm", "helm", "kubectl", "kubectl", python, python, "helm", "kubectl"]
