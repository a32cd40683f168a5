"""`sign-in` at the command line: standard output is for the token alone, which is asked for where Keycloak proves who it is."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from chassis.commands import NothingDone
from chassis.testing.certificates import Authority
from realm import signing_in
from realm.__main__ import main


def test_a_sign_in_that_fails_says_so_beside_the_token_and_ends_with_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell that takes the token out of standard output would swallow what is said there."""
    monkeypatch.setenv("TARTIP_KEYCLOAK", "http://127.0.0.1:9")
    monkeypatch.setattr(signing_in, "PATIENCE_S", 0.0)
    assert main(["sign-in"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[0] == "Open in a browser of this machine:"
    assert said.err.splitlines()[-1] == "realm: nobody signed in within 0 minutes: say the command again"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TARTIP_KEYCLOAK", "http://sign-in.example.kz", "begins with https://"),
        ("TARTIP_KEYCLOAK", "http://127.0.0.1.example.kz", "begins with https://"),
        ("TARTIP_KEYCLOAK", "sign-in.example.kz", "begins with https://"),
        ("TARTIP_KEYCLOAK_CA", "/nowhere.pem", "no PEM file of authorities: No such file"),
    ],
)
@pytest.mark.parametrize("command", [["sign-in"], ["apply"], ["drift"], ["onboard", "region", "75"]], ids=" ".join)
def test_no_password_and_no_token_goes_where_others_could_read_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str], name: str, value: str, says: str
) -> None:
    for each, told in {"TARTIP_KEYCLOAK": "https://127.0.0.1:9", "TARTIP_KEYCLOAK_ADMIN_PASSWORD": "hunter2", name: value}.items():
        monkeypatch.setenv(each, told)
    assert main(command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"realm: {name}: {says}")


@asynccontextmanager
async def giving_tokens(shown: Authority, folder: Path) -> AsyncIterator[str]:
    """An issuer with a certificate of that authority, which gives anybody a token."""

    async def token(_: web.Request) -> web.Response:
        return web.json_response({"access_token": "of-a-person"})

    context, app = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), web.Application()
    context.load_cert_chain(*shown.sign("sign-in").write(folder))
    app.router.add_post("/protocol/openid-connect/token", token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def come_back(address: str) -> None:
    """What a browser does of a person who was let in."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    async with aiohttp.ClientSession() as http, http.get(asked["redirect_uri"], params={"code": "x", "state": asked["state"]}) as answer:
        assert answer.status == 200


async def test_a_token_is_asked_for_where_the_certificate_is_of_the_authorities_that_were_told(tmp_path: Path) -> None:
    authority = Authority()
    right, strange = authority.write(tmp_path), Authority("a strange one").write(tmp_path, "strange")
    async with giving_tokens(authority, tmp_path) as issuer, asyncio.TaskGroup() as browsers:

        async def signed_in(ca: str) -> str:
            return await signing_in.signed_in(issuer, lambda address: browsers.create_task(come_back(address)), ca)

        assert await signed_in(str(right)) == "of-a-person"
        for wrong in (str(strange), ""):
            with pytest.raises(NothingDone, match="look at TARTIP_KEYCLOAK_CA"):
                await signed_in(wrong)
