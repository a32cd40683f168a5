"""A badge in one holder's hands, for a span of instants."""

from datetime import UTC, date, datetime

import pytest
from kernel.days import DaySpan
from kernel.faults import WrongState
from timetracking.badges.domain import Badge

SINCE = datetime(2026, 11, 24, 3, 55, tzinfo=UTC)


@pytest.mark.parametrize("until", [SINCE, datetime(2026, 11, 24, 3, 54, 59, tzinfo=UTC)])
def test_a_span_that_ends_before_it_begins_is_refused(until: datetime) -> None:
    with pytest.raises(WrongState) as refused:
        Badge("b", "hq", "17", "S1", SINCE, until)
    assert (refused.value.reason, dict(refused.value.facts)) == ("SPAN_REVERSED", {"since": SINCE, "until": until})


def test_the_days_of_a_badge_are_those_of_any_zone() -> None:
    """04:30 in Almaty is the date before in UTC; and a badge may be handed out on the eve of the first day."""
    until = datetime(2026, 11, 30, 19, tzinfo=UTC)
    assert Badge("b", "hq", "17", "S1", SINCE, until).days == DaySpan(date(2026, 11, 23), date(2026, 12, 1))
    assert Badge("b", "hq", "17", "S1", SINCE).days == DaySpan(date(2026, 11, 23))
