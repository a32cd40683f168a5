"""Legal holds as followers take them over."""

from datetime import date

from chassis.personal_data.holds import holds_told
from chassis.wire import day_message
from kernel.days import DaySpan
from kernel.holds import Hold
from tartip.registry.v1.events_pb2 import LegalHold

SINCE, UNTIL = date(2026, 1, 19), date(2026, 2, 13)


def told(hold: str, *, released: bool = False) -> LegalHold:
    return LegalHold(hold=hold, since=day_message(SINCE), until=day_message(UNTIL), released=released)


def test_of_the_holds_of_an_older_state_those_that_were_released_hold_nothing() -> None:
    assert holds_told([told("h1", released=True), told("h2")]) == (Hold("h2", DaySpan(SINCE, UNTIL)),)
