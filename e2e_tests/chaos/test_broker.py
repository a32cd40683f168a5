"""Kafka is killed and restarted under load: what it had acknowledged is there, and what it had not is sent again."""

from e2e_tests.chaos import faults
from e2e_tests.chaos.stories import Story, lived_through


async def test_a_broker_killed_with_requests_on_the_line_loses_nothing(story: Story) -> None:
    await lived_through(story, faults.broker_killed)


async def test_a_broker_that_restarts_loses_nothing(story: Story) -> None:
    await lived_through(story, faults.broker_restarted)
