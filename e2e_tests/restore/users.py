"""Who a region's services are for its Kafka: the names of infra/cluster/examples/kafka.yaml, with what each of them may do."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from chassis.brokers import Brokers
from chassis.testing.artifacts import ROOT
from chassis.testing.kafka import Kafka
from chassis.testing.secured import Trusted, known
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

EXAMPLE = ROOT / "infra" / "cluster" / "examples" / "kafka.yaml"
_PATTERNS = {"prefix": ResourcePatternType.PREFIXED, "literal": ResourcePatternType.LITERAL}


def users(kafka: Kafka, trusted: Trusted) -> Mapping[str, Brokers]:
    """Makes the names known to a guarded Kafka, gives each its rights, and returns the way in of each."""
    ways = {each["metadata"]["name"]: _way(kafka, trusted, each["metadata"]["name"]) for each in _users()}
    let_in(kafka, ways)
    return ways


def let_in(kafka: Kafka, ways: Mapping[str, Brokers]) -> None:
    """Makes the names known to a Kafka that was born anew, and gives each its rights."""
    known(kafka, {name: way.password for name, way in ways.items()})
    for done in kafka.handle.create_acls([right for each in _users() for right in _rights(each)]).values():
        done.result()


def variables(way: Brokers) -> Mapping[str, str]:
    """What a process is told of its way to Kafka."""
    return {"TARTIP_KAFKA": way.servers, "TARTIP_KAFKA_CA": way.ca, "TARTIP_KAFKA_USER": way.user, "TARTIP_KAFKA_PASSWORD": way.password}


def _users() -> Iterator[Any]:
    return (each for each in yaml.safe_load_all(EXAMPLE.read_text(encoding="utf-8")) if each["kind"] == "KafkaUser")


def _rights(user: Any) -> Iterator[AclBinding]:
    """The rights of a KafkaUser in Kafka's own words."""
    for each in user["spec"]["authorization"]["acls"]:
        resource, name = each["resource"], f"User:{user['metadata']['name']}"
        kind, pattern = ResourceType[resource["type"].upper()], _PATTERNS[resource["patternType"]]
        for operation in each["operations"]:
            allowed = AclOperation[operation.upper()], AclPermissionType.ALLOW
            yield AclBinding(kind, resource["name"], pattern, name, "*", *allowed)


def _way(kafka: Kafka, trusted: Trusted, name: str) -> Brokers:
    return Brokers(kafka.door("SASL_SSL"), str(trusted.file), user=name, password=secrets.token_urlsafe())
