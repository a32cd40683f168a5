"""What becomes of a change that reaches a day whose timesheet is closed: the closed figures stand, a person decides."""

from dataclasses import dataclass

from timetracking.workdays.domain.words import WorkdayContent


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A closed day beside what the facts say of it now, for a person to take up."""

    closed: WorkdayContent
    recomputed: WorkdayContent


def adjustment(closed: WorkdayContent, recomputed: WorkdayContent) -> Adjustment | None:
    """The adjustment that a change raises; None where the day says the same as when it was closed."""
    return Adjustment(closed, recomputed) if recomputed != closed else None
