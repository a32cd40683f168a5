"""A browser of a person who signs in to the portal: pages, forms and cookies over HTTP; and the portal, which redeems the code."""

import base64
import hashlib
import html
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp

CALLBACK = "http://127.0.0.1:5173/callback"
FORM = re.compile(r'<form[^>]*\baction="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Proof:
    """A code verifier of PKCE (RFC 7636) and its challenge."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """The challenge of method S256."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Shown:
    """Where the browser is: on a page of Keycloak's (its text and address), or back at the portal's address (what stands in it)."""

    page: str = ""
    status: int = 200
    back: Mapping[str, str] = field(default_factory=dict)
    at: str = ""

    @property
    def form(self) -> str:
        """The address to which the form of the page goes."""
        found = FORM.search(self.page)
        assert found, f"{self.status}: no form on {self.page[:2000]}"
        return urljoin(self.at, html.unescape(found[1]))


class Browser:
    """Follows a sign-in at one issuer. Cookies are kept by hand: they are for a protected line, for which browsers take loopback."""

    def __init__(self, http: aiohttp.ClientSession, issuer: str) -> None:
        self._http, self._at = http, f"{issuer}/protocol/openid-connect"
        self._cookies: dict[str, str] = {}

    async def asks(self, proof: Proof, **otherwise: str | None) -> Shown:
        """Opens the page to which the portal sends a person; `otherwise` changes what it asks for, None leaves it out."""
        asked: dict[str, str | None] = {
            "client_id": "portal",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid",
            "state": "of-this-visit",
            "code_challenge": proof.challenge,
            "code_challenge_method": "S256",
        }
        return await self._go("GET", f"{self._at}/auth", params={name: value for name, value in (asked | otherwise).items() if value})

    async def opens(self, url: str) -> Shown:
        """Opens an address."""
        return await self._go("GET", url)

    async def fills(self, shown: Shown, **fields: str) -> Shown:
        """Fills in the form of a page and sends it."""
        return await self._go("POST", shown.form, data=fields)

    async def redeems(self, code: str, **otherwise: str) -> tuple[int, dict[str, Any]]:
        """What the portal is answered for a code."""
        form = {"grant_type": "authorization_code", "client_id": "portal", "redirect_uri": CALLBACK, "code": code, **otherwise}
        async with self._http.post(f"{self._at}/token", data=form) as answer:
            return answer.status, await answer.json()

    async def _go(self, method: str, url: str, **sent: Any) -> Shown:
        while True:
            headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
            async with self._http.request(method, url, headers=headers, allow_redirects=False, **sent) as answer:
                self._cookies |= {name: cookie.coded_value for name, cookie in answer.cookies.items()}
                if answer.status not in (302, 303):
                    return Shown(await answer.text(), answer.status, at=url)
                url, method, sent = urljoin(url, answer.headers["location"]), "GET", {}
            if url.startswith(CALLBACK):
                back = urlsplit(url)
                return Shown(back={name: values[0] for name, values in parse_qs(back.query or back.fragment).items()})
