"""A look at topics waits for what a cluster needs a moment for, and for nothing else."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, GroupCoordinatorNotAvailableError, KafkaError
from chassis import survey
from chassis.testing.broker import Broker


class Cluster:
    """A cluster that refuses to say how far groups are, once for each error."""

    def __init__(self, errors: Sequence[KafkaError]) -> None:
        self.errors = list(errors)

    async def list_consumer_group_offsets(self, group: str, partitions: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return {"group": group}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "PAUSES_S", (0.0,) * len(survey.PAUSES_S))


async def committed(cluster: Any) -> Any:
    return await survey._committed(cluster, "g", [])


async def test_a_cluster_that_has_just_started_is_waited_for() -> None:
    assert await committed(Cluster([GroupCoordinatorNotAvailableError()] * len(survey.PAUSES_S))) == {"group": "g"}


async def test_one_that_never_answers_for_groups_is_given_up() -> None:
    with pytest.raises(GroupCoordinatorNotAvailableError):
        await committed(Cluster([GroupCoordinatorNotAvailableError()] * (len(survey.PAUSES_S) + 1)))


async def test_a_refusal_is_not_asked_for_again() -> None:
    refusing = Cluster([GroupAuthorizationFailedError(), GroupAuthorizationFailedError()])
    with pytest.raises(GroupAuthorizationFailedError):
        await committed(refusing)
    assert len(refusing.errors) == 1


async def test_what_goes_wrong_at_once_is_told_as_it_is_and_ends_nobody(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object) -> Any:
        raise GroupAuthorizationFailedError

    monkeypatch.setattr(survey, "_partitions", refused)
    with pytest.raises(GroupAuthorizationFailedError):
        await survey.survey(broker.brokers, None, ["any"])
