"""Passages as the gateway tells of them, and what is refused by its field."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from chassis.testing.contracts import contract
from google.protobuf.timestamp_pb2 import Timestamp
from kernel.faults import Malformed
from prometheus_client import REGISTRY
from tartip.timetracking.v1.events_pb2 import PassageBatch
from tartip.timetracking.v1.passage_service_pb2 import Passage as Sent
from timetracking.accounts.use_cases import Place
from timetracking.passages.consumer import TOPIC, passages, told_passage
from timetracking.passages.domain import Passage
from timetracking.workdays.domain import Direction

RECEIVED = datetime(2026, 11, 24, 3, 55, 2, tzinfo=UTC)


def sent(**changed: Any) -> Sent:
    """The second passage of the contract, with fields changed; None takes one away."""
    message = Sent()
    message.CopyFrom(contract(TOPIC, PassageBatch).passages[1])
    for name, value in changed.items():
        message.ClearField(name)  # type: ignore[arg-type]
        if isinstance(value, Timestamp):
            message.received_at.CopyFrom(value)
        elif value is not None:
            setattr(message, name, value)
    return message


def test_the_contract_is_understood() -> None:
    batch = contract(TOPIC, PassageBatch)
    line, face, card = (told_passage(each) for each in batch.passages)
    assert line == Passage(
        device="gate-1",
        event_key="25|2026-11-24T08:55:00|0",
        wall_time=datetime(2026, 11, 24, 8, 55),
        utc_offset=None,
        badge_system="hq",
        badge_number="25",
        direction=Direction.IN,
        verify_method=3,
        received_at=RECEIVED,
        live=True,
        previous_event_number=None,
        raw="25\t2026-11-24 08:55:00\t0\t1\t0",
        raw_digest=batch.passages[0].raw_digest,
    )
    assert face.key == ("north-2", "1187", datetime(2026, 11, 24, 8, 55), 18_000, "hq", "25", Direction.IN)
    assert (face.previous_event_number, face.verify_method, face.received_at, face.live) == (1186, 4, RECEIVED, True)
    assert card.key == ("north-2", "1189", datetime(2026, 11, 22, 18, 31, 9), 21_600, "hq", "0009123456", Direction.OUT)
    assert (card.previous_event_number, card.verify_method, card.live) == (1187, 1, False)
    assert (card.raw, card.raw_digest) == (batch.passages[2].raw, batch.passages[2].raw_digest)


@pytest.mark.parametrize("field", ["device", "event_key", "wall_time", "badge_system", "badge_number", "received_at"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(Malformed) as refused:
        told_passage(sent(**{field: None}))
    assert list(refused.value.violations) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("wall_time", "yesterday"),
        ("wall_time", "2026-02-30T08:55:00"),
        ("wall_time", "2026-11-24T08:55:00+05:00"),
        ("wall_time", "2026-11-24T08:55:00.5"),
        ("event_key", "11\x0087"),
        ("badge_number", "\x00"),
        ("device", "gate\x00"),
        ("received_at", Timestamp(seconds=2**62)),
        ("received_at", Timestamp(seconds=1, nanos=-1)),
    ],
)
def test_a_field_that_says_nothing_is_named(field: str, value: object) -> None:
    with pytest.raises(Malformed) as refused:
        told_passage(sent(**{field: value}))
    assert list(refused.value.violations) == [field]


def test_a_direction_of_a_later_version_says_nothing_and_a_verify_method_is_another_one() -> None:
    told = told_passage(sent(direction=7, verify_method=2**31 - 1))
    assert (told.direction, told.verify_method) == (Direction.NONE, 6)


def test_zero_is_an_offset_and_a_number() -> None:
    told = told_passage(sent(utc_offset_seconds=0, previous_event_number=0))
    assert (told.utc_offset, told.previous_event_number) == (0, 0)


async def test_what_was_stored_and_what_was_there_already_is_counted_by_device() -> None:
    def counted(name: str, device: str) -> float:
        return REGISTRY.get_sample_value(f"tartip_passages_{name}_total", {"device": device}) or 0.0

    async def only_the_first(told: Sequence[Passage], *, late: bool, places: Sequence[Place]) -> Sequence[Passage]:
        return told[:1]

    batch = PassageBatch(passages=[sent(device="counted-1", event_key=str(number)) for number in range(3)])
    batch.passages.append(sent(device="counted-2"))
    await passages(only_the_first).apply([batch])
    assert {device: (counted("stored", device), counted("repeated", device)) for device in ("counted-1", "counted-2")} == {
        "counted-1": (1, 2),
        "counted-2": (0, 1),
    }
