import time
import uuid

import pytest
from kernel.faults import Malformed
from kernel.identifiers import check_id, new_id


def test_an_identifier_is_a_uuid_of_version_seven_with_its_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_no_two_identifiers_are_equal() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_a_checked_identifier_is_given_back() -> None:
    made = new_id()
    assert check_id(made, "name") == made
    assert check_id("KGD", "state_body", "[A-Z]{2,8}") == "KGD"


@pytest.mark.parametrize("value", ["", "KGDx", "xKGD", "KGD\n", "kgd"])
def test_an_identifier_must_match_all_of_its_pattern(value: str) -> None:
    with pytest.raises(Malformed) as refused:
        check_id(value, "state_body", "[A-Z]{2,8}")
    assert refused.value.violations == {"state_body": "must match [A-Z]{2,8}"}
