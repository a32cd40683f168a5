"""Where a topic is ahead of a database that came back: by the newest state of each key, whatever lies behind it."""

from dataclasses import dataclass
from typing import Any

from chassis.eras import published_as
from chassis.restoration.ahead import Ahead, OwnTopic
from tartip.registry.v1.events_pb2 import ServantChanged


@dataclass(frozen=True, slots=True)
class Told:
    key: bytes
    value: bytes | None


async def nothing(*_: Any) -> Any:
    return None


TOPIC = OwnTopic("registry.servants.v1", ServantChanged, nothing, nothing)


def state(key: str, revision: int, era: int = 0) -> Told:
    return Told(key.encode(), ServantChanged(servant=key, revision=published_as(era, revision)).SerializeToString())


def tombstone(key: str) -> Told:
    return Told(key.encode(), None)


def found(*told: Told, stored: dict[str, int], era: int = 0) -> tuple[dict[str, int], set[str], set[str]]:
    ahead = Ahead(TOPIC)
    for each in told:  # as pieces of one
        ahead.take([each], stored, era)
    assert bool(ahead) == bool(ahead.newer or ahead.unknown or ahead.erased)
    return dict(ahead.newer), ahead.unknown, ahead.erased


def test_what_is_stored_as_it_was_told_is_not_ahead() -> None:
    assert found(state("a", 1), state("a", 2), stored={"a": 2}) == ({}, set(), set())
    assert found(state("a", 1), stored={"a": 2}) == ({}, set(), set())


def test_a_newer_state_is_ahead_also_where_an_older_one_was_told_after_it() -> None:
    assert found(state("a", 3), state("a", 4), state("a", 2), stored={"a": 2}) == ({"a": 4}, set(), set())


def test_what_is_not_stored_is_unknown_until_it_is_erased() -> None:
    assert found(state("a", 1), stored={}) == ({}, {"a"}, set())
    assert found(state("a", 1), tombstone("a"), stored={}) == ({}, set(), set())


def test_what_was_erased_and_is_stored_is_to_be_erased_again_and_not_to_be_told() -> None:
    assert found(state("a", 9), tombstone("a"), stored={"a": 2}) == ({}, set(), {"a"})


def test_a_state_of_a_later_era_is_newer_and_one_of_an_earlier_era_is_not() -> None:
    assert found(state("a", 1, era=8), stored={"a": 5}, era=7) == ({"a": published_as(8, 1)}, set(), set())
    assert found(state("a", 9, era=6), stored={"a": 5}, era=7) == ({}, set(), set())
