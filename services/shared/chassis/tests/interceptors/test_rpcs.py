"""What surrounds every RPC, seen from outside: who gets in, and how refusals look."""

from datetime import date
from typing import Any

import grpc
import pytest
import sqlalchemy.exc
from chassis.access import Reach
from chassis.calls import current_call
from chassis.interceptors.telemetry import CALLS, REFUSED
from chassis.telemetry import trace_id
from chassis.testing.client import channel, refusal_of
from kernel.faults import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    RuleBroken,
    Stale,
    TookTooLong,
    TooMuch,
    Unavailable,
    WrongState,
)
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.registry.v1 import state_body_service_pb2_grpc as bodies_grpc

GET = "/tartip.registry.v1.StateBodyService/GetStateBody"
OFFICER = ["/state-bodies/KGD/hr-officer"]


async def _get(address: str, token: str | None, language: str = "kk", name: str = "stateBodies/KGD") -> Any:
    async with channel(address, token, language) as asked:
        return await bodies_grpc.StateBodyServiceStub(asked).GetStateBody(bodies.GetStateBodyRequest(name=name))


async def _refusal(address: str, token: str | None, language: str = "kk") -> Any:
    with pytest.raises(grpc.RpcError) as error:
        await _get(address, token, language)
    return refusal_of(error.value)


async def test_a_caller_with_a_grant_is_answered_and_known_to_the_servicer(stage: Any) -> None:
    async with stage.registry() as address:
        answer = await _get(address, stage.tokens.mint("anna", [*OFFICER, "/nation/nobody"], servant="s-1"))
    assert answer.name == "stateBodies/KGD"
    assert [caller.subject for caller in stage.told.seen] == ["anna"]
    assert stage.told.seen[0].reach == Reach(bodies=frozenset({"KGD"}))


@pytest.mark.parametrize(
    ("grants", "shown"),
    [
        ([], "—"),
        (["/hr-officer"], "—"),
        (["/systems/hq/hr-officer"], "/systems/hq/hr-officer"),
        (["/state-bodies/KGD/device-gateway", "/nation/none"], "/nation/none, /state-bodies/KGD/device-gateway"),
    ],
)
async def test_a_caller_without_a_grant_that_opens_the_method_is_told_what_it_takes(stage: Any, grants: list[str], shown: str) -> None:
    async with stage.registry() as address:
        refusal = await _refusal(address, stage.tokens.mint("anna", grants, servant="s-1"))
    assert (refusal.code, refusal.reason, refusal.domain) == ("PERMISSION_DENIED", "FORBIDDEN", "registry.tartip")
    takes = "/nation, /regions/*, /state-bodies/*: auditor, hr-officer, inspector, integrator, operator"
    assert refusal.facts == {"method": GET.removeprefix("/"), "takes": takes, "grants": shown}
    assert stage.told.seen == []


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer not.a.token", "bearer"])
async def test_a_call_without_a_token_that_counts_is_not_let_in(stage: Any, authorization: str | None) -> None:
    async with stage.registry() as address, grpc.aio.insecure_channel(address) as asked:
        metadata = [("authorization", authorization)] if authorization is not None else []
        with pytest.raises(grpc.RpcError) as error:
            await bodies_grpc.StateBodyServiceStub(asked).GetStateBody(bodies.GetStateBodyRequest(), metadata=metadata)
    refusal = refusal_of(error.value)
    assert (refusal.code, refusal.reason, refusal.facts) == ("UNAUTHENTICATED", "UNAUTHENTICATED", {})
    assert stage.told.seen == []


async def test_without_keys_of_the_issuer_the_answer_is_unavailable(stage: Any) -> None:
    token = stage.tokens.mint("anna", OFFICER)
    stage.tokens.away = True
    try:
        async with stage.registry() as address:
            refusal = await _refusal(address, token)
    finally:
        stage.tokens.away = False
    assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "UNAVAILABLE")
    assert refusal.retry_after_s is not None


@pytest.mark.parametrize(
    ("fault", "code", "facts"),
    [
        (Malformed({"name": "stateBodies/{id}"}), "INVALID_ARGUMENT", {}),
        (NotFound("stateBodies/X"), "NOT_FOUND", {"resource": "stateBodies/X"}),
        (Conflict("stateBodies/X"), "ALREADY_EXISTS", {"resource": "stateBodies/X"}),
        (Stale("stateBodies/X"), "ABORTED", {"resource": "stateBodies/X"}),
        (Forbidden(method="m"), "PERMISSION_DENIED", {"method": "m"}),
        (TooMuch("TOO_MUCH", 1.5, limit=3), "RESOURCE_EXHAUSTED", {"limit": "3"}),
        (TookTooLong(), "DEADLINE_EXCEEDED", {}),
        (Unavailable(), "UNAVAILABLE", {}),
        (WrongState("SPAN_REVERSED", since=date(2026, 2, 1), until=date(2026, 1, 1)), "FAILED_PRECONDITION", None),
        (RuleBroken("TERM_TOO_LONG", "o120-p18", date(2026, 1, 1), limitMonths=6), "FAILED_PRECONDITION", {"limitMonths": "6"}),
    ],
)
async def test_each_fault_has_its_code_reason_and_facts(stage: Any, fault: Any, code: str, facts: dict[str, str] | None) -> None:
    async with stage.registry() as address:
        refusal = await _told_to_raise(stage, address, fault)
    assert (refusal.code, refusal.reason) == (code, fault.reason)
    assert refusal.facts == (facts if facts is not None else {"since": "2026-02-01", "until": "2026-01-01"})


async def test_wrong_fields_come_with_what_would_be_right(stage: Any) -> None:
    async with stage.registry() as address:
        refusal = await _told_to_raise(stage, address, Malformed({"state_body.zone": "an IANA zone", "name": "stateBodies/{id}"}))
    assert refusal.violations == {"state_body.zone": "an IANA zone", "name": "stateBodies/{id}"}


async def test_a_refusal_by_law_names_its_article_in_three_languages(stage: Any) -> None:
    async with stage.registry() as address:
        refusal = await _told_to_raise(stage, address, RuleBroken("TERM_TOO_LONG", "o120-p18", date(2026, 1, 1), limitMonths=6))
    basis = refusal.basis
    assert (basis.rule, basis.edition) == ("o120-p18", "e1")
    assert (basis.citation.kk, basis.citation.ru) == ("120-бұйрық, 18-тармақ", "Приказ 120, пункт 18")
    assert basis.title.en == "Six months at most"
    assert (basis.in_force_since.year, basis.in_force_since.month, basis.in_force_since.day) == (2023, 6, 10)


async def test_a_rule_that_does_not_resolve_leaves_the_refusal_as_it_is(stage: Any) -> None:
    async with stage.registry() as address:
        refusal = await _told_to_raise(stage, address, RuleBroken("TERM_TOO_LONG", "o999-p1", date(2026, 1, 1)))
    assert (refusal.code, refusal.reason, refusal.basis) == ("FAILED_PRECONDITION", "TERM_TOO_LONG", None)


@pytest.mark.parametrize(
    ("accepted", "language", "word"),
    [
        ("ru", "ru", "Период"),
        ("en-GB,en;q=0.9", "en", "span"),
        ("kk-KZ", "kk", "Кезең"),
        ("de, ru;q=0.5", "ru", "Период"),
        ("de", "kk", "Кезең"),
        ("", "kk", "Кезең"),
        (";;,,", "kk", "Кезең"),
    ],
)
async def test_the_text_is_in_the_callers_language(stage: Any, accepted: str, language: str, word: str) -> None:
    async with stage.registry() as address:
        fault = WrongState("SPAN_REVERSED", since=date(2026, 2, 1), until=date(2026, 1, 1))
        refusal = await _told_to_raise(stage, address, fault, accepted)
    assert refusal.language == language
    assert word in refusal.text
    assert "2026-02-01" in refusal.text


async def test_something_unexpected_names_the_request_and_nothing_of_the_cause(stage: Any) -> None:
    async with stage.registry() as address:
        refusal = await _told_to_raise(stage, address, KeyError("850101300123"))
    assert (refusal.code, refusal.reason) == ("INTERNAL", "INTERNAL")
    assert list(refusal.facts) == ["requestId"]
    assert refusal.facts["requestId"] in refusal.text
    assert "850101300123" not in f"{refusal}"


@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError(), sqlalchemy.exc.DBAPIError("select", {}, Exception(), connection_invalidated=True), TimeoutError()],
)
async def test_a_database_that_is_away_is_unavailable_with_a_time_to_try_again(stage: Any, error: Exception) -> None:
    async with stage.registry() as address:
        refusal = await _told_to_raise(stage, address, error)
    assert (refusal.code, refusal.reason, refusal.retry_after_s) == ("UNAVAILABLE", "UNAVAILABLE", 1.0)


async def test_bytes_that_are_no_message_are_malformed(stage: Any) -> None:
    async with stage.registry() as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        call = asked.unary_unary(GET, request_serializer=None, response_deserializer=None)
        with pytest.raises(grpc.RpcError) as error:
            await call(b"\xff\xff\xff")
    refusal = refusal_of(error.value)
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "MALFORMED")
    assert stage.told.seen == []


async def test_a_text_with_a_zero_byte_is_malformed_by_its_field(stage: Any) -> None:
    async with stage.registry() as address:
        with pytest.raises(grpc.RpcError) as error:
            await _get(address, stage.tokens.mint("anna", OFFICER), name="stateBodies/\0")
    assert refusal_of(error.value).violations == {"name": "text without zero bytes"}
    assert stage.told.seen == []


async def test_bytes_that_are_no_message_do_not_tell_a_stranger_anything(stage: Any) -> None:
    async with stage.registry() as address, channel(address) as asked:
        with pytest.raises(grpc.RpcError) as error:
            await asked.unary_unary(GET, request_serializer=None, response_deserializer=None)(b"\xff\xff\xff")
    assert refusal_of(error.value).code == "UNAUTHENTICATED"


async def test_a_message_above_the_limit_is_refused(stage: Any) -> None:
    async with stage.registry() as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        with pytest.raises(grpc.RpcError) as error:
            await asked.unary_unary(GET, request_serializer=None, response_deserializer=None)(b"\0" * (4 * 1024 * 1024 + 1))
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_an_unknown_method_is_unimplemented(stage: Any) -> None:
    async with stage.registry() as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        call = asked.unary_unary("/tartip.registry.v1.StateBodyService/Drop", request_serializer=None, response_deserializer=None)
        with pytest.raises(grpc.RpcError) as error:
            await call(b"")
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_the_callers_trace_goes_on_inside(stage: Any) -> None:
    seen: list[Any] = []

    async def work(_: object) -> None:
        seen.extend([trace_id(), current_call()])

    stage.told.work = work
    metadata = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("x-request-id", "request-00001")]
    async with stage.registry() as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        stub: Any = bodies_grpc.StateBodyServiceStub(asked)
        await stub.GetStateBody(bodies.GetStateBodyRequest(), metadata=metadata)
    assert seen[0] == "0af7651916cd43dd8448eb211c80319c"
    assert (seen[1].method, seen[1].request_id, seen[1].caller.subject) == (GET, "request-00001", "anna")


@pytest.mark.parametrize(("grants", "code"), [(OFFICER, "OK"), ([], "PERMISSION_DENIED")])
async def test_every_call_is_counted_by_its_code_and_a_refused_one_by_its_reason(stage: Any, grants: list[str], code: str) -> None:
    counted, refused = CALLS.labels(GET, code)._value, REFUSED.labels("PERMISSION_DENIED", "FORBIDDEN")._value
    async with stage.registry() as address:
        before, refused_before = counted.get(), refused.get()
        if grants:
            await _get(address, stage.tokens.mint("anna", grants))
        else:
            await _refusal(address, stage.tokens.mint("anna", grants))
    assert counted.get() == before + 1
    assert refused.get() == refused_before + (code != "OK")


async def _told_to_raise(stage: Any, address: str, error: Exception, language: str = "kk") -> Any:
    async def work(_: object) -> None:
        raise error

    stage.told.work = work
    return await _refusal(address, stage.tokens.mint("anna", OFFICER), language)
