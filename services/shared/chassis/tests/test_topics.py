"""The file in which topics are born."""

import importlib
from pathlib import Path

import pytest
from chassis.topics import Cleanup, Topic, WrongTopics, read

FILE = Path(__file__).parents[4] / "infra" / "kafka" / "topics.yaml"
DEFAULTS = "defaults: {partitions: 24, replication: {local: 1}, in-sync: {local: 1}, tombstones: 30 days, parking: 180 days}\n"
MESSAGE_MODULES = {
    "tartip.audit.v1": "tartip.audit.v1.events_pb2",
    "tartip.registry.v1": "tartip.registry.v1.events_pb2",
    "tartip.regimes.v1": "tartip.regimes.v1.events_pb2",
    "tartip.timetracking.v1": "tartip.timetracking.v1.events_pb2",
}
OWNERS = ("registry", "regimes", "timetracking")


def topics() -> dict[str, Topic]:
    return {topic.name: topic for topic in read(FILE)}


def test_every_topic_of_the_first_issue_is_born_here() -> None:
    assert {
        "registry.bodies.v1",
        "registry.servants.v1",
        "regimes.plans.v1",
        "regimes.orders.v1",
        "timetracking.passages.v1",
        "timetracking.late-passages.v1",
        "timetracking.workdays.v1",
        "timetracking.findings.v1",
        "registry.audit-checkpoints.v1",
        "regimes.audit-checkpoints.v1",
        "timetracking.audit-checkpoints.v1",
    } <= topics().keys()


@pytest.mark.parametrize("topic", read(FILE), ids=lambda topic: topic.name)
def test_a_topic_carries_a_message_of_the_contract_and_says_why_it_exists(topic: Topic) -> None:
    package, _, name = topic.message.rpartition(".")
    assert hasattr(importlib.import_module(MESSAGE_MODULES[package]), name)
    assert topic.partitions == (1 if topic.name.endswith(".audit-checkpoints.v1") else 24)
    assert topic.why.endswith(".")
    for environment in ("local", "test", "region", "nation"):
        assert topic.in_sync[environment] <= topic.replication[environment]


def test_states_are_kept_for_ever_and_streams_for_a_month() -> None:
    kept = {name for name, topic in topics().items() if topic.cleanup is Cleanup.COMPACT}
    assert kept == {"registry.bodies.v1", "registry.servants.v1", "regimes.plans.v1", "regimes.orders.v1"}
    assert topics()["timetracking.passages.v1"].settings("region") == {
        "cleanup.policy": "delete",
        "min.insync.replicas": "2",
        "retention.ms": "2592000000",
    }
    assert topics()["registry.audit-checkpoints.v1"].settings("local")["retention.ms"] == str(3650 * 24 * 3600 * 1000)
    assert topics()["regimes.plans.v1"].settings("local") == {
        "cleanup.policy": "compact",
        "min.insync.replicas": "1",
        "delete.retention.ms": "2592000000",
    }


def test_every_consumed_topic_has_its_parking_lot() -> None:
    parked = {name.removesuffix(".parked") for name in topics() if name.endswith(".parked")}
    nobody_consumes = {"timetracking.workdays.v1", "timetracking.findings.v1"} | {f"{owner}.audit-checkpoints.v1" for owner in OWNERS}
    assert parked == {name for name in topics() if not name.endswith(".parked")} - nobody_consumes


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("{name: a.b.v1, owner: c, key: k, message: m, cleanup: compact, parked: false, why: w}", "begin with its owner"),
        ("{name: a.b.v1, owner: a, key: k, message: m, cleanup: sometimes, parked: false, why: w}", "compact or delete"),
        ("{name: a.b.v1, owner: a, key: k, message: m, cleanup: delete, parked: false, why: w}", "retention"),
        ("{name: a.b.v1, owner: a, key: k, message: m, cleanup: compact, retention: 3 days, parked: false, why: w}", "retention"),
        ("{name: a.b.v1, owner: a, key: k, message: m, cleanup: delete, retention: 3 weeks, parked: false, why: w}", "days"),
        ("{name: a.b.v1, owner: a, key: k, message: m, cleanup: compact, parked: false}", "why"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(entry: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(f"{DEFAULTS}topics:\n  - {entry}\n")
    with pytest.raises(WrongTopics, match=complaint):
        read(file)


def test_a_topic_is_named_once(tmp_path: Path) -> None:
    entry = "  - {name: a.b.v1, owner: a, key: k, message: m, cleanup: compact, parked: false, why: w}\n"
    file = tmp_path / "topics.yaml"
    file.write_text(f"{DEFAULTS}topics:\n{entry}{entry}")
    with pytest.raises(WrongTopics, match=r"twice: a\.b\.v1"):
        read(file)
