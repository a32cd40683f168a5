"""Who was away for forty days finds of a compacted topic the newest states only, of a kept one nothing, and knows the newest all the same.

The topics' time is shortened: a segment is over in a moment, old states are cleaned and old messages deleted at once.
"""

import asyncio
from collections import defaultdict

import pytest
from tartip.regimes.v1.events_pb2 import MonthPlanChanged

from e2e_tests.chaos.patience import until
from e2e_tests.chaos.stage import GROUP, Stage
from e2e_tests.chaos.stories import Story
from e2e_tests.chaos.verdict import WORKDAYS, judged

PLANS = "regimes.plans.v1"
DAYS_AWAY = 40
# Each of them has a plan a day.
A_FEW = 8
CLEANED_AT_ONCE = {"segment.ms": "50", "min.cleanable.dirty.ratio": "0.01"}
DELETED_AT_ONCE = {"segment.ms": "50", "retention.ms": "50"}


@pytest.mark.parametrize("story", [A_FEW], indirect=True)
async def test_a_consumer_forty_days_behind_a_compacted_topic_ends_at_the_newest_state(story: Story) -> None:
    """A plan changes each day. Where the group had been there is nothing any more; after a week Kafka forgets even that."""
    stage, department = story
    async with stage.flowing(department) as traffic:
        await traffic.more()
    await stage.level()
    await stage.leave("consume")
    async with stage.topics.kept_otherwise(PLANS, CLEANED_AT_ONCE):
        for _ in range(DAYS_AWAY):
            await stage.publish(department.new_plans())
        published, servants = department.revision, set(department.servants)

        async def only_the_newest() -> bool:
            await stage.topics.begin_segments(PLANS, nobodys_plan().SerializeToString())
            left = await revisions_in_kafka(stage, servants)
            return left.keys() == servants and all(max(each) == published and len(each) <= 2 for each in left.values())

        await until(only_the_newest)
    await stage.start("consume")
    await judged(stage, department)
    await stage.leave("consume")
    await stage.topics.forget_group(GROUP)
    await stage.start("consume")
    await judged(stage, department)


@pytest.mark.parametrize("story", [A_FEW], indirect=True)
async def test_who_follows_days_and_was_away_for_forty_days_is_told_the_newest_ones_again(story: Story) -> None:
    stage, department = story
    async with stage.flowing(department) as traffic:
        await traffic.more()
    await judged(stage, department)
    followed = await asyncio.to_thread(stage.kafka.extents, WORKDAYS)
    async with stage.topics.kept_otherwise(WORKDAYS, DELETED_AT_ONCE):

        async def all_gone() -> bool:
            extents = await asyncio.to_thread(stage.kafka.extents, WORKDAYS)
            return all(extents[place][0] >= end for place, (_, end) in followed.items())

        await until(all_gone)
    await stage.command("republish", "--topic", WORKDAYS)
    await judged(stage, department)


async def revisions_in_kafka(stage: Stage, servants: set[str]) -> dict[str, list[int]]:
    """The revisions of these servants' plans that the topic still has."""
    found: dict[str, list[int]] = defaultdict(list)
    for message in await asyncio.to_thread(stage.kafka.read, PLANS):
        plan = MonthPlanChanged.FromString(message.value())
        if plan.servant in servants:
            found[plan.servant].append(plan.revision)
    return found


def nobodys_plan() -> MonthPlanChanged:
    """A plan without dates, of somebody whom nobody knows."""
    return MonthPlanChanged(event_id="nobody", revision=1, servant="nobody", year=2026, month=1, edition="chaos")
