from datetime import date

import pytest
from kernel.faults import (
    Conflict,
    Fault,
    Forbidden,
    Malformed,
    NotFound,
    RuleBroken,
    Stale,
    TookTooLong,
    TooMuch,
    Unauthenticated,
    Unavailable,
    WrongState,
)

ON = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("fault", "reason", "facts"),
    [
        (Malformed({"span.since": "a date"}), "MALFORMED", {}),
        (Malformed({"page_token": "a token of this list"}, "PAGE_TOKEN"), "PAGE_TOKEN", {}),
        (NotFound("servants/7"), "NOT_FOUND", {"resource": "servants/7"}),
        (Conflict("servants/7"), "ALREADY_EXISTS", {"resource": "servants/7"}),
        (Conflict("badges/7", "BADGE_TAKEN", since=ON), "BADGE_TAKEN", {"resource": "badges/7", "since": ON}),
        (Stale("servants/7"), "STALE_ETAG", {"resource": "servants/7"}),
        (RuleBroken("TERM_TOO_LONG", "o120-p18", ON, limitMonths=6), "TERM_TOO_LONG", {"limitMonths": 6}),
        (WrongState("SPAN_REVERSED", since=ON), "SPAN_REVERSED", {"since": ON}),
        (Forbidden(role="inspector"), "FORBIDDEN", {"role": "inspector"}),
        (Unauthenticated(), "UNAUTHENTICATED", {}),
        (TooMuch("BUSY", 1.5, most=100), "BUSY", {"most": 100}),
        (TookTooLong(), "OUT_OF_TIME", {}),
        (Unavailable(), "UNAVAILABLE", {}),
    ],
)
def test_a_fault_says_its_reason_and_its_facts(fault: Fault, reason: str, facts: dict[str, object]) -> None:
    assert (fault.reason, dict(fault.facts)) == (reason, facts)


def test_a_broken_rule_names_the_rule_and_the_day_of_its_law() -> None:
    fault = RuleBroken("TERM_TOO_LONG", "o120-p18", ON, limitMonths=6)
    assert (fault.rule, fault.on, str(fault)) == ("o120-p18", ON, "TERM_TOO_LONG [o120-p18]")


def test_no_fact_stands_in_the_text_of_a_fault() -> None:
    assert str(Conflict("servants/7", "IIN_TAKEN", iin="850101300123")) == "IIN_TAKEN"


def test_malformed_input_says_what_would_be_right() -> None:
    assert Malformed({"span.since": "a date"}).violations == {"span.since": "a date"}


def test_too_much_says_when_to_come_again() -> None:
    assert TooMuch("BUSY", 1.5).retry_after_s == 1.5
