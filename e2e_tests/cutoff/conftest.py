"""What the story plays on."""

from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
from chassis.testing.artifacts import Say
from chassis.testing.kafka import temporary_kafka
from chassis.testing.postgres import temporary_postgres
from chassis.testing.real_stack import had

from e2e_tests.chaos.stage import Stage, stage
from e2e_tests.cutoff.story import Size

SMALLEST = Size()


@pytest.fixture(scope="package")
async def region(say: Say, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A region of its own, hours before noon: its clock goes on to noon, and other stories begin there."""
    with ExitStack() as stack:
        made = temporary_kafka(say)
        kafka = had(made.__enter__)
        stack.push(made)
        postgres = stack.enter_context(temporary_postgres(durable=True))
        stack.callback(kafka.kill)  # nothing of it is needed any more, and its farewell takes ten seconds
        async with stage(kafka, postgres, tmp_path_factory.mktemp("cutoff"), SMALLEST.begin, SMALLEST.told) as standing:
            yield standing
