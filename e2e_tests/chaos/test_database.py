"""PostgreSQL is killed, away and hangs in the middle of transactions: its consumers hold, and catch up."""

from e2e_tests.chaos import faults
from e2e_tests.chaos.stories import Story, lived_through


async def test_a_database_killed_in_the_middle_of_a_transaction_loses_and_doubles_nothing(story: Story) -> None:
    await lived_through(story, faults.database_killed)


async def test_a_database_away_for_half_a_minute_holds_the_messages_and_the_consumer_catches_up(story: Story) -> None:
    await lived_through(story, faults.database_away)


async def test_a_database_that_hangs_in_the_middle_of_a_transaction_is_noticed_and_loses_nothing(story: Story) -> None:
    await lived_through(story, faults.database_hangs)
