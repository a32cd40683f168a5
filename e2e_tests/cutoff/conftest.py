"""What the story plays on."""

from collections.abc import AsyncIterator

import pytest
from chassis.testing.artifacts import Say

from e2e_tests.chaos.stage import Stage
from e2e_tests.chaos.standing import standing
from e2e_tests.cutoff.story import Size

SMALLEST = Size()


@pytest.fixture(scope="package")
async def region(say: Say, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A region of its own, hours before noon: its clock goes on to noon, and other stories begin there."""
    async with standing(say, tmp_path_factory.mktemp("cutoff"), SMALLEST.begin, SMALLEST.told) as stands:
        yield stands
