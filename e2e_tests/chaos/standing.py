"""A platform for stories alone: on a Kafka and a PostgreSQL of its own, which may be killed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from chassis.testing.artifacts import Say
from chassis.testing.kafka import temporary_kafka
from chassis.testing.postgres import temporary_postgres
from chassis.testing.real_stack import had

from .department import NOW
from .stage import Stage, stage


@asynccontextmanager
async def standing(say: Say, folder: Path, at: datetime = NOW, more: Mapping[str, str] | None = None) -> AsyncIterator[Stage]:
    """All four processes, ready, at an instant of their clock; `more` is what they are told beside."""
    with ExitStack() as stack:
        made = temporary_kafka(say)
        kafka = had(made.__enter__)
        stack.push(made)
        postgres = stack.enter_context(temporary_postgres(durable=True))
        stack.callback(kafka.kill)  # nothing of it is needed any more, and its farewell takes ten seconds
        async with stage(kafka, postgres, folder, at, more) as stands:
            yield stands
