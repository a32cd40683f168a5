"""What labour-order rules may say, and whose rules hold."""

from datetime import date
from typing import Any

import pytest
from kernel.faults import Malformed, RuleBroken
from lawbook import load
from regimes.rules.domain import in_force

from ..samples import body, rules, six_day

LAW = load()


def broken(**values: Any) -> RuleBroken:
    with pytest.raises(RuleBroken) as refused:
        rules(**values).check(LAW)
    return refused.value


@pytest.mark.parametrize("hours", ["09:00-18:30", "08:30-18:00", "08:00-17:00"])
def test_a_lawful_five_day_week_is_kept(hours: str) -> None:
    pause = "12:30-13:30" if hours == "08:00-17:00" else "13:00-14:30"
    rules(hours=hours, pause=pause).check(LAW)


def test_a_lawful_six_day_week_is_kept() -> None:
    six_day().check(LAW)


def test_a_day_of_more_than_eight_hours_is_refused() -> None:
    fault = broken(hours="09:00-18:31")
    assert (fault.reason, fault.rule, fault.on) == ("DAILY_LIMIT", "lc-71", date(2024, 1, 1))
    assert fault.facts == {"seconds": 28860, "limitSeconds": 28800}


def test_a_week_of_more_than_forty_hours_is_refused() -> None:
    fault = broken(sixth_day_end="18:30")
    assert (fault.reason, fault.rule) == ("WEEKLY_LIMIT", "lc-68")
    assert fault.facts == {"seconds": 48 * 3600, "limitSeconds": 40 * 3600}


@pytest.mark.parametrize(("pause", "seconds"), [(None, 0), ("13:00-13:29", 1740)])
def test_a_break_under_half_an_hour_is_refused(pause: str | None, seconds: int) -> None:
    fault = broken(hours="09:00-17:00", pause=pause)
    assert (fault.reason, fault.rule) == ("BREAK_TOO_SHORT", "lc-81")
    assert fault.facts == {"seconds": seconds, "limitSeconds": 1800}


def test_the_short_sixth_day_needs_its_break_too() -> None:
    fault = broken(hours="09:00-16:30", pause="13:30-14:00", sixth_day_end="13:30")
    assert (fault.reason, fault.facts["seconds"]) == ("BREAK_TOO_SHORT", 0)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"hours": "18:30-09:00", "pause": None}, "end"),
        ({"hours": "09:00-09:00", "pause": None}, "end"),
        ({"pause": "08:00-09:30"}, "break_end"),
        ({"pause": "14:30-13:00"}, "break_end"),
        ({"sixth_day_end": "19:00"}, "sixth_day_end"),
        ({"grace": -1}, "grace"),
        ({"grace": 86_401}, "grace"),
        ({"premises": " "}, "premises"),
    ],
)
def test_rules_that_say_no_day_are_malformed(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        rules(**values)
    assert list(refused.value.violations) == [f"labour_order_rules.{field}"]


def test_the_rules_of_the_nearest_unit_hold() -> None:
    whole, audit = rules(), rules("audit", "audit", date(2025, 1, 1))
    chain = list(body().chain("audit-1"))
    assert in_force([whole, audit], "KGD", chain, date(2025, 6, 1)) == audit
    assert in_force([whole, audit], "KGD", chain, date(2024, 12, 31)) == whole
    assert in_force([whole, audit], "KGD", body().chain("duty"), date(2025, 6, 1)) == whole


def test_rules_hold_until_the_next_of_the_same_unit_begin() -> None:
    first, second = rules(), rules("2025", since=date(2025, 1, 1))
    assert in_force([second, first], "KGD", [""], date(2024, 12, 31)) == first
    assert in_force([second, first], "KGD", [""], date(2025, 1, 1)) == second
    assert in_force([second, first], "KGD", [""], date(2023, 12, 31)) is None


def test_the_rules_of_another_body_never_hold() -> None:
    assert in_force([rules(body="MF")], "KGD", [""], date(2025, 1, 1)) is None
