"""The catalogue of refusals is what the protos, the texts and the code say now."""

from datetime import date

from lawbook import load

from .error_catalogue import PAGE, SERVICES, catalogue, given

DAY = date(2026, 11, 22)


def test_the_error_catalogue_is_what_make_docs_would_write() -> None:
    assert PAGE.read_text(encoding="utf-8") == catalogue()


def test_a_refusal_rests_only_on_what_is_certain_in_law() -> None:
    rules = {each.rule for service in SERVICES for each in given(service) if each.rule}
    assert rules
    assert {rule for rule in rules if load().rule(rule, DAY).confidence != "high"} == set()
