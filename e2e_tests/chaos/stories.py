"""How a story of faults goes: people pass their gates, things happen, and in the end everything is as the gates recorded it."""

from .department import Department
from .faults import Fault
from .stage import Stage
from .verdict import judged

Story = tuple[Stage, Department]


async def lived_through(story: Story, *happening: Fault) -> None:
    """Lets people pass while the faults happen, one after the other, and for a while after; then nothing is lost and nothing doubled."""
    stage, department = story
    async with stage.flowing(department) as traffic:
        for fault in happening:
            await fault(stage, traffic)
        await traffic.more()
    await judged(stage, department)
