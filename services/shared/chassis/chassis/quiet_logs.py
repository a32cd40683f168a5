"""Kafka's libraries say the same line dozens of times a second while the broker is away; a few are enough."""

import logging
import time
from collections.abc import Callable

_LIBRARIES = ("aiokafka", "faust", "mode")
_LINES = 5
_WINDOW_S = 10.0


class Seldom(logging.Filter):
    """Lets through `lines` records a logger in `window_s` seconds; the first of the next window says how many were left out."""

    def __init__(self, lines: int = _LINES, window_s: float = _WINDOW_S, elapsed: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._lines = lines
        self._window_s = window_s
        self._elapsed = elapsed
        self._since = elapsed()
        self._seen = 0

    def filter(self, record: logging.LogRecord) -> bool:
        now = self._elapsed()
        if now - self._since >= self._window_s:
            left_out = max(0, self._seen - self._lines)
            self._since, self._seen = now, 0
            if left_out:
                record.msg = f"{record.msg} ({left_out} more before)"
        self._seen += 1
        return self._seen <= self._lines


def quieten() -> None:
    """Limits the loggers of Kafka's libraries, which exist once they were imported; a second call changes nothing."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in _LIBRARIES:
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
            if not any(isinstance(each, Seldom) for each in logger.filters):
                logger.addFilter(Seldom())
