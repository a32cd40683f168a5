"""What people do here: they are let in, open a browser, and ask the registry."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from chassis.testing.client import channel
from chassis.testing.keycloak import ADMIN, Keycloak
from chassis.testing.processes import command
from google.protobuf.message import Message
from tartip.law.v1 import law_pb2
from tartip.registry.v1 import state_body_service_pb2 as sb
from tartip.registry.v1 import state_body_service_pb2_grpc as sb_grpc

from .browser import Browser


@asynccontextmanager
async def opened(keycloak: Keycloak) -> AsyncIterator[Browser]:
    """A browser that has been nowhere yet."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Browser(http, keycloak.issuer)


async def onboarded(keycloak: Keycloak, *words: str) -> str:
    """Lets somebody or something in; what the command said."""
    password = keycloak.admin_password_file.read_text(encoding="ascii")
    told = {"TARTIP_KEYCLOAK": keycloak.origin, "TARTIP_KEYCLOAK_ADMIN": ADMIN, "TARTIP_KEYCLOAK_ADMIN_PASSWORD": password}
    code, said = await command("realm", told, "onboard", *words)
    assert code == 0, said
    return said


async def bodies(address: str, token: str | None, method: str, request: Message) -> Any:
    """What the registry answers to a question about bodies."""
    async with channel(address, token) as line:
        return await getattr(sb_grpc.StateBodyServiceStub(line), method)(request)


def created(body: str) -> sb.CreateStateBodyRequest:
    """A request for a new body of the region 75."""
    title = law_pb2.LocalizedText(kk=body, ru=body, en=body)
    recorded = sb.StateBody(title=title, kind=sb.STATE_BODY_KIND_CENTRAL, region="75", zone="Asia/Almaty")
    return sb.CreateStateBodyRequest(state_body_id=body, state_body=recorded)
