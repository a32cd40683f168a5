"""Whoever asks for records of others says what for where the method demands it, and what was said is written down."""

from typing import Any

import pytest
from chassis.access import AccessRule, Grant
from chassis.audit import audit_record
from chassis.auth import Claims
from chassis.calls import current_call
from chassis.interceptors.authorisation import authorised
from chassis.interceptors.incoming import Incoming
from chassis.purposes import HEADER, Purpose
from kernel.faults import Malformed

METHOD = "/tartip.test.v1.FileService/ReadFile"
OFFICER = Grant("hr-officer", "state-body", "KGD")


async def purpose_taken(demanded: bool, said: str | None, grants: tuple[Grant, ...], servant: str | None = None) -> str | None:
    """The purpose that the audit record of such a call says."""
    rule = AccessRule(METHOD, frozenset({"hr-officer", "servant"}), frozenset(), frozenset({"state-body"}), demanded)
    claims = Claims("anna", "portal", servant, grants, 0.0)
    context: Any = None
    call = Incoming(METHOD, context, {HEADER: said} if said is not None else {}, "request-1", False, claims=claims)
    async with authorised({METHOD: rule}, None, 30.0)(call):
        seen = current_call()
        assert seen is not None
        assert audit_record(None, "file.read", "servants/s-1").purpose == seen.purpose
        return seen.purpose


@pytest.mark.parametrize("demanded", [True, False])
async def test_a_purpose_that_is_said_stands_in_the_record(demanded: bool) -> None:
    for purpose in Purpose:
        assert await purpose_taken(demanded, purpose.value, (OFFICER,)) == purpose


async def test_nothing_has_to_be_said_where_nothing_is_demanded() -> None:
    assert await purpose_taken(False, None, (OFFICER,)) is None


@pytest.mark.parametrize("said", [None, ""])
async def test_who_does_not_say_what_for_is_told_the_words(said: str | None) -> None:
    with pytest.raises(Malformed) as refused:
        await purpose_taken(True, said, (OFFICER,))
    (right,) = refused.value.violations.values()
    assert [purpose for purpose in Purpose if purpose not in right] == []


@pytest.mark.parametrize("demanded", [True, False])
@pytest.mark.parametrize("said", ["Evaluation", "evaluation ", "Серікова А.", "-", "x" * 8_000])
async def test_another_word_is_refused_and_not_repeated(demanded: bool, said: str) -> None:
    with pytest.raises(Malformed) as refused:
        await purpose_taken(demanded, said, (OFFICER,))
    assert said not in refused.value.violations[HEADER] or said == "-"


async def test_ones_own_records_are_read_without_a_purpose() -> None:
    assert await purpose_taken(True, None, (), servant="s-1") is None
    with pytest.raises(Malformed):  # with the grant of an officer the same person reads those of others too
        await purpose_taken(True, None, (OFFICER,), servant="s-1")
