"""A call is made again where that is harmless and sensible, within its deadline, and a write is done once."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import chassis.errors
import grpc
import grpc.aio
import pytest
import tartip_client
from chassis.requests import RequestLedger
from chassis.server import Limits, Server
from chassis.testing.certificates import Authority
from chassis.testing.fixtures import MakeDatabase
from chassis.testing.servers import Loopback
from chassis.testing.tokens import Tokens
from chassis.tls import Certificates, TlsSettings
from kernel.faults import TooMuch, Unavailable
from tartip.regimes.v1 import error_reason_pb2, law_service_pb2, law_service_pb2_grpc
from tartip.registry.v1.state_body_service_pb2 import CreateStateBodyRequest, GetStateBodyRequest, ListStateBodiesRequest
from tartip_client import ClientSecret, Policy, SignInAway, SignInRefused, Tls, TokenSource, aio

from .conftest import GRANTS, QUICK, Client, Stage, sign_in, texts

GET = GetStateBodyRequest(name="stateBodies/KGD")


class Refusing:
    """Refuses so many times, then works."""

    def __init__(self, *faults: Exception) -> None:
        self.left = list(faults)

    async def __call__(self, _: Any) -> None:
        if self.left:
            raise self.left.pop(0)


class LosesAnswers:
    """A ledger whose first answer is lost on its way, after it was committed."""

    def __init__(self, ledger: RequestLedger) -> None:
        self.ledger, self.lost = ledger, False

    @asynccontextmanager
    async def entry(self, *given: Any) -> AsyncIterator[Any]:
        """Opens the entry, and fails once it is closed."""
        async with self.ledger.entry(*given) as entry:
            yield entry
        if not self.lost:
            self.lost = True
            raise Unavailable()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform lets nobody wait for long here."""
    monkeypatch.setattr(chassis.errors, "RETRY_UNAVAILABLE_S", 0.001)


async def test_a_read_is_made_again_while_something_is_away(stage: Stage, token: str, client: Client) -> None:
    stage.told.work = Refusing(Unavailable(), TooMuch("TOO_MUCH", 0.001), Unavailable("UNAVAILABLE"))
    async with stage.registry() as address:
        assert (await client.call(address, token, "GetStateBody", GET)).name == GET.name
    assert len(stage.told.asked) == 4


async def test_after_the_last_attempt_it_is_told_what_was_answered(stage: Stage, token: str, client: Client) -> None:
    stage.told.work = Refusing(*(Unavailable() for _ in range(5)))
    async with stage.registry() as address:
        with pytest.raises(tartip_client.Unavailable):
            await client.call(address, token, "GetStateBody", GET, Policy(attempts=3, first_wait_s=0.001))
    assert len(stage.told.asked) == 3


async def test_who_is_to_come_again_after_the_deadline_is_told_at_once(stage: Stage, token: str, client: Client) -> None:
    stage.told.work = Refusing(TooMuch("TOO_MUCH", 1_000))
    async with stage.registry() as address:
        with pytest.raises(tartip_client.TooMany) as error:
            await client.call(address, token, "GetStateBody", GET)
    assert error.value.retry_after_s == 1_000


async def test_a_write_whose_answer_is_lost_is_done_once(stage: Stage, token: str, client: Client, emptied: MakeDatabase) -> None:
    ledger = LosesAnswers(RequestLedger((await emptied("chassis.testing.bare")).app, "a key"))
    request = CreateStateBodyRequest(state_body_id="KGD")
    async with stage.registry(ledger=ledger) as address:
        answer = await client.call(address, token, "CreateStateBody", request)
        assert ledger.lost
        other = await client.call(address, token, "CreateStateBody", request)
    assert (answer.etag, other.etag) == ("1", "2"), "the same message sent anew is another request"
    assert {UUID(each.request_id).version for each in stage.told.asked} == {7}
    assert request.request_id == ""


async def test_the_id_that_a_caller_gives_is_kept_and_told_with_what_is_refused(stage: Stage, token: str, client: Client) -> None:
    own = "0196f0a0-0000-7000-8000-000000000001"
    stage.told.work = Refusing(Unavailable())
    async with stage.registry() as address:
        with pytest.raises(tartip_client.Unavailable) as error:
            await client.call(address, token, "CreateStateBody", CreateStateBodyRequest(request_id=own), tartip_client.ONCE)
    assert (error.value.request_id, stage.told.asked[0].request_id) == (own, own)


@pytest.mark.parametrize("given", [{"timeout": 0.2}, {"policy": Policy(deadline_s=0.2)}], ids=["of the call", "of the channel"])
async def test_a_call_that_is_not_answered_ends_with_its_deadline(stage: Stage, token: str, client: Client, given: dict[str, Any]) -> None:
    async def never(_: Any) -> None:
        await asyncio.Event().wait()

    stage.told.work = never
    async with stage.registry(limits=Limits(grace_seconds=0.1)) as address:
        with pytest.raises(tartip_client.OutOfTime):
            await client.call(address, token, "GetStateBody", GET, **given)


async def test_a_token_that_does_not_count_is_replaced_once(stage: Stage, client: Client) -> None:
    given: list[str | Exception] = [stage.tokens.mint("anna", GRANTS, claims={"exp": 1}), stage.tokens.mint("anna", GRANTS)]
    source = sign_in(given)
    async with stage.registry() as address:
        assert (await client.call(address, source, "GetStateBody", GET)).name == GET.name
        assert given == []
        bad: list[str | Exception] = [stage.tokens.mint("anna", GRANTS, claims={"exp": 1}) for _ in range(3)]
        with pytest.raises(tartip_client.Unauthenticated):
            await client.call(address, sign_in(bad), "GetStateBody", GET)
    assert len(bad) == 1


async def test_a_call_waits_for_a_sign_in_that_is_away_as_for_the_platform(stage: Stage, token: str, client: Client) -> None:
    async with stage.registry() as address:
        source = sign_in([SignInAway("the test says so"), SignInAway("the test says so"), token])
        assert (await client.call(address, source, "GetStateBody", GET)).name == GET.name
        with pytest.raises(SignInAway):
            await client.call(address, sign_in([SignInAway("the test says so"), token]), "GetStateBody", GET, tartip_client.ONCE)
        with pytest.raises(SignInRefused):
            await client.call(address, sign_in([SignInRefused("the test says so"), token]), "GetStateBody", GET)
    assert len(stage.told.asked) == 1


async def test_a_call_whose_sign_in_never_answers_ends_with_its_deadline(stage: Stage, client: Client) -> None:
    answer = threading.Event()

    def fetch(url: str, form: Any) -> dict[str, Any]:
        answer.wait(60)
        raise SignInAway("the test is over")

    source = TokenSource("https://issuer.test", ClientSecret("portal", "s"), fetch=fetch)
    async with stage.registry() as address:
        with pytest.raises(SignInAway, match="within the time of the call"):
            await client.call(address, source, "GetStateBody", GET, timeout=0.05)
    assert not answer.is_set()
    answer.set()


async def test_all_pages_are_asked_for_and_the_request_stays_as_it_is(stage: Stage, token: str, client: Client) -> None:
    request = ListStateBodiesRequest(page_size=1)
    async with stage.registry() as address:
        found = [body.name for page in await client.pages(address, token, request) for body in page.state_bodies]
    assert found == ["stateBodies/B1", "stateBodies/B2", "stateBodies/B3"]
    assert request == ListStateBodiesRequest(page_size=1)


async def test_over_tls_a_system_brings_its_certificate(tmp_path: Path, tokens: Tokens) -> None:
    authority = Authority()
    certificate, key = authority.sign("server").write(tmp_path)
    own, own_key = authority.sign("integration-egov").write(tmp_path, "own")
    ca = authority.write(tmp_path)
    settings = TlsSettings(certificate=certificate, key=key, client_ca=ca, mutual_listen="127.0.0.1:0")
    made: Any = law_service_pb2_grpc.LawServiceServicer
    service = law_service_pb2.DESCRIPTOR.services_by_name["LawService"]
    given: Any = [(law_service_pb2_grpc.add_LawServiceServicer_to_server, made(), service)]
    token = tokens.mint("egov", ["/nation/integrator"], client="integration-egov")
    said = {}
    async with tokens.verifier().running() as verifier:
        statute: Any = SimpleNamespace(edition="e1")
        reasons = texts(error_reason_pb2.ErrorReason.DESCRIPTOR)
        server = Server(
            Loopback(), given, verifier, reasons, statute, limits=Limits(grace_seconds=0.1), certificates=Certificates(settings)
        )
        async with server.running():
            for name, tls in {"own": Tls(ca, own, own_key), "none": Tls(ca), "strange authority": Tls()}.items():
                async with aio.channel(f"127.0.0.1:{server.mutual_port}", token, tls=tls, policy=tartip_client.ONCE) as opened:
                    stub: Any = law_service_pb2_grpc.LawServiceStub(opened)
                    with pytest.raises(tartip_client.Refused) as error:
                        await stub.GetProvision(law_service_pb2.GetProvisionRequest())
                    said[name] = error.value.refusal.code
    assert said == {"own": "INTERNAL", "none": "UNAVAILABLE", "strange authority": "UNAVAILABLE"}, "the servicer itself answers nothing"


def test_what_is_quick_here_is_as_patient_as_what_is_usual() -> None:
    assert (QUICK.attempts, QUICK.deadline_s) == (Policy().attempts, Policy().deadline_s)


async def test_a_channel_opened_anew_tries_at_once() -> None:
    """An older one waits, longer each time, since nobody answered it; what it waits for is none of the new one's business."""

    async def code() -> grpc.StatusCode:
        call = opened.unary_unary("/tartip.Nothing/Nothing", None, None)
        with pytest.raises(grpc.RpcError) as raised:
            await call(b"")
        return raised.value.code()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    async with aio.channel(address, None, tls=None, policy=None) as opened:
        assert await code() is grpc.StatusCode.UNAVAILABLE
        server = grpc.aio.server()
        server.add_insecure_port(address)
        await server.start()
        async with aio.channel(address, None, tls=None, policy=None) as opened:
            assert await code() is grpc.StatusCode.UNIMPLEMENTED
        await server.stop(None)
