from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from chassis.clock import WrongClock, clock_from, step

EVENING = datetime(2026, 11, 2, 18, 0, tzinfo=timezone(timedelta(hours=5)))


def test_the_real_clock_is_aware_and_goes_forward() -> None:
    clock = clock_from("")
    first = clock()
    assert first.utcoffset() == timedelta(0)
    assert clock() >= first


def test_the_stepped_clock_stands_still_until_it_is_moved(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    step(file, EVENING)
    clock = clock_from(f"file:{file}")
    assert clock() == clock() == EVENING
    assert clock().tzinfo is UTC
    step(file, EVENING + timedelta(hours=1))
    assert clock() == EVENING + timedelta(hours=1)


def test_an_instant_without_an_offset_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text("2026-11-02T18:00:00")
    with pytest.raises(ValueError, match="without an offset"):
        clock_from(f"file:{file}")()
    with pytest.raises(ValueError, match="offset"):
        step(file, datetime(2026, 11, 2))


def test_a_file_that_is_no_clock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongClock, match="cannot be read"):
        clock_from(f"file:{tmp_path / 'clock'}")()
    (tmp_path / "clock").write_text("yesterday")
    with pytest.raises(WrongClock, match="something else"):
        clock_from(f"file:{tmp_path / 'clock'}")()


@pytest.mark.parametrize("spec", ["file:", "now", "http://clock"])
def test_another_kind_of_clock_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="a clock is"):
        clock_from(spec)
