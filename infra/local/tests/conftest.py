"""A demo sign-in of one's own for each test that asks for it."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from localstack.endpoints import REALM
from localstack.issuer import DemoIssuer
from localstack.realm import Realm, Secrets


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a running platform, empty at first."""
    for name in ("TARTIP_DEMO_PASSWORD", "TARTIP_INTEGRATION_SECRET", "TARTIP_DEVICE_GATEWAY_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TARTIP_RUN", str(tmp_path))
    return tmp_path


@pytest_asyncio.fixture
async def issuer(run_folder: Path) -> AsyncIterator[str]:
    """The URL of an issuer that answers, with its secrets and address where the running platform has them."""
    known = Secrets()
    realm = Realm.read(REALM, known)
    known.write(run_folder / "secrets.json")
    listener = socket.create_server(("127.0.0.1", 0))
    made = DemoIssuer(realm, f"http://127.0.0.1:{listener.getsockname()[1]}")
    runner = web.AppRunner(made.app(), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    (run_folder / "endpoints.json").write_text(json.dumps({"issuer": made.issuer}))
    yield made.issuer
    await runner.cleanup()
