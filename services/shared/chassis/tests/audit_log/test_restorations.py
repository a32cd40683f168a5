"""Restorations as the audit's own records tell of them, whoever wrote these."""

from datetime import UTC, datetime, timedelta

from chassis.audit_log.chain import Seal
from chassis.audit_log.restorations import BEGIN, Restored, begun
from hypothesis import given
from hypothesis import strategies as st

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ERA = int(AT.timestamp()) // 60


def told(resource: str, action: str = BEGIN) -> Restored | None:
    return Restored.of(10, {"action": action, "resource": resource, "recorded_at": AT})


def test_a_record_that_an_era_began_says_what_came_back_and_one_of_before_that_it_was_all() -> None:
    assert told(begun(ERA, 7)) == Restored(ERA, 10, AT, 7)
    assert told(f"eras/{ERA}") == Restored(ERA, 10, AT, 9)
    assert told(begun(ERA, 7), "servant.update") is None


def test_records_that_came_back_unsealed_were_sealed_since_and_are_not_counted_as_lost() -> None:
    """Seven seals came back and two records behind them, which stand before the record of the restoration, at place 10."""
    restored = told(begun(ERA, 7))
    assert restored
    seals = [Seal(place, b"", AT - timedelta(minutes=5)) for place in (7, 8, 12)]
    assert [restored.lost(each) for each in seals] == [False, True, True]
    assert restored.records_lost(seals) == 12 - 9
    assert restored.records_lost(seals[:2]) == 0


@given(st.one_of(st.text(), st.from_regex(r"eras/[0-9]+( after [0-9]+ sealed)?", fullmatch=True)))
def test_whatever_a_record_says_verification_goes_on(resource: str) -> None:
    restored = told(resource)
    if restored is not None:
        restored.lost(Seal(8, b"", AT))
