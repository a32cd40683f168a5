"""How much is taken at once: never more than was agreed, and whoever has waited is heard again."""

from typing import Any

import pytest
from chassis import rates
from chassis.rates import Buckets, Rate
from hypothesis import given
from hypothesis import strategies as st


class Watch:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


steps = st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=60)


@given(st.floats(0.5, 100), st.integers(1, 100), steps)
def test_what_is_taken_in_any_span_is_the_rate_and_at_most_a_bucket_and_an_upload(per_second: float, at_once: int, sent: Any) -> None:
    watch = Watch()
    buckets, taken = Buckets(Rate(per_second, at_once), watch), list[tuple[float, int]]()
    for pause, records in sent:
        watch.at += pause
        if not buckets.wait_s("gate"):
            buckets.spend("gate", min(records, at_once))
            taken.append((watch.at, min(records, at_once)))
    for first, (since, _) in enumerate(taken):
        in_span = 0
        for until, records in taken[first:]:
            in_span += records
            assert in_span <= at_once * 2 + per_second * (until - since) + 1e-6


@given(st.floats(0.5, 100), st.integers(1, 100), steps)
def test_whoever_waits_as_long_as_it_is_told_is_heard(per_second: float, at_once: int, sent: Any) -> None:
    watch = Watch()
    buckets = Buckets(Rate(per_second, at_once), watch)
    for _, records in sent:
        watch.at += buckets.wait_s("gate") + 1e-6
        assert buckets.wait_s("gate") <= 1e-5
        buckets.spend("gate", records)
        assert buckets.wait_s("gate") <= (at_once + 1) / per_second + 1e-6, "no debt is for ever"


def test_one_sender_takes_nothing_from_another_and_a_crowd_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_BUCKETS", 10)
    watch = Watch()
    buckets = Buckets(Rate(1, 5), watch)
    buckets.spend("busy", 100)
    assert (buckets.wait_s("busy"), buckets.wait_s("other")) == (6.0, 0.0)
    for number in range(9):
        buckets.spend(f"gate-{number}")
    watch.at += 1.0
    buckets.spend("one more")
    assert buckets.wait_s("busy") == 5.0, "only full buckets are forgotten"
    assert len(buckets._held) == 2
