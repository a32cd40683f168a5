"""The service's `fold` says of random documents what the reference says, in any order and repetition of their lists."""

from __future__ import annotations

from random import Random

import pytest

from .compare import Fold, judge, outcome, production
from .fold import fold
from .spoil import spoiled
from .streams import document

DOCUMENTS = 40


@pytest.fixture(scope="module")
def service() -> Fold:
    return production()


@pytest.mark.parametrize("number", range(DOCUMENTS))
def test_the_service_and_the_reference_agree_to_the_last_list(service: Fold, number: int) -> None:
    assert judge(service, document(f"agree:{number}"), strict=True, seed=number) == []


@pytest.mark.parametrize("number", range(DOCUMENTS))
def test_the_service_refuses_what_the_reference_refuses(service: Fold, number: int) -> None:
    flaw, broken = spoiled(document(f"spoiled:{number}"), Random(number))
    reference, answer = outcome(fold, broken), outcome(service, broken)
    if isinstance(reference, str) and reference.startswith("refused"):
        assert isinstance(answer, str), flaw
        assert answer.startswith("refused"), flaw
