"""A service's name at Kafka writes what is its own, and nothing else: the rights of infra/cluster/examples/kafka.yaml, on a Kafka that asks."""

from collections.abc import Iterator, Mapping

import pytest
from chassis.brokers import Brokers
from chassis.testing.artifacts import Say
from chassis.testing.kafka import TOPICS, temporary_kafka
from chassis.testing.real_stack import had
from chassis.testing.secured import Trusted, doors
from chassis.topics import parked, read
from confluent_kafka import KafkaError, Message, Producer

from .users import users

BORN = {each.name: each for each in read(TOPICS)}
# Whose topics a service follows; what it cannot apply it parks beside them.
FOLLOWS: Mapping[str, tuple[str, ...]] = {"registry": (), "regimes": ("registry",), "timetracking": ("registry", "regimes")}
ANSWERED_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def ways(say: Say, trusted: Trusted) -> Iterator[Mapping[str, Brokers]]:
    """Each service's way to a Kafka with all topics."""
    opened = temporary_kafka(say, doors(trusted), guarded=True)
    kafka = had(opened.__enter__)
    try:
        kafka.create(BORN)
        yield users(kafka, trusted)
    finally:
        opened.__exit__(None, None, None)


@pytest.mark.parametrize("service", FOLLOWS)
def test_a_service_writes_its_own_topics_and_the_lots_of_what_it_follows_alone(ways: Mapping[str, Brokers], service: str) -> None:
    own = {name for name in BORN if name.startswith(f"{service}.")}
    lots = {lot for name, topic in BORN.items() if topic.owner in FOLLOWS[service] and (lot := parked(name)) in BORN}
    said = written(ways[service])
    assert {name for name, error in said.items() if error is None} == own | lots
    assert {error for error in said.values() if error is not None} == {KafkaError.TOPIC_AUTHORIZATION_FAILED}


def written(way: Brokers) -> Mapping[str, int | None]:
    """What Kafka says to a message for each topic: None where it has it, else its code."""
    said = dict[str, int | None]()

    def told(error: KafkaError | None, message: Message) -> None:
        said[str(message.topic())] = None if error is None else error.code()

    producer = Producer({**way.librdkafka(), "enable.idempotence": True, "log_level": 0})
    for name in BORN:
        producer.produce(name, b"value", b"key", on_delivery=told)
    assert producer.flush(ANSWERED_WITHIN_S) == 0
    return said
