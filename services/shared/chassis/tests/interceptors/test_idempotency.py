"""The same request ID gives the same answer, and the work is done once."""

import asyncio
from typing import Any
from uuid import uuid4

import grpc
import pytest
from chassis.interceptors.idempotency import kept_of
from chassis.requests import RequestLedger
from chassis.testing.client import channel, refusal_of
from chassis.testing.fixtures import MakeDatabase
from kernel.faults import NotFound
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.registry.v1 import state_body_service_pb2_grpc as bodies_grpc
from tartip.timetracking.v1 import device_service_pb2 as devices

OPERATOR = ["/regions/75/operator"]


@pytest.fixture
async def ledger(database: MakeDatabase) -> RequestLedger:
    """A ledger in a fresh database."""
    return RequestLedger((await database("chassis.testing.bare")).app, "a key")


async def _create(address: str, token: str, request_id: str, body: str = "KGD") -> Any:
    request = bodies.CreateStateBodyRequest(state_body_id=body, request_id=request_id)
    async with channel(address, token, "en") as asked:
        return await bodies_grpc.StateBodyServiceStub(asked).CreateStateBody(request)


async def test_a_repeated_request_is_answered_alike_and_done_once(stage: Any, ledger: RequestLedger) -> None:
    token, request_id = stage.tokens.mint("anna", OPERATOR), str(uuid4())
    async with stage.registry(ledger=ledger) as address:
        first = await _create(address, token, request_id)
        second = await _create(address, token, request_id.upper())
    assert first == second
    assert len(stage.told.seen) == 1


async def test_two_at_once_are_done_once(stage: Any, ledger: RequestLedger) -> None:
    token, request_id = stage.tokens.mint("anna", OPERATOR), str(uuid4())
    async with stage.registry(ledger=ledger) as address:
        answers = await asyncio.gather(*(_create(address, token, request_id) for _ in range(5)))
    assert {answer.etag for answer in answers} == {"1"}


async def test_the_same_id_with_another_body_is_refused(stage: Any, ledger: RequestLedger) -> None:
    token, request_id = stage.tokens.mint("anna", OPERATOR), str(uuid4())
    async with stage.registry(ledger=ledger) as address:
        await _create(address, token, request_id)
        with pytest.raises(grpc.RpcError) as error:
            await _create(address, token, request_id, "MF")
    refusal = refusal_of(error.value)
    assert refusal.reason == "REQUEST_ID_REUSED"
    assert refusal.facts["requestId"] == request_id
    assert request_id in refusal.text


async def test_the_answer_is_not_given_to_one_who_lost_the_grant(stage: Any, ledger: RequestLedger) -> None:
    request_id = str(uuid4())
    async with stage.registry(ledger=ledger) as address:
        await _create(address, stage.tokens.mint("anna", OPERATOR), request_id)
        with pytest.raises(grpc.RpcError) as error:
            await _create(address, stage.tokens.mint("anna", ["/regions/71/operator"]), request_id)
    refusal = refusal_of(error.value)
    assert (refusal.reason, refusal.facts["takes"], refusal.facts["grants"]) == ("FORBIDDEN", ", ".join(OPERATOR), "/regions/71/operator")


async def test_a_refused_request_may_be_tried_again(stage: Any, ledger: RequestLedger) -> None:
    token, request_id = stage.tokens.mint("anna", OPERATOR), str(uuid4())

    async def refuse(_: Any) -> None:
        raise NotFound("stateBodies/MF")

    async with stage.registry(ledger=ledger) as address:
        stage.told.work = refuse
        with pytest.raises(grpc.RpcError):
            await _create(address, token, request_id)
        stage.told.work = None
        assert (await _create(address, token, request_id)).name == "stateBodies/KGD"


async def test_an_id_that_is_no_uuid_is_malformed(stage: Any, ledger: RequestLedger) -> None:
    async with stage.registry(ledger=ledger) as address:
        with pytest.raises(grpc.RpcError) as error:
            await _create(address, stage.tokens.mint("anna", OPERATOR), "again")
    assert refusal_of(error.value).violations == {"request_id": "a UUID"}


async def test_without_an_id_each_request_is_done(stage: Any, ledger: RequestLedger) -> None:
    token = stage.tokens.mint("anna", OPERATOR)
    async with stage.registry(ledger=ledger) as address:
        assert [(await _create(address, token, "")).etag for _ in range(2)] == ["1", "2"]


def test_what_is_shown_once_is_not_kept_at_whatever_depth() -> None:
    shown = devices.DeviceSecret(value="shown once")
    answer = devices.ListDevicesResponse(next_page_token="a")
    answer.devices.add(name="b").proof.secret.CopyFrom(shown)
    answer.devices.add(name="c").former_proof.proof.secret.CopyFrom(shown)
    kept = kept_of(answer)
    assert b"shown once" not in kept.SerializeToString()
    assert b"shown once" in answer.SerializeToString()
    assert [each.name for each in kept.devices] == ["b", "c"]
    assert kept.devices[0].proof.HasField("secret")


def test_an_answer_that_shows_nothing_once_is_kept_as_it_is() -> None:
    answer = bodies.StateBody(name="stateBodies/KGD")
    assert kept_of(answer) is answer
