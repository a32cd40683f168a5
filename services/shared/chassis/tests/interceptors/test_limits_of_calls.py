"""How much a server takes of one client, one subject and one connection, and how long a call may take."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from chassis.interceptors.rates import HELD_BACK
from chassis.server import Limits
from chassis.settings import SettingsError, read
from chassis.testing.client import Refusal, channel, refusal_of
from tartip.registry.v1 import servant_service_pb2 as servants
from tartip.registry.v1 import servant_service_pb2_grpc as servants_grpc
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.registry.v1 import state_body_service_pb2_grpc as bodies_grpc

OFFICER = ["/state-bodies/KGD/hr-officer"]
SLOWLY = 0.001  # calls a second: within a test nothing comes back


async def _get(asked: grpc.aio.Channel, name: str = "stateBodies/KGD", **options: Any) -> Any:
    stub: Any = bodies_grpc.StateBodyServiceStub(asked)
    return await stub.GetStateBody(bodies.GetStateBodyRequest(name=name), **options)


async def _refused(call: Awaitable[Any]) -> Refusal:
    with pytest.raises(grpc.RpcError) as error:
        await call
    return refusal_of(error.value)


async def test_a_subject_who_calls_too_often_is_told_when_to_go_on_and_others_are_answered(stage: Any) -> None:
    limits = Limits(grace_seconds=0.2, subject_calls_per_second=SLOWLY, subject_calls_at_once=3)
    written: list[Any] = []
    counted = HELD_BACK.labels("subject")._value
    before = counted.get()
    async with stage.registry(limits=limits, refused=written.append) as address:
        async with channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
            for _ in range(3):
                await _get(asked)
            refusal = await _refused(_get(asked))
            assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "TOO_MUCH")
            assert 900 < (refusal.retry_after_s or 0) <= 1_000
        async with channel(address, stage.tokens.mint("boris", OFFICER)) as asked:
            assert (await _get(asked)).name == "stateBodies/KGD"
    assert [caller.subject for caller in stage.told.seen] == ["anna", "anna", "anna", "boris"]
    assert counted.get() == before + 1
    assert written == [], "a flood of refusals would be a flood of the audit"


async def test_all_who_call_through_a_client_share_what_it_has_and_another_client_has_its_own(stage: Any) -> None:
    limits = Limits(grace_seconds=0.2, client_calls_per_second=SLOWLY, client_calls_at_once=2)
    async with stage.registry(limits=limits) as address:
        for who in ("anna", "boris"):
            async with channel(address, stage.tokens.mint(who, OFFICER, client="portal")) as asked:
                await _get(asked)
        async with channel(address, stage.tokens.mint("vera", OFFICER, client="portal")) as asked:
            assert (await _refused(_get(asked))).reason == "TOO_MUCH"
        async with channel(address, stage.tokens.mint("vera", OFFICER, client="another")) as asked:
            await _get(asked)


async def test_a_stream_costs_as_much_as_a_call_however_long_it_is(stage: Any) -> None:
    limits = Limits(grace_seconds=0.2, subject_calls_per_second=SLOWLY, subject_calls_at_once=2)
    rows = [servants.ImportServantsRequest(row=row) for row in range(10)]
    async with stage.registry(limits=limits) as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        stub: Any = servants_grpc.ServantServiceStub(asked)
        for _ in range(2):
            assert len((await stub.ImportServants(iter(rows))).rows) == 10
        assert (await _refused(stub.ImportServants(iter(rows)))).reason == "TOO_MUCH"


async def test_who_is_not_known_takes_nothing_from_anybody(stage: Any) -> None:
    limits = Limits(grace_seconds=0.2, subject_calls_per_second=SLOWLY, subject_calls_at_once=1, client_calls_at_once=1)
    async with stage.registry(limits=limits) as address:
        async with channel(address, "no.real.token") as asked:
            for _ in range(3):
                assert (await _refused(_get(asked))).reason == "UNAUTHENTICATED"
        async with channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
            await _get(asked)


@pytest.fixture
def endless(stage: Any) -> Callable[[], bool]:
    """Lets the servicers work for ever; says whether that was ended."""
    ended = asyncio.Event()

    async def work(_: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    stage.told.work = work
    return ended.is_set


@pytest.mark.parametrize("deadline", [None, 3_600])
async def test_a_call_without_a_deadline_or_with_a_far_one_is_ended(
    stage: Any, endless: Callable[[], bool], deadline: float | None
) -> None:
    limits = Limits(grace_seconds=0.2, call_seconds=0.05)
    async with stage.registry(limits=limits) as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        refusal = await _refused(_get(asked, timeout=deadline))
    assert (refusal.code, refusal.reason) == ("DEADLINE_EXCEEDED", "OUT_OF_TIME")
    assert endless()


async def test_a_stream_has_no_such_end(stage: Any) -> None:
    rows = [servants.ImportServantsRequest(row=row) for row in range(10)]
    limits = Limits(grace_seconds=0.2, call_seconds=1e-9)  # over before the first row is read
    async with stage.registry(limits=limits) as address, channel(address, stage.tokens.mint("anna", OFFICER)) as asked:
        stub: Any = servants_grpc.ServantServiceStub(asked)
        assert len((await stub.ImportServants(iter(rows))).rows) == 10


async def test_a_connection_has_so_many_calls_at_once_and_the_others_wait_at_the_client(stage: Any) -> None:
    at_work, two = 0, asyncio.Event()

    async def work(request: Any) -> None:
        nonlocal at_work
        if request.name == "stateBodies/OTHER":
            return
        at_work += 1
        if at_work == 2:
            two.set()
        await asyncio.Event().wait()

    stage.told.work = work
    limits, token = Limits(grace_seconds=0.2, max_concurrent_streams=2), stage.tokens.mint("anna", OFFICER)
    async with stage.registry(limits=limits) as address, channel(address, token) as asked:
        await _get(asked, "stateBodies/OTHER")  # with the first answer a client knows what the server takes
        calls = [asyncio.ensure_future(_get(asked)) for _ in range(6)]
        await asyncio.wait_for(two.wait(), 20)
        # Another connection is opened and answered: by then all six would have come, were there no limit.
        async with grpc.aio.insecure_channel(address) as other:
            await _get(other, "stateBodies/OTHER", metadata=[("authorization", f"Bearer {token}")])
        assert at_work == 2
        assert not any(call.done() for call in calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize("name", ["CLIENT_CALLS_PER_SECOND", "SUBJECT_CALLS_AT_ONCE", "CALL_SECONDS"])
def test_a_limit_of_nothing_is_refused_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"TARTIP_{name}", "0")
    with pytest.raises(SettingsError, match=f"TARTIP_{name}"):
        read(Limits)
