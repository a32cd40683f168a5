"""What a region's network policies let through, process by process: what it is told to call, who calls it, and nothing else."""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import yaml
from chassis.testing.artifacts import NotToBeHad
from region.helm import EXAMPLE, REGION, Rendered, installed, rendered

# By process: who comes in at which port, and whom it calls, by the names that `global.network` has for them.
MAY: Mapping[str, tuple[Mapping[str, int], frozenset[str]]] = {
    "serve": ({"clients": 50051, "monitoring": 9090}, frozenset({"database", "issuer", "collector"})),
    "gateway": ({"clients": 50051, "devices": 8080, "monitoring": 9090}, frozenset({"database", "kafka", "issuer", "collector"})),
    "consume": ({"monitoring": 9090}, frozenset({"database", "kafka", "collector"})),
    "work": ({"monitoring": 9090}, frozenset({"database", "kafka", "collector"})),
    "migrate": ({}, frozenset({"database"})),
    "once": ({}, frozenset({"database", "kafka", "issuer"})),
}
# Whom a process calls follows from what it is told.
TOLD = {
    "TARTIP_DATABASE_URL": "database",
    "TARTIP_MIGRATOR_DATABASE_URL": "database",
    "TARTIP_KAFKA": "kafka",
    "TARTIP_ISSUER": "issuer",
    "TARTIP_TRACES": "collector",
}
Way = tuple[str, int, str]
PORTS = [{"port": 5432, "protocol": "TCP"}]


@pytest.fixture(scope="module")
def region() -> Rendered:
    try:
        installed()
    except NotToBeHad as lacking:
        pytest.skip(str(lacking))
    return rendered(EXAMPLE)


@cache
def network() -> Mapping[str, Any]:
    """Where everybody stands, as the region's file and the chart's own values say."""
    told, own = (yaml.safe_load(path.read_text(encoding="utf-8"))["global"]["network"] for path in (EXAMPLE, REGION / "values.yaml"))
    return {name: {**place, **told.get(name, {})} for name, place in own.items() if name != "enabled"}


def peers(of: str) -> Iterator[str]:
    """Those who stand there, as a policy writes them."""
    place = network()[of]
    for namespace in place["namespaces"]:
        yield json.dumps({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}})
    for cidr in place["cidrs"]:
        yield json.dumps({"ipBlock": {"cidr": cidr}})


def let_in(process: str) -> set[Way]:
    """Who may come to a process."""
    return {(peer, port, "TCP") for who, port in MAY[process][0].items() for peer in peers(who)}


def let_out(process: str) -> set[Way]:
    """Where a process may go: to the places that it calls, and to where names are resolved."""
    ways = {(peer, port, "TCP") for whom in MAY[process][1] for peer in peers(whom) for port in network()[whom]["ports"]}
    return ways | {(peer, 53, protocol) for peer in peers("dns") for protocol in ("UDP", "TCP")}


def ways(rules: Sequence[Mapping[str, Any]] | None, side: str) -> set[Way]:
    """What the rules of a policy let through; a rule that names nobody or no port lets through everybody, or every port."""
    return {
        (json.dumps(peer), port["port"], port["protocol"])
        for rule in rules or ()
        for peer in rule.get(side) or ["everybody"]
        for port in rule.get("ports") or [{"port": 0, "protocol": "every"}]
    }


def wrong(policies: Sequence[Mapping[str, Any]]) -> list[str]:
    """What policies let through that no process needs, and what one needs that they do not. The one that denies has no rules."""
    found = []
    for policy in (each for each in policies if set(each["spec"]) & {"ingress", "egress"}):
        name, spec = policy["metadata"]["name"], policy["spec"]
        process = spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for side, let, needed in (
            ("from", ways(spec["ingress"], "from"), let_in(process)),
            ("to", ways(spec["egress"], "to"), let_out(process)),
        ):
            found += [f"{name} lets through {side} {way}" for way in sorted(let - needed)]
            found += [f"{name} lets nothing through {side} {way}" for way in sorted(needed - let)]
    return found


def test_every_policy_lets_through_what_its_process_needs_and_nothing_else(region: Rendered) -> None:
    assert wrong(region.of_kind("NetworkPolicy")) == []


def test_a_process_needs_whom_it_is_told_to_call(region: Rendered) -> None:
    pods = [each["spec"]["template"] for each in (*region.of_kind("Deployment"), *region.of_kind("Job"))]
    assert pods
    for pod in pods:
        told = {each["name"] for container in pod["spec"]["containers"] for each in container["env"]}
        called = {whom for variable, whom in TOLD.items() if variable in told}
        assert called == MAY[pod["metadata"]["labels"]["app.kubernetes.io/component"]][1], pod["metadata"]["labels"]


@pytest.mark.parametrize(
    ("process", "side", "rule"),
    [
        ("serve", "egress", {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kafka"}}}], "ports": PORTS}),
        ("consume", "egress", {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": PORTS}),
        ("migrate", "egress", {"ports": PORTS}),
        ("work", "egress", {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "postgres"}}}]}),
        ("gateway", "ingress", {"from": [{"namespaceSelector": {}}], "ports": PORTS}),
        ("once", "ingress", {}),
    ],
)
def test_a_way_too_many_is_found(region: Rendered, process: str, side: str, rule: Mapping[str, Any]) -> None:
    policies: list[Any] = deepcopy(region.of_kind("NetworkPolicy"))
    [policy] = [each for each in policies if each["metadata"]["name"] == f"tartip-timetracking-{process}"]
    policy["spec"][side] = [*(policy["spec"][side] or ()), rule]
    assert len(wrong(policies)) == 1
