"""The catalogue of refusals is what the protos, the texts and the code say now."""

from datetime import date
from string import Formatter

import pytest
from chassis.messages import Messages
from lawbook import load

from .error_catalogue import PAGE, SERVICES, catalogue, given, reasons

DAY = date(2026, 11, 22)
# What refuses to destroy may rest on less: the Law of 2015 has ended, and of the one that followed it the book has no text yet.
REFUSES_TO_DESTROY = {"csl-58-6"}


def test_the_error_catalogue_is_what_make_docs_would_write() -> None:
    assert PAGE.read_text(encoding="utf-8") == catalogue()


def test_a_refusal_rests_only_on_what_is_certain_in_law() -> None:
    rules = {each.rule for service in SERVICES for each in given(service) if each.rule}
    assert rules
    assert {rule for rule in rules if load().rule(rule, DAY).confidence != "high"} == REFUSES_TO_DESTROY


@pytest.mark.parametrize("service", SERVICES)
def test_whatever_a_text_shows_is_a_fact_that_the_proto_names(service: str) -> None:
    texts = Messages.load(service).texts
    hidden = {
        reason.name: sorted(shown - {fact.strip() for fact in reason.facts.split(",")})
        for reason in reasons(service)
        if (shown := {name for _, name, _, _ in Formatter().parse(texts[reason.name].en) if name})
    }
    assert {name: facts for name, facts in hidden.items() if facts} == {}
