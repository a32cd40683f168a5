"""Fixtures of the real stack: Kafka and Keycloak as they run in a cluster, and a PostgreSQL that keeps what it was told.

Kafka and Keycloak need Java and Maven. Where they are not to be had their tests are skipped, each by its name and with the reason; with
REQUIRE_REAL_STACK=1, as in `.ci/run`, they fail.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest

from chassis import topics
from chassis.publisher import Publisher
from chassis.testing.artifacts import NotToBeHad, Say, announce
from chassis.testing.cluster import Cluster
from chassis.testing.kafka import TOPICS, Kafka, temporary_kafka
from chassis.testing.keycloak import Keycloak, temporary_keycloak
from chassis.testing.postgres import Postgres, temporary_postgres
from chassis.testing.secured import Trusted, doors

REQUIRED = "REQUIRE_REAL_STACK"

T = TypeVar("T")


def had(make: Callable[[], T]) -> T:
    """What the machine can give; where it cannot, the test that asks is skipped, or fails where the real stack is required."""
    try:
        return make()
    except NotToBeHad as lacking:
        if os.environ.get(REQUIRED, "") not in ("", "0"):
            pytest.fail(f"{REQUIRED} is set, and {lacking}", pytrace=False)
        pytest.skip(f"the real stack is not to be had here: {lacking}")


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Say:
    """Tells people at once that they wait, past what pytest keeps of the output."""
    kept = request.config.pluginmanager.getplugin("capturemanager")

    def told(text: str) -> None:
        with kept.global_and_fixture_disabled():
            announce(f"\n{text}")

    return told


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trusted:
    """The authority of what speaks TLS in this session."""
    return Trusted.within(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="session")
def real_kafka(say: Say, trusted: Trusted) -> Iterator[Kafka]:
    """A real Kafka of this session, with no topics but those that tests create: `real_kafka.create([name])`. Nobody stops it.

    Beside its door in clear it has secured ones: `chassis.testing.secured.doors`.
    """
    yield from _running(lambda: temporary_kafka(say, doors(trusted)))


@pytest.fixture(scope="session", params=["in-process", "kafka"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """The in-process Kafka, then a real one: a test runs on each. Take fresh names, and create them."""
    either: Cluster = request.getfixturevalue({"in-process": "broker", "kafka": "real_kafka"}[request.param])
    return either


@pytest.fixture
async def publisher(cluster: Cluster) -> AsyncIterator[Publisher]:
    """Who publishes to `cluster`, for one test."""
    made = Publisher(cluster.brokers)
    yield made
    await made.close()


@pytest.fixture(params=["in-process", "kafka"])
def quiet_cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The same for one test alone, where the platform's own topics are asked for: they are not there yet."""
    if request.param == "in-process":
        yield request.getfixturevalue("quiet_broker")
        return
    kafka: Kafka = request.getfixturevalue("real_kafka")
    names = [topic.name for topic in topics.read(TOPICS)]
    kafka.delete(names)
    yield kafka
    kafka.delete(names)


@pytest.fixture
def killable_kafka(say: Say) -> Iterator[Kafka]:
    """A real Kafka for one test alone, to be killed, paused and started again."""
    yield from _running(lambda: temporary_kafka(say))


@pytest.fixture(scope="session")
def real_keycloak(say: Say) -> Iterator[Keycloak]:
    """A real Keycloak of this session with the platform's realm: `real_keycloak.issuer`, and `.secrets` by name. Nobody stops it."""
    yield from _running(lambda: temporary_keycloak(say))


@pytest.fixture
def killable_keycloak(say: Say) -> Iterator[Keycloak]:
    """A Keycloak with the platform's realm for one test alone, to be killed, stopped and started again."""
    yield from _running(lambda: temporary_keycloak(say))


@pytest.fixture(scope="session")
def real_postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this session that writes through to the disk, as in a cluster. Nobody stops it."""
    with temporary_postgres(durable=True) as server:
        yield server


@pytest.fixture
def killable_postgres() -> Iterator[Postgres]:
    """A PostgreSQL for one test alone that loses nothing it has committed, to be killed, paused and started again."""
    with temporary_postgres(durable=True) as server:
        yield server


def _running(temporary: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
    made = temporary()
    running = had(made.__enter__)
    try:
        yield running
    finally:
        made.__exit__(None, None, None)
