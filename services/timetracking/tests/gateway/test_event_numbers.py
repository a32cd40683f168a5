"""Numbers of events that are no passages are not missing."""

from timetracking.gateway.event_numbers import SkippedNumbers


def test_a_run_of_ignored_events_is_stepped_over() -> None:
    numbers = SkippedNumbers()
    numbers.note("a", [(8, 7), (9, 8)])
    numbers.note("a", [(10, 9)])
    assert numbers.nearest("a", 10) == 7
    assert numbers.nearest("a", 7) == 7
    assert numbers.nearest("a", None) is None


def test_a_number_that_nobody_sent_stays_missing() -> None:
    numbers = SkippedNumbers()
    numbers.note("a", [(10, 9)])
    assert numbers.nearest("a", 12) == 12


def test_devices_do_not_share_numbers() -> None:
    numbers = SkippedNumbers()
    numbers.note("a", [(10, 9)])
    assert numbers.nearest("b", 10) == 10


def test_a_counter_that_began_anew_is_not_followed() -> None:
    numbers = SkippedNumbers()
    numbers.note("a", [(1, 9_999), (5, 5)])
    assert numbers.nearest("a", 1) == 1
    assert numbers.nearest("a", 5) == 5


def test_only_the_latest_are_remembered() -> None:
    numbers = SkippedNumbers()
    for number in range(1, 10_000):
        numbers.note("a", [(number, number - 1)])
    assert numbers.nearest("a", 9_999) == 9_999 - 4_096
