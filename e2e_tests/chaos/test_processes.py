"""Processes are killed in the middle of their work: what was taken is there, once, and so is what follows from it."""

import asyncio
from collections import Counter

from e2e_tests.chaos import faults
from e2e_tests.chaos.stories import Story, lived_through
from e2e_tests.chaos.verdict import WORKDAYS


async def test_a_gateway_killed_with_requests_on_the_line_loses_nothing(story: Story) -> None:
    await lived_through(story, faults.gateway_killed)


async def test_a_consumer_killed_in_the_middle_of_a_transaction_loses_and_doubles_nothing(story: Story) -> None:
    await lived_through(story, faults.consumer_killed)


async def test_days_that_were_due_when_their_consumer_was_killed_are_computed_by_another_process(story: Story) -> None:
    await lived_through(story, faults.computing_killed)


async def test_a_relay_killed_before_kafka_has_its_events_loses_none_and_publishes_the_newest_last(story: Story) -> None:
    await lived_through(story, faults.relay_killed_before_kafka_confirms)


async def test_a_relay_killed_before_it_deletes_its_events_doubles_them_and_publishes_the_newest_last(story: Story) -> None:
    stage, _ = story
    await lived_through(story, faults.relay_killed_before_it_deletes)
    sent = await asyncio.to_thread(stage.kafka.read, WORKDAYS)
    assert max(Counter(dict(message.headers())["event_id"] for message in sent).values()) > 1


async def test_consumers_that_come_and_go_under_load_lose_and_double_nothing(story: Story) -> None:
    await lived_through(story, faults.second_consumer_leaves, faults.second_consumer_killed)
