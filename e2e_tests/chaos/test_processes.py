"""Processes are killed in the middle of their work: what was taken is there, once, and what follows from it."""

from chassis.testing.waiting import until

from e2e_tests.chaos.department import Department
from e2e_tests.chaos.stage import Stage
from e2e_tests.chaos.verdict import judged

Story = tuple[Stage, Department]


async def test_a_gateway_killed_with_requests_on_the_line_loses_nothing(story: Story) -> None:
    stage, department = story
    async with stage.flowing(department) as traffic:
        await traffic.on_the_line()
        stage.kill("gateway")
        assert traffic.in_flight > 0
        await stage.start("gateway")
        await traffic.more()
    await judged(stage, department)


async def test_a_consumer_killed_in_the_middle_of_a_transaction_loses_and_doubles_nothing(story: Story) -> None:
    stage, department = story
    async with stage.flowing(department) as traffic:
        async with stage.stopping_at("device_days"):

            async def in_the_middle() -> bool:
                return await stage.stopped("consume") > 0

            await until(in_the_middle)
            stage.kill("consume")
        await stage.start("consume")
        await traffic.more()
    await judged(stage, department)
