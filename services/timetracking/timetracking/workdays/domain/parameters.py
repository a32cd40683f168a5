"""The lawbook's parameters of a working day, on each date."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from lawbook import Lawbook

from timetracking.workdays.domain.borders import Law
from timetracking.workdays.domain.words import Parameters

IDS = {
    "day-border": "working-day/day-border",
    "border-margin": "working-day/border-margin",
    "double-read-window": "working-day/double-read-window",
    "longest-stay": "working-day/longest-stay",
    "stay-beyond-duty": "working-day/stay-beyond-duty",
    "rest-between-days": "working-time/rest-between-days",
    "daily-limit": "working-time/daily-limit",
    "night": "working-time/night",
}
"""The last part of each ID is its name in a fold document."""


def seconds_of_day(clock: str) -> int:
    """Seconds after midnight of a wall time "HH:MM"."""
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def law_of(lawbook: Lawbook, overrides: Mapping[str, Any] | None = None) -> Law:
    """The parameters on each date, with some values overridden for a run."""
    given = dict(overrides or {})

    @lru_cache(maxsize=4096)
    def on(day: date) -> Parameters:
        values = {name: given[name] if name in given else lawbook.require(parameter, day).value for name, parameter in IDS.items()}
        night = values["night"]
        return Parameters(
            day_border=seconds_of_day(values["day-border"]),
            border_margin=values["border-margin"],
            double_read_window=values["double-read-window"],
            longest_stay=values["longest-stay"],
            stay_beyond_duty=values["stay-beyond-duty"],
            rest_between_days=values["rest-between-days"],
            daily_limit=values["daily-limit"],
            night=(seconds_of_day(night[0]), seconds_of_day(night[1])),
        )

    return on
