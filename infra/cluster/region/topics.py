"""The topics for the chart, from the one file where topics are born (infra/kafka/topics.yaml)."""

from chassis.testing.kafka import TOPICS
from chassis.topics import read

from region.helm import REGION

FILE = REGION / "files" / "topics.yaml"
ENVIRONMENT = "region"
_HEAD = "# Written by `make render` from infra/kafka/topics.yaml, for a region; a test compares them.\n"


def text() -> str:
    """What the file says: name, partitions, replicas and configuration of each topic and parking lot."""
    entries = []
    for topic in read(TOPICS):
        config = "".join(f'    {name}: "{value}"\n' for name, value in sorted(topic.settings(ENVIRONMENT).items()))
        replicas = topic.replication[ENVIRONMENT]
        entries.append(f"- name: {topic.name}\n  partitions: {topic.partitions}\n  replicas: {replicas}\n  config:\n{config}")
    return _HEAD + "".join(entries)
