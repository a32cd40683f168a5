"""A library that says the same line again and again is heard seldom."""

import logging

from chassis.quiet_logs import Seldom


def record(text: str = "away") -> logging.LogRecord:
    return logging.LogRecord("aiokafka", logging.ERROR, __file__, 1, text, None, None)


def test_so_many_lines_are_let_through_and_the_next_says_how_many_were_not() -> None:
    now = 0.0
    seldom = Seldom(lines=2, window_s=10.0, elapsed=lambda: now)
    assert [seldom.filter(record()) for _ in range(5)] == [True, True, False, False, False]
    now = 10.0
    following = record()
    assert seldom.filter(following)
    assert following.getMessage() == "away (3 more before)"
    now = 20.0
    quiet = record()
    assert seldom.filter(quiet)
    assert quiet.getMessage() == "away"
