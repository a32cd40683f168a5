"""Whether what others were told last of each state is what is stored, and whether they took it."""

import asyncio
from collections import defaultdict
from typing import Any

from chassis.eras import era_and_revision
from tartip.registry.v1 import events_pb2

from .region import Region

_STORED: dict[str, tuple[Any, str]] = {
    "registry.bodies.v1": (events_pb2.StateBodyChanged, "SELECT id, revision FROM state_bodies"),
    "registry.servants.v1": (events_pb2.ServantChanged, "SELECT id, revision FROM servants"),
}
_TAKEN = {
    "registry.bodies.v1": "SELECT body AS id, revision FROM body_states",
    "registry.servants.v1": "SELECT servant AS id, revision FROM servants",
}


async def topics_agree(region: Region) -> None:
    """Asserts it of what the registry owns: compaction keeps the last, and those who follow take the highest revision."""
    for topic, (message, query) in _STORED.items():
        told: dict[str, list[Any]] = defaultdict(list)
        for each in await asyncio.to_thread(region.stage.kafka.read, topic):
            told[each.key().decode()].append(message.FromString(each.value()).revision if each.value() is not None else None)
        stored = {row["id"]: row["revision"] for row in await region.books.rows(query)}
        taken = {row["id"]: row["revision"] for row in await region.stage.inside.rows(_TAKEN[topic])}
        last = {key: revisions[-1] for key, revisions in told.items() if revisions[-1] is not None}
        assert {key: era_and_revision(each)[1] for key, each in last.items()} == stored, f"{topic}: told last {last}, stored {stored}"
        late = {key: told[key] for key, each in last.items() if each < max(filter(None, told[key]))}
        assert not late, f"{topic}: an older state was told after a newer one: {late}"
        assert taken == last, f"{topic}: told last {last}, taken {taken}"
