"""The topics of the platform, read from the one file where they are born (infra/kafka/topics.yaml)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_DAY_MS = 24 * 60 * 60 * 1000


class Cleanup(Enum):
    """What becomes of old messages: the newest of each key stays for ever, or all go after the retention."""

    COMPACT = "compact"
    DELETE = "delete"


class WrongTopics(Exception):
    """The file of topics does not say what it must; its text names the topic and the field."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is to be: its owner, what it carries, how it is kept, and why.

    `message` is the full name of the protobuf message. `retention_ms` is None where keys are kept for ever.
    `replication` and `in_sync` are counts of brokers by environment (local, test, region, nation).
    """

    name: str
    owner: str
    key: str
    message: str
    partitions: int
    cleanup: Cleanup
    retention_ms: int | None
    tombstones_ms: int
    replication: Mapping[str, int]
    in_sync: Mapping[str, int]
    why: str

    def settings(self, environment: str) -> dict[str, str]:
        """The topic's settings in Kafka's own words; KeyError for an environment that the file does not know."""
        settings = {"cleanup.policy": self.cleanup.value, "min.insync.replicas": str(self.in_sync[environment])}
        if self.cleanup is Cleanup.COMPACT:
            settings["delete.retention.ms"] = str(self.tombstones_ms)
        if self.retention_ms is not None:
            settings["retention.ms"] = str(self.retention_ms)
        return settings


def parked(topic: str) -> str:
    """The name of a topic's parking lot."""
    return f"{topic}.parked"


def read(path: Path) -> tuple[Topic, ...]:
    """All topics of the file, each followed by its parking lot where it has one; raises WrongTopics."""
    try:
        content: Any = YAML(typ="safe", pure=True).load(path)
    except (YAMLError, ValueError) as error:
        raise WrongTopics(f"{path.name}: no YAML in UTF-8") from error
    try:
        defaults, entries = content["defaults"], content["topics"]
        topics = tuple(topic for entry in entries for topic in _born(entry, defaults))
    except (KeyError, TypeError) as missing:
        raise WrongTopics(f"{path.name}: {missing} is missing or of the wrong shape") from missing
    names = [topic.name for topic in topics]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WrongTopics(f"{path.name}: named twice: {', '.join(twice)}")
    return topics


def _born(entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[Topic]:
    name = str(entry["name"])
    if not name.startswith(f"{entry['owner']}."):
        raise WrongTopics(f"{name}: its name does not begin with its owner {entry['owner']}")
    try:
        cleanup = Cleanup(entry["cleanup"])
    except ValueError as unknown:
        raise WrongTopics(f"{name}: cleanup is compact or delete") from unknown
    if (cleanup is Cleanup.DELETE) != ("retention" in entry):
        raise WrongTopics(f"{name}: a retention belongs to cleanup delete, and only there")
    topic = Topic(
        name=name,
        owner=str(entry["owner"]),
        key=str(entry["key"]),
        message=str(entry["message"]),
        partitions=int(entry.get("partitions", defaults["partitions"])),
        cleanup=cleanup,
        retention_ms=_days(name, entry["retention"]) if cleanup is Cleanup.DELETE else None,
        tombstones_ms=_days(name, defaults["tombstones"]),
        replication=dict(defaults["replication"]),
        in_sync=dict(defaults["in-sync"]),
        why=str(entry["why"]),
    )
    yield topic
    if entry["parked"]:
        yield _parking_lot(topic, _days(name, defaults["parking"]))


def _parking_lot(topic: Topic, retention_ms: int) -> Topic:
    return Topic(
        name=parked(topic.name),
        owner=topic.owner,
        key="the original key",
        message=topic.message,
        partitions=topic.partitions,
        cleanup=Cleanup.DELETE,
        retention_ms=retention_ms,
        tombstones_ms=topic.tombstones_ms,
        replication=topic.replication,
        in_sync=topic.in_sync,
        why=f"Messages of {topic.name} that could not be applied, one by one, until a person sends them again.",
    )


def _days(name: str, text: Any) -> int:
    number, _, unit = str(text).partition(" ")
    if unit != "days" or not number.isdigit():
        raise WrongTopics(f"{name}: {text!r} is not a number of days, as in: 30 days")
    return int(number) * _DAY_MS
