"""Faults at random: a round of the soak on the platform that stands, and what its command line makes of seeds and losses."""

import time
from random import Random

import pytest

from e2e_tests.chaos.__main__ import live, main
from e2e_tests.chaos.stage import Stage

# By it three people are drawn, and a consumer that is killed: the shortest round there is.
SHORT = 43
LONG_ENOUGH_TO_BEGIN_S = 1.0


async def test_a_round_of_the_soak_lives_through_what_is_drawn(platform: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert await live(platform, Random(SHORT), time.monotonic() + LONG_ENOUGH_TO_BEGIN_S) == 1
    said = capsys.readouterr().out
    assert "3 people: consumer_killed" in said
    assert "passages, all there, each once" in said


def test_a_soak_names_the_seed_at_which_something_is_lost_and_ends_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lived = []

    async def soak(seed: int, minutes: float) -> int:
        lived.append((seed, minutes))
        assert seed != 2, "a passage is gone"
        return 1

    monkeypatch.setattr("e2e_tests.chaos.__main__.soak", soak)
    with pytest.raises(AssertionError, match="a passage is gone"):
        main(["--seed", "1", "--seed", "2", "--seed", "3", "--minutes", "10"])
    assert lived == [(1, 10.0), (2, 10.0)]
    assert "seed 2: a passage is gone" in capsys.readouterr().err
