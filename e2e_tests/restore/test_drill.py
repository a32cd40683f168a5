"""The drill in its smallest size, with the kind of backup that needs every step: `make drill` runs both kinds, and larger ones."""

import pytest
from chassis.testing.artifacts import Say
from chassis.testing.kafka import installed
from chassis.testing.real_stack import had

from e2e_tests.restore.__main__ import lived_through, main
from e2e_tests.restore.drill import Measured

SMALLEST = 60


async def test_a_region_that_lost_its_database_and_was_read_from_a_dump_has_every_day_as_fold_says(say: Say) -> None:
    had(lambda: installed(say))
    measured = await lived_through("logical", SMALLEST, say=say)
    assert isinstance(measured, Measured)
    assert (measured.missing, measured.lost > 0, measured.waiting > 0) == (0, True, True)


def test_the_drill_is_told_kinds_and_sizes_and_shows_what_it_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lived = []

    async def drill(kind: str, size: int, rows: int) -> Measured:
        lived.append((kind, size, rows))
        return Measured(size, size - 1, changes=7)

    monkeypatch.setattr("e2e_tests.restore.__main__.lived_through", drill)
    assert main(["--size", "300", "--rows", "5"]) == 0
    assert main(["--kind", "logical"]) == 0
    assert lived == [("physical", 300, 5), ("logical", 300, 5), ("kafka", 300, 5), ("logical", 200, 0)]
    assert "| passages in all, and stored at the loss | 300, 299 |" in capsys.readouterr().out
