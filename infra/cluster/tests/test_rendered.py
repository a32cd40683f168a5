"""What the charts come to: as it is committed, as Kubernetes takes it, with nothing that a region must not have."""

import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from chassis.testing.artifacts import ROOT, NotToBeHad
from localstack.parts import SERVICES
from region.examples import EVERYTHING, FILES
from region.helm import EXAMPLE, HelmFailed, Manifest, Rendered, installed, rendered
from region.schemas import faults

COMING = ("evaluation", "monitoring")
HARDENED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


@pytest.fixture(scope="module", autouse=True)
def helm() -> None:
    try:
        installed()
    except NotToBeHad as lacking:
        pytest.skip(str(lacking))


@pytest.fixture(scope="module")
def everything() -> Rendered:
    """The region with every part that can be switched on, the services to come too."""
    return rendered(EXAMPLE, EVERYTHING, sets=[f"{service}.enabled=true" for service in COMING])


def pods(of: Rendered) -> Iterator[tuple[str, Any]]:
    for manifest in (*of.of_kind("Deployment"), *of.of_kind("Job")):
        yield manifest["metadata"].get("name", "once"), manifest["spec"]["template"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_generated_is_committed(path: Path) -> None:
    as_committed = path.read_text(encoding="utf-8") == FILES[path]()  # no comparison of thousands of lines is shown
    assert as_committed, f"{path.name} is not what `make render` would write"


def test_the_chart_is_of_the_version_that_the_project_is() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    for chart in ("tartip", "service"):
        told = yaml.safe_load((ROOT / "charts" / chart / "Chart.yaml").read_text(encoding="utf-8"))
        assert (told["version"], told["appVersion"]) == (version, version)
    assert yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["global"]["image"]["tag"] == version


def test_a_region_is_a_file_of_under_forty_lines() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 40


def test_three_versions_of_kubernetes_take_everything(everything: Rendered) -> None:
    assert len(everything.manifests) > 80
    assert faults(everything.manifests) == []


@pytest.mark.parametrize(
    ("kind", "path", "misspelled", "value"),
    [
        ("Deployment", ("spec", "template", "spec", "containers", 0), "redinessProbe", {"grpc": {"port": 50051}}),
        ("NetworkPolicy", ("spec",), "policyType", ["Egress"]),
        ("KafkaTopic", ("spec",), "partition", 24),
        ("ScaledObject", ("spec", "triggers", 0, "metadata"), "lagTreshold", "200"),
    ],
)
def test_a_misspelled_field_is_found(everything: Rendered, kind: str, path: tuple[Any, ...], misspelled: str, value: object) -> None:
    planted = _copied(everything.of_kind(kind)[0])
    place: Any = planted
    for step in path:
        place = place[step]
    place[misspelled] = value
    assert any(misspelled in fault for fault in faults([planted]))


def test_a_resource_that_nobody_knows_is_found(everything: Rendered) -> None:
    planted = {**everything.of_kind("Service")[0], "kind": "Servise"}
    assert any("Servise" in fault for fault in faults([planted]))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("global.kafka.bootsrap=kafka:9093", "'bootsrap' not allowed"),
        ("global.region=75 oblast", "/global/region"),
        ("global.region=null", "global.region is not set"),
        ("global.network.devices.cidrs=null", "nobody would reach timetracking gateway"),
        ("global.network.devices.cidrs={10.79.128.0/99}", "/global/network/devices/cidrs/0"),
        ("globl.region=75", "'globl' not allowed"),
        ("timetracking.workloads.gateway.replcas=3", "'replcas' not allowed"),
        ("timetracking.workloads.consume.replicas=0", "/workloads/consume/replicas"),
        ("registry.secretEnv.PASSWORD.key=x", "at '/secretEnv': additional properties 'PASSWORD' not allowed"),
        ("global.kafka.ca.secret=", "a password goes to Kafka over TLS alone"),
        ("registry.env.TARTIP_DATABASE_URL=postgresql://a:b@c/d", "env.TARTIP_DATABASE_URL of registry serve would stand in clear"),
        ("timetracking.env.OTEL_EXPORTER_OTLP_HEADERS=abc", "would stand in clear"),
        ("global.kafka.partitions=1", "workloads.consume.replicas is 2 and a topic has 1 partitions"),
        ("global.image.registry=", "global.image.registry is not set: the registry and path"),
        ("global.kafka.bootstrap=", "global.kafka.bootstrap is not set"),
        ("global.issuer.url=", "global.issuer.url is not set"),
        ("registry.env.TARTIP_DRAIN_SECOND=7", "at '/env': additional properties 'TARTIP_DRAIN_SECOND' not allowed"),
        (
            "timetracking.workloads.gateway.env.TARTIP_GATEWAY_REST=7",
            "at '/workloads/gateway/env': additional properties 'TARTIP_GATEWAY_REST' not allowed",
        ),
        ("global.network.database.namespaces=null", "global.network.database names neither namespaces nor cidrs"),
        ("global.kafka.partitions=48", "timetracking.passages.v1 has 24 partitions"),
        ("global.tls.suffix=,global.tls.clients.secret=integrators-ca", "global.tls.clients.secret is set and global.tls.suffix is not"),
    ],
)
def test_values_that_are_wrong_are_refused_by_name(wrong: str, says: str) -> None:
    with pytest.raises(HelmFailed, match=says.replace("(", r"\(")):
        rendered(EXAMPLE, sets=[wrong])


def test_two_that_scale_the_same_are_refused() -> None:
    both = "timetracking.workloads.consume"
    with pytest.raises(HelmFailed, match="autoscaling and lag are both enabled"):
        rendered(EXAMPLE, sets=[f"{both}.autoscaling.enabled=true", f"{both}.lag.enabled=true"])


def test_every_process_of_every_service_is_a_workload(everything: Rendered) -> None:
    found = {name.removeprefix("tartip-") for name, _ in pods(everything) if not name.endswith(("migrate", "once"))}
    there = {f"{service}-{part.command}" for service, parts in SERVICES.items() for part in parts}
    to_come = {f"{service}-{command}" for service in COMING for command in ("serve", "consume", "work")}
    assert found == there | to_come


def test_services_to_come_are_an_entry_each_and_switched_off() -> None:
    assert not {
        each["metadata"]["name"] for each in rendered(EXAMPLE).manifests if any(name in each["metadata"]["name"] for name in COMING)
    }


def test_every_pod_is_as_restricted_as_a_pod_can_be(everything: Rendered) -> None:
    for name, pod in pods(everything):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            assert container["securityContext"] == HARDENED, name
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}, name


def test_no_secret_stands_in_a_manifest(everything: Rendered) -> None:
    assert everything.of_kind("Secret") == []
    for name, pod in pods(everything):
        for container in pod["spec"]["containers"]:
            plain = [each["name"] for each in container["env"] if "value" in each]
            assert [each for each in plain if each.endswith(("_URL", "_PASSWORD", "PAGE_KEY", "SENSITIVE_KEYS"))] == [], name


def test_every_pod_has_a_policy_of_its_own_beside_the_one_that_denies(everything: Rendered) -> None:
    policies = [each["spec"] for each in everything.of_kind("NetworkPolicy")]
    [deny] = [each for each in policies if "ingress" not in each]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in deny
    for name, pod in pods(everything):
        labels = pod["metadata"]["labels"]
        assert deny["podSelector"]["matchLabels"].items() <= labels.items(), name
        own = [each for each in policies if each is not deny and each["podSelector"]["matchLabels"].items() <= labels.items()]
        assert len(own) == 1, name
        assert all(rule.get("to") and rule["ports"] for rule in own[0]["egress"]), name


def test_a_command_that_is_done_once_may_reach_what_it_needs_whenever_it_comes() -> None:
    """The policy is there before the Job, which is applied by itself."""
    [job] = [each for each in rendered(EXAMPLE, EVERYTHING).of_kind("Job") if "name" not in each["metadata"]]
    labels = job["spec"]["template"]["metadata"]["labels"]
    policies = [each["spec"] for each in rendered(EXAMPLE).of_kind("NetworkPolicy") if each["spec"].get("egress")]
    [own] = [each for each in policies if each["podSelector"]["matchLabels"].items() <= labels.items()]
    assert {port["port"] for rule in own["egress"] for port in rule["ports"]} == {53, 5432, 9093, 443}


def test_the_alert_on_memory_comes_before_the_end() -> None:
    text = (ROOT / "charts" / "tartip" / "files" / "rules" / "processes.yaml").read_text(encoding="utf-8")
    [alert] = re.findall(r"> ([0-9]+)e6\n", text)
    limits = [pod["spec"]["containers"][0]["resources"]["limits"]["memory"] for _, pod in pods(rendered(EXAMPLE))]
    least = min(int(each.removesuffix("Mi")) * 2**20 for each in limits if each.endswith("Mi"))
    assert int(alert) * 10**6 < 0.95 * least


def test_a_pod_ends_after_its_process_has_had_its_time(everything: Rendered) -> None:
    from chassis.process import SHUTDOWN_S

    assert all(pod["spec"]["terminationGracePeriodSeconds"] > SHUTDOWN_S for _, pod in pods(everything))


def test_migrations_run_before_everything_else_as_the_migrator() -> None:
    for manifest in rendered(EXAMPLE).of_kind("Job"):
        assert manifest["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        [container] = manifest["spec"]["template"]["spec"]["containers"]
        keys = [each["valueFrom"]["secretKeyRef"]["key"] for each in container["env"] if "valueFrom" in each]
        assert keys == ["database-migrator"]


def test_topics_are_those_of_the_one_file_in_a_regions_measure(everything: Rendered) -> None:
    from chassis.testing.kafka import TOPICS
    from chassis.topics import read

    topics = {each["metadata"]["name"]: each["spec"] for each in everything.of_kind("KafkaTopic")}
    assert topics == {
        each.name: {"partitions": each.partitions, "replicas": each.replication["region"], "config": each.settings("region")}
        for each in read(TOPICS)
    }


def test_a_consumer_is_never_scaled_beyond_its_partitions(everything: Rendered) -> None:
    values = ["global.kafka.partitions=4", "global.kafka.topics.enabled=false", "timetracking.workloads.consume.lag.max=12"]
    [scaled] = rendered(EXAMPLE, EVERYTHING, sets=values).of_kind("ScaledObject")
    assert scaled["spec"]["maxReplicaCount"] == 4


def test_a_service_that_comes_later_is_one_entry() -> None:
    """What the umbrella says of each service is all that differs between them."""
    templates = ROOT / "charts" / "service" / "templates"
    words = {path.name: set(re.findall(r"[a-z]+", path.read_text(encoding="utf-8"))) for path in templates.iterdir()}
    assert {name: found for name, each in words.items() if (found := each & {"regimes", "timetracking", "evaluation"})} == {}


def _copied(manifest: Manifest) -> dict[str, Any]:
    return deepcopy(dict(manifest))
