"""What is true of passages whatever protocol they came by."""

from datetime import UTC, datetime, timedelta

import pytest
from tartip.timetracking.v1 import passage_service_pb2
from timetracking.gateway.domain import Bounds, VerifyMethod, is_serial, kept
from timetracking.workdays.domain import Direction

RECEIVED = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POSSIBLE = Bounds(timedelta(days=400), timedelta(days=2), timedelta(minutes=10))


def test_the_numbers_are_those_of_the_contract() -> None:
    assert {f"DIRECTION_{one.name}": one.value for one in Direction if one} | {"DIRECTION_UNSPECIFIED": 0} == dict(
        passage_service_pb2.Direction.items()
    )
    methods = {f"VERIFY_METHOD_{one.name}": one.value for one in VerifyMethod if one} | {"VERIFY_METHOD_UNSPECIFIED": 0}
    assert methods == dict(passage_service_pb2.VerifyMethod.items())


@pytest.mark.parametrize(
    ("wall_time", "offset", "possible"),
    [
        (datetime(2026, 11, 24, 12, 0), None, True),
        (datetime(2026, 11, 26, 12, 0), None, True),
        (datetime(2026, 11, 26, 12, 0, 1), None, False),
        (datetime(2026, 11, 26, 17, 0), 18_000, True),
        (datetime(2026, 11, 26, 17, 0, 1), 18_000, False),
        (datetime(2025, 10, 20, 12, 0), None, True),
        (datetime(2025, 10, 20, 11, 59, 59), None, False),
        (datetime(2025, 10, 20, 17, 0), 18_000, True),
        (datetime(2025, 10, 20, 16, 59, 59), 18_000, False),
        (datetime(1970, 1, 1), None, False),
        (datetime(1, 1, 1), 50_000, False),
        (datetime(9999, 12, 31, 23, 59, 59), -50_000, False),
    ],
)
def test_a_wall_time_far_from_its_receipt_is_impossible(wall_time: datetime, offset: int | None, possible: bool) -> None:
    assert POSSIBLE.hold(wall_time, offset, RECEIVED) is possible


@pytest.mark.parametrize(
    ("text", "serial"),
    [("gate-1", True), ("CQQC214560123", True), ("", False), ("a/b", False), ("a" * 65, False), ("шлюз", False), ("a\n", False)],
)
def test_a_serial_is_plain(text: str, serial: bool) -> None:
    assert is_serial(text) is serial


def test_a_long_text_is_kept_cut_with_its_digest() -> None:
    cut = kept(b"a" * 5_000)
    assert cut.startswith("a" * 2_048 + "… (5000 bytes, SHA-256 ")
