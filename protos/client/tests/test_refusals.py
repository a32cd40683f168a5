"""What is refused comes as what it means, with its reason, facts, text and article."""

from datetime import date
from typing import Any

import grpc
import lawbook
import pytest
import tartip_client
from chassis.errors import CODES, Refusals, code_name
from google.protobuf.descriptor import EnumValueDescriptor
from google.rpc import code_pb2, error_details_pb2, status_pb2
from kernel.faults import Fault, Malformed, NotFound, RuleBroken
from tartip.regimes.v1 import error_reason_pb2 as regimes
from tartip.registry.v1 import error_reason_pb2 as registry
from tartip.registry.v1.state_body_service_pb2 import GetStateBodyRequest
from tartip.timetracking.v1 import error_reason_pb2 as timetracking
from tartip_client.refusals import KINDS, refused

from .conftest import Client, Stage, texts

SERVICES: Any = {"registry": registry, "regimes": regimes, "timetracking": timetracking}
REASONS = [(service, value) for service, module in SERVICES.items() for value in module.ErrorReason.DESCRIPTOR.values if value.number]
GET = GetStateBodyRequest(name="stateBodies/KGD")


@pytest.mark.parametrize(("service", "value"), REASONS, ids=lambda each: each if isinstance(each, str) else each.name)
def test_every_reason_of_the_catalogue_is_known_by_its_number(service: str, value: EnumValueDescriptor) -> None:
    reason = value.name.removeprefix("ERROR_REASON_")
    refusals = Refusals(service, texts(SERVICES[service].ErrorReason.DESCRIPTOR), lawbook.load())
    read = tartip_client.refusal_in(refusals.status(Fault(reason, {"resource": "r"}), "ru"))
    assert (read.reason, read.known, read.domain, read.language) == (reason, value.number, f"{service}.tartip", "ru")
    assert read.text
    assert reason in str(refused(read))


@pytest.mark.parametrize(
    ("domain", "reason"), [("registry.tartip", "YOUNGER"), ("sheets.tartip", "NOT_FOUND"), ("", ""), ("a.b", "NOT_FOUND")]
)
def test_a_reason_that_is_younger_than_the_client_is_kept_as_it_came(domain: str, reason: str) -> None:
    status = status_pb2.Status(code=code_pb2.FAILED_PRECONDITION, message="m")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata={"a": "1"}))
    read = tartip_client.refusal_in(status)
    assert (read.reason, read.known, dict(read.facts)) == (reason, None, {"a": "1"})


def test_every_code_with_which_the_platform_refuses_has_its_exception() -> None:
    assert {code_name(code) for _, code in CODES} | {"FAILED_PRECONDITION"} == set(KINDS)


async def test_a_refusal_by_law_carries_its_article(stage: Stage, token: str, client: Client) -> None:
    on = date(2026, 1, 1)
    rule = lawbook.load().rule("o120-p18", on)

    async def refuse(_: Any) -> None:
        raise RuleBroken("SPAN_REVERSED", "o120-p18", on, since=date(2026, 2, 1), until=on)

    stage.told.work = refuse
    async with stage.registry() as address:
        with pytest.raises(tartip_client.Precondition) as error:
            await client.call(address, token, "GetStateBody", GET)
    caught = error.value
    assert caught.basis is not None
    assert (caught.basis.rule, caught.basis.citation.ru, caught.basis.title.kk) == ("o120-p18", rule.citation.ru, rule.title.kk)
    assert caught.basis.in_force_since == rule.since
    assert (caught.known, dict(caught.facts)) == (registry.ERROR_REASON_SPAN_REVERSED, {"since": "2026-02-01", "until": "2026-01-01"})
    assert str(caught) == f"SPAN_REVERSED: {caught.text}; {rule.citation.en}: {rule.title.en} (o120-p18)"
    assert caught.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert len(stage.told.asked) == 1


async def test_what_is_malformed_says_by_field_what_would_be_right(stage: Stage, token: str, client: Client) -> None:
    async def refuse(_: Any) -> None:
        raise Malformed({"name": "stateBodies/{id}"})

    stage.told.work = refuse
    async with stage.registry() as address:
        with pytest.raises(tartip_client.Invalid) as error:
            await client.call(address, token, "GetStateBody", GET)
    assert error.value.violations == {"name": "stateBodies/{id}"}
    assert str(error.value).endswith("; name: stateBodies/{id}")


async def test_a_call_may_speak_another_language_and_say_what_for(stage: Stage, token: str, client: Client) -> None:
    async def refuse(request: Any) -> None:
        raise NotFound(request.name)

    stage.told.work = refuse
    said = tartip_client.metadata(language="ru", purpose="evaluation")
    async with stage.registry() as address:
        with pytest.raises(tartip_client.NotFound, match="stateBodies/KGD: не найдено"):
            await client.call(address, token, "GetStateBody", GET, metadata=said)
        with pytest.raises(tartip_client.NotFound, match="stateBodies/KGD was not found"):
            await client.call(address, token, "GetStateBody", GET)
    assert [each.get("tartip-purpose") for each in stage.told.metadata] == ["evaluation", None]


async def test_who_may_not_is_told_so_and_who_cannot_be_reached_too(stage: Stage, client: Client) -> None:
    async with stage.registry() as address:
        with pytest.raises(tartip_client.NotAllowed):
            await client.call(address, stage.tokens.mint("boris", ["/systems/hq/device-gateway"]), "GetStateBody", GET)
    with pytest.raises(tartip_client.Unavailable) as error:
        await client.call(address, "a token", "GetStateBody", GET, tartip_client.ONCE)
    assert (error.value.reason, error.value.basis, error.value.known) == ("", None, None)
    assert "a token" not in f"{error.value!r} {error.value.__cause__!r}"
