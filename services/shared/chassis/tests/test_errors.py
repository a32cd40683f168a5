"""How faults become statuses."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import lawbook
import pytest
from chassis.errors import TRAILER_LIMIT, Internal, Refusals, current_language, language_of, speak, status_of
from chassis.messages import Messages
from google.rpc import code_pb2, error_details_pb2
from grpc_status import rpc_status
from kernel.faults import Fault, Malformed, NotFound, RuleBroken, TooMuch
from kernel.text import LocalizedText

TEXT = LocalizedText("қ", "ы", "e")
LAW: Any = SimpleNamespace(edition="e1", rule=lambda rule, on: SimpleNamespace(id=rule, citation=TEXT, title=TEXT, since=on))
REFUSALS = Refusals("registry", Messages.load("chassis"), LAW)


def test_each_detail_stands_at_most_once_and_the_reason_first() -> None:
    status = REFUSALS.status(RuleBroken("SPAN_REVERSED", "o120-p18", date(2026, 1, 1), since=1, until=2), "ru")
    kinds = [detail.TypeName() for detail in status.details]
    assert kinds == ["google.rpc.ErrorInfo", "tartip.law.v1.LegalBasis", "google.rpc.LocalizedMessage"]


def test_the_status_speaks_english_to_developers() -> None:
    assert REFUSALS.status(NotFound("servants/x"), "kk").message == "servants/x was not found, or you may not see it."


def test_every_number_of_the_text_is_in_the_metadata() -> None:
    status = REFUSALS.status(Fault("SPAN_REVERSED", {"since": date(2026, 2, 1), "until": date(2026, 1, 31)}), "en")
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    assert dict(info.metadata) == {"since": "2026-02-01", "until": "2026-01-31"}


def test_a_fault_of_no_named_kind_is_a_failed_precondition() -> None:
    assert REFUSALS.status(Fault("SPAN_REVERSED"), "en").code == code_pb2.FAILED_PRECONDITION
    assert REFUSALS.status(Internal("r-1"), "en").code == code_pb2.INTERNAL


@pytest.mark.parametrize("fields", [1, 100, 10_000])
def test_the_trailer_stays_small_however_much_is_wrong(fields: int) -> None:
    fault = Malformed({f"rows[{number}].servant.display_name": "at most 200 letters" for number in range(fields)})
    trailer: Any = rpc_status.to_status(REFUSALS.status(fault, "kk")).trailing_metadata
    assert len(trailer[0][1]) * 4 / 3 < TRAILER_LIMIT


def test_the_trailer_of_a_refusal_stays_small_whatever_the_rule() -> None:
    law = lawbook.load()
    refusals = Refusals("timetracking", Messages.load("chassis"), law)
    assert law.rules()
    for rule_id in law.rules():
        on = law.wordings(rule_id)[-1].since
        status = refusals.status(RuleBroken("SPAN_REVERSED", rule_id, on, since=date(2026, 2, 1), until=date(2026, 1, 1)), "kk")
        trailer: Any = rpc_status.to_status(status).trailing_metadata
        assert len(trailer[0][1]) * 4 / 3 < TRAILER_LIMIT, rule_id


def test_the_time_to_wait_comes_with_too_much() -> None:
    status = REFUSALS.status(TooMuch("TOO_MUCH", 0.25), "kk")
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.details)
    assert retry.retry_delay.ToMilliseconds() == 250


@pytest.mark.parametrize(
    ("accepted", "language"),
    [(None, "kk"), ("RU", "ru"), ("en-US", "en"), ("fr,en", "en"), (" kk ; q=1", "kk"), ("*", "kk"), ("русский", "kk")],
)
def test_the_first_language_that_the_platform_speaks_is_taken(accepted: str | None, language: str) -> None:
    assert language_of(accepted) == language


async def test_a_row_is_refused_only_inside_of_a_call() -> None:
    with pytest.raises(LookupError):
        status_of(NotFound("x"))
    speak(REFUSALS, "ru")
    assert current_language() == "ru"
    assert "не найдено".encode() in status_of(NotFound("x")).SerializeToString()
