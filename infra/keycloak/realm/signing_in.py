"""A person signs in at their own machine: a browser goes to Keycloak and comes back to this machine alone (RFC 8252, RFC 7636)."""

import asyncio
import base64
import hashlib
import secrets
import ssl
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from chassis.commands import NothingDone
from chassis.trust import client_context

from realm.declared import BEFORE_THE_PORTAL
from realm.server import not_trusted

# As long as the page of Keycloak itself waits.
PATIENCE_S = 300.0


async def signed_in(issuer: str, show: Callable[[str], object], ca: str = "") -> str:
    """Shows the address at which a browser of this machine signs in, waits until somebody has, and returns their token, of 300 seconds.

    The issuer's certificate is of the authorities in the file `ca`, or of the machine's. NothingDone where nobody signs in within five
    minutes, or the issuer does not let them.
    """
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    came = asyncio.get_running_loop().create_future()
    runner = web.AppRunner(_back(state, came), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        back = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
        show(_address(issuer, back, verifier, state))
        async with asyncio.timeout(PATIENCE_S):
            code = await came
    except TimeoutError:
        raise NothingDone(f"nobody signed in within {PATIENCE_S / 60:.0f} minutes: say the command again") from None
    finally:
        await runner.cleanup()
    form = {"client_id": BEFORE_THE_PORTAL, "redirect_uri": back, "code": code, "code_verifier": verifier}
    return await _redeemed(issuer, {"grant_type": "authorization_code", **form}, client_context(ca) if ca else True)


def _address(issuer: str, back: str, verifier: str, state: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": BEFORE_THE_PORTAL,
        "redirect_uri": back,
        "response_type": "code",
        "scope": "openid",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{issuer}/protocol/openid-connect/auth?{urlencode(asked)}"


def _back(state: str, came: "asyncio.Future[str]") -> web.Application:
    """Where the browser comes back to; whoever else comes, with a code of another sign-in, changes nothing."""

    async def callback(request: web.Request) -> web.Response:
        said = request.query
        if not secrets.compare_digest(said.get("state", "").encode(), state.encode()):
            return web.Response(status=400, text="This is not of the sign-in that the command waits for.")
        if not came.done():
            if "code" in said:
                came.set_result(said["code"])
            else:
                came.set_exception(NothingDone(f"Keycloak let nobody in: {said.get('error', 'it named no reason')}"))
        return web.Response(text="Close this window, and go on where the command was given.")

    app = web.Application()
    app.router.add_get("/callback", callback)
    return app


async def _redeemed(issuer: str, form: Mapping[str, str], trusted: ssl.SSLContext | bool) -> str:
    """The token for a code; no redirection is followed, since it could lead out of TLS."""
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted)) as http,
            http.post(f"{issuer}/protocol/openid-connect/token", data=form, allow_redirects=False) as answer,
        ):
            said = await answer.json(content_type=None)
    except aiohttp.ClientConnectorCertificateError:
        raise NothingDone(not_trusted(issuer)) from None
    except (aiohttp.ClientError, TimeoutError, ValueError) as away:
        raise NothingDone(f"{issuer} does not answer: {type(away).__name__}") from None
    if "access_token" not in said:
        raise NothingDone(f"{issuer} gave no token: {said.get('error', answer.status)}")
    return str(said["access_token"])
