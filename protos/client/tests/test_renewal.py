"""Certificates that are replaced: the next call goes over what the files hold then, and nothing that is under way is cut at once."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import tartip_client.renewal
from chassis.testing.certificates import Authority
from tartip_client import ONCE, Refused, Tls, aio, blocking


class Service(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Answers a call of any name at once, and a stream with one answer, and with another when it may."""

    def __init__(self) -> None:
        self.more = asyncio.Event()

    def service(self, handler_call_details: Any) -> Any:
        """Answers by the name of the method."""
        if handler_call_details.method.endswith("Watch"):
            return grpc.unary_stream_rpc_method_handler(self.watch)
        return grpc.unary_unary_rpc_method_handler(self.call)

    async def call(self, request: bytes, context: Any) -> bytes:
        """Answers."""
        return request

    async def watch(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        """Answers once, and once more, and goes on."""
        yield request
        await self.more.wait()
        yield b"more"
        await asyncio.Event().wait()


@asynccontextmanager
async def serving(authority: Authority, service: Service) -> AsyncIterator[str]:
    """A server that trusts, and is certified by, an authority."""
    signed = authority.sign("server")
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service,))
    credentials = grpc.ssl_server_credentials([(signed.key, signed.certificate)], authority.certificate, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


class Own:
    """The files of a system; they are put in place at once, under the names that they have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tls = Tls(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")

    def put(self, trusted: Authority, by: Authority) -> None:
        """Trusts an authority, and is certified by one."""
        own = by.sign("integration-egov")
        for path, content in zip(self.tls.files, (trusted.certificate, own.certificate, own.key), strict=True):
            fresh = path.with_suffix(".new")
            fresh.write_bytes(content)
            os.replace(fresh, path)


class Blocking:
    """A channel for threads, used by one after the other."""

    def __init__(self, address: str, tls: Tls) -> None:
        self.opened = blocking.channel(address, None, tls=tls, policy=ONCE)
        self.single: Any = self.opened.unary_unary("/tartip.Service/Call", bytes, bytes)
        self.stream: Any = self.opened.unary_stream("/tartip.Service/Watch", bytes, bytes)

    async def call(self) -> str:
        """A single call."""
        try:
            return str((await asyncio.to_thread(self.single, b"here", timeout=20)).decode())
        except Refused as refused:
            return refused.refusal.code

    async def watched(self) -> Any:
        """A stream that has answered."""
        answers = await asyncio.to_thread(self.stream, b"here")
        assert await self.next(answers) == "here"
        return answers

    async def next(self, answers: Any) -> str:
        """The next answer of a stream, or how it ends."""
        try:
            return str((await asyncio.to_thread(next, answers)).decode())
        except Refused as refused:
            return refused.refusal.code

    async def close(self) -> None:
        """Closes the channel."""
        await asyncio.to_thread(self.opened.close)


class Awaited:
    """A channel for asyncio."""

    def __init__(self, address: str, tls: Tls) -> None:
        self.opened = aio.channel(address, None, tls=tls, policy=ONCE)
        self.single: Any = self.opened.unary_unary("/tartip.Service/Call", bytes, bytes)
        self.stream: Any = self.opened.unary_stream("/tartip.Service/Watch", bytes, bytes)

    async def call(self) -> str:
        """A single call."""
        try:
            return str((await self.single(b"here", timeout=20)).decode())
        except Refused as refused:
            return refused.refusal.code

    async def watched(self) -> Any:
        """A stream that has answered."""
        answers = aiter(self.stream(b"here"))
        assert await self.next(answers) == "here"
        return answers

    async def next(self, answers: Any) -> str:
        """The next answer of a stream, or how it ends."""
        try:
            return str((await anext(answers)).decode())
        except asyncio.CancelledError:  # as gRPC tells of a channel that is closed
            return "CANCELLED"

    async def close(self) -> None:
        """Closes the channel."""
        await self.opened.close(None)


Kind = type[Blocking] | type[Awaited]


@pytest.fixture(params=[Blocking, Awaited], ids=["blocking", "asyncio"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """A channel, for threads and for asyncio."""
    made: Kind = request.param
    return made


async def test_a_wrong_certificate_or_authority_is_corrected_in_its_file(tmp_path: Path, kind: Kind) -> None:
    right, wrong, own = Authority(), Authority("another"), Own(tmp_path)
    own.put(wrong, right)
    async with serving(right, Service()) as address:
        opened = kind(address, own.tls)
        said = [await opened.call()]
        for trusted, by in ((right, wrong), (right, right)):
            own.put(trusted, by)
            said.append(await opened.call())
        own.tls.files[1].unlink()
        said.append(await opened.call())
        await opened.close()
    assert said == ["UNAVAILABLE", "UNAVAILABLE", "here", "here"], "a file that is missing for a moment changes nothing"


async def test_a_stream_of_before_goes_on_and_ends_with_the_channel(tmp_path: Path, kind: Kind) -> None:
    right, own, service = Authority(), Own(tmp_path), Service()
    own.put(right, right)
    async with serving(right, service) as address:
        opened = kind(address, own.tls)
        answers = await opened.watched()
        own.put(right, right)
        assert await opened.call() == "here"
        gc.collect()
        service.more.set()
        assert await opened.next(answers) == "more"
        await opened.close()
        assert await opened.next(answers) == "CANCELLED"


async def test_a_stream_of_a_thread_is_cut_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tartip_client.renewal, "CALLS_END_WITHIN_S", 0.01)
    right, own = Authority(), Own(tmp_path)
    own.put(right, right)
    async with serving(right, Service()) as address:
        opened = Blocking(address, own.tls)
        answers = await opened.watched()
        own.put(right, right)
        assert await opened.call() == "here"
        assert await opened.next(answers) == "CANCELLED"
        await opened.close()
