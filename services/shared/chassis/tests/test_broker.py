import threading
from collections.abc import AsyncIterator

import pytest
from chassis.publisher import Outgoing, Publisher
from chassis.testing.broker import Broker, BrokerFull, Fill, watched


@pytest.fixture
def own() -> Broker:
    """A broker apart from the session's, since these tests fill it."""
    return Broker()


@pytest.fixture
async def publisher(own: Broker) -> AsyncIterator[Publisher]:
    made = Publisher(own.brokers)
    yield made
    await made.close()
    own.stop()


def test_a_partition_is_full_when_its_own_bytes_reach_the_limit() -> None:
    fill = Fill(limit=1_000)
    for offset in range(3):
        fill.add("t", 0, offset, 200)
        fill.add("t", 1, offset, 100)
    with pytest.raises(BrokerFull, match="t/0 holds 1120 bytes"):
        fill.add("t", 0, 3, 200)


def test_a_message_that_was_never_seen_was_lost() -> None:
    fill = Fill()
    fill.add("t", 0, 0, 200)
    with pytest.raises(BrokerFull, match="t/0 has lost 2 messages"):
        fill.add("t", 0, 3, 200)


async def test_a_full_partition_is_told_before_it_loses_anything(own: Broker, publisher: Publisher) -> None:
    full, told = list[BrokerFull](), threading.Event()

    def on_full(error: BrokerFull) -> None:
        full.append(error)
        told.set()

    with watched(own, on_full, limit=100_000):
        await publisher.send_all(Outgoing("t.v1", None, bytes(1_000), {}, partition=0) for _ in range(50))
        assert not told.is_set()
        await publisher.send_all(Outgoing("t.v1", None, bytes(1_000), {}, partition=0) for _ in range(50))
        assert told.wait(10)
    assert "t.v1/0" in str(full[0])
    own.assert_nothing_dropped()


async def test_what_was_dropped_in_silence_is_found(own: Broker, publisher: Publisher) -> None:
    for _ in range(6):
        await publisher.send_all(Outgoing("t.v1", None, bytes(100_000), {}, partition=0) for _ in range(10))
    with pytest.raises(BrokerFull, match=r"t\.v1/0 has lost"):
        own.assert_nothing_dropped()
    full, told = list[BrokerFull](), threading.Event()

    def on_full(error: BrokerFull) -> None:
        full.append(error)
        told.set()

    with watched(own, on_full):
        assert told.wait(10)
    assert "has lost" in str(full[0])
