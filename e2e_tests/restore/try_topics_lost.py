"""The drill of a lost Kafka in its smallest size. By `make try-benches`."""

from chassis.testing.artifacts import Say
from chassis.testing.kafka import installed
from chassis.testing.real_stack import had

from e2e_tests.restore.__main__ import lived_through
from e2e_tests.restore.test_drill import SMALLEST
from e2e_tests.restore.topics_lost import TopicsLost


async def test_a_region_that_lost_its_kafka_has_all_that_its_gates_still_had(say: Say) -> None:
    had(lambda: installed(say))
    measured = await lived_through("kafka", SMALLEST, say=say)
    assert isinstance(measured, TopicsLost)
    assert (measured.missing, measured.lost > 0) == (0, True)
