"""What the stories of faults play on."""

from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
from chassis.testing.artifacts import Say
from chassis.testing.kafka import temporary_kafka
from chassis.testing.postgres import temporary_postgres
from chassis.testing.real_stack import had

from e2e_tests.chaos.department import PEOPLE, department
from e2e_tests.chaos.stage import Stage, stage
from e2e_tests.chaos.stories import Story


@pytest.fixture(scope="package")
async def platform(say: Say, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The platform of all stories, on a Kafka and a PostgreSQL of its own; each makes it whole, and brings a department of its own."""
    with ExitStack() as stack:
        made = temporary_kafka(say)
        kafka = had(made.__enter__)
        stack.push(made)
        postgres = stack.enter_context(temporary_postgres(durable=True))
        stack.callback(kafka.kill)  # nothing of it is needed any more, and its farewell takes ten seconds
        async with stage(kafka, postgres, tmp_path_factory.mktemp("chaos")) as standing:
            yield standing


@pytest.fixture
async def story(request: pytest.FixtureRequest, platform: Stage) -> Story:
    """The platform, whole, and a department that it has never heard of before and knows now; a parameter says how many people it has."""
    await platform.whole()
    made = department(getattr(request, "param", PEOPLE))
    await platform.announce(made)
    return platform, made
