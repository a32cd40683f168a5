"""The life of a server: what it refuses to start with, what it says about its health, how it stops."""

import asyncio
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from chassis.access_rules import AccessNotDeclared
from chassis.messages import Messages, TextMissing
from chassis.server import Limits, Server
from chassis.testing.client import channel
from chassis.testing.servers import Loopback, served
from chassis.testing.tokens import Tokens
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from kernel.text import LocalizedText
from tartip.regimes.v1 import error_reason_pb2, labour_order_rules_service_pb2, law_service_pb2, law_service_pb2_grpc, plan_service_pb2

LAW_SERVICE = law_service_pb2.DESCRIPTOR.services_by_name["LawService"]
STATUTE: Any = SimpleNamespace(edition="e1")
OFFICER = ["/state-bodies/KGD/hr-officer"]


class Law(law_service_pb2_grpc.LawServiceServicer):
    """Answers after a while."""

    def __init__(self) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def GetProvision(self, request: Any, context: Any) -> law_service_pb2.Provision:
        """Waits until it is told to go on."""
        self.asked.set()
        await self.go_on.wait()
        return law_service_pb2.Provision(name=request.name)


def _services(servicer: Any = None, descriptor: Any = LAW_SERVICE) -> list[Any]:
    made: Any = Law
    return [(law_service_pb2_grpc.add_LawServiceServicer_to_server, servicer or made(), descriptor)]


def _texts() -> Messages:
    reasons = (name.removeprefix("ERROR_REASON_") for name in error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name)
    return Messages({reason: LocalizedText(reason, reason, reason) for reason in reasons})


async def test_a_server_whose_reasons_lack_texts_does_not_start(tokens: Tokens) -> None:
    texts = {reason: text for reason, text in _texts().texts.items() if reason != "TERM_TOO_LONG"}
    with pytest.raises(TextMissing, match="TERM_TOO_LONG"):
        Server(Loopback(), _services(), tokens.verifier(), Messages(texts), STATUTE)


async def test_a_server_with_a_method_open_to_nobody_in_particular_does_not_start(tokens: Tokens) -> None:
    health = health_pb2.DESCRIPTOR.services_by_name["Health"]
    with pytest.raises(AccessNotDeclared, match=r"/grpc\.health\.v1\.Health/Check"):
        async with served([*_services(), _services(descriptor=health)[0]], tokens, _texts(), law=STATUTE):
            pass


async def test_a_server_with_a_method_opened_by_a_relationship_that_nobody_looks_up_does_not_start(tokens: Tokens) -> None:
    plans = plan_service_pb2.DESCRIPTOR.services_by_name["PlanService"]
    with pytest.raises(AccessNotDeclared, match="PlanService/ListPlanDays is opened by a relationship"):
        async with served([*_services(), _services(descriptor=plans)[0]], tokens, _texts(), law=STATUTE):
            pass


async def test_a_method_that_was_added_without_its_descriptor_opens_to_nobody(tokens: Tokens) -> None:
    other = labour_order_rules_service_pb2.DESCRIPTOR.services_by_name["LabourOrderRulesService"]
    async with (
        served(_services(descriptor=other), tokens, _texts(), law=STATUTE) as address,
        channel(address, tokens.mint("anna", OFFICER)) as asked,
    ):
        stub: Any = law_service_pb2_grpc.LawServiceStub(asked)
        with pytest.raises(grpc.RpcError) as error:
            await stub.GetProvision(law_service_pb2.GetProvisionRequest(), timeout=10)
    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_health_is_told_for_each_service_without_a_token(tokens: Tokens) -> None:
    async with served(_services(), tokens, _texts(), law=STATUTE) as address, grpc.aio.insecure_channel(address) as asked:
        stub: Any = health_pb2_grpc.HealthStub(asked)
        for name in ("", "tartip.regimes.v1.LawService"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as error:
            await stub.Check(health_pb2.HealthCheckRequest(service="tartip.regimes.v1.PlanService"))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(("reflection", "code"), [(True, None), (False, grpc.StatusCode.UNIMPLEMENTED)])
async def test_services_describe_themselves_in_development_only(tokens: Tokens, reflection: bool, code: Any) -> None:
    limits = Limits(reflection=reflection, grace_seconds=0.1)
    async with served(_services(), tokens, _texts(), law=STATUTE, limits=limits) as address, grpc.aio.insecure_channel(address) as asked:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(asked)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        if code is not None:
            with pytest.raises(grpc.RpcError) as error:
                await call.read()
            assert error.value.code() is code
            return
        names = [service.name for service in (await call.read()).list_services_response.service]
    assert "tartip.regimes.v1.LawService" in names


async def test_a_call_at_work_is_answered_while_the_server_stops(tokens: Tokens) -> None:
    made: Any = Law
    law = made()
    async with tokens.verifier().running() as verifier:
        server = Server(Loopback(), _services(law), verifier, _texts(), STATUTE, limits=Limits(grace_seconds=20))
        await server.start()
        async with channel(f"127.0.0.1:{server.port}", tokens.mint("anna", OFFICER)) as asked:
            stub: Any = law_service_pb2_grpc.LawServiceStub(asked)
            answer = asyncio.ensure_future(stub.GetProvision(law_service_pb2.GetProvisionRequest(name="provisions/x")))
            await asyncio.wait_for(law.asked.wait(), 10)
            stopping = asyncio.ensure_future(server.stop())
            await asyncio.sleep(0)
            law.go_on.set()
            assert (await asyncio.wait_for(answer, 10)).name == "provisions/x"
            await asyncio.wait_for(stopping, 10)


async def test_limits_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARTIP_MAX_MESSAGE_BYTES", "1000")
    monkeypatch.setenv("TARTIP_REFLECTION", "1")
    limits = Limits()
    assert limits.reflection
    assert ("grpc.max_receive_message_length", 1000) in limits.options()
    assert ("grpc.max_connection_age_ms", 1_800_000) in limits.options()
