"""What the stories of faults play on."""

from collections.abc import AsyncIterator

import pytest
from chassis.testing.artifacts import Say

from e2e_tests.chaos.department import PEOPLE, department
from e2e_tests.chaos.stage import Stage
from e2e_tests.chaos.standing import standing
from e2e_tests.chaos.stories import Story


@pytest.fixture(scope="package")
async def platform(say: Say, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The platform of all stories, on a Kafka and a PostgreSQL of its own; each makes it whole, and brings a department of its own."""
    async with standing(say, tmp_path_factory.mktemp("chaos")) as stands:
        yield stands


@pytest.fixture
async def story(request: pytest.FixtureRequest, platform: Stage) -> Story:
    """The platform, whole, and a department that it has never heard of before and knows now; a parameter says how many people it has."""
    await platform.whole()
    made = department(getattr(request, "param", PEOPLE))
    await platform.announce(made)
    return platform, made
