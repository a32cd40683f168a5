"""The examples of protos/client, run as an integrator runs them: processes of their own that know what their environment says."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from localstack.platform import Platform
from localstack.token import sign_in, token_for
from tartip.timetracking.v1 import device_service_pb2 as devices
from tartip.timetracking.v1.passage_service_pb2 import Passage
from tartip.timetracking.v1.passage_service_pb2_grpc import PassageServiceStub
from tartip_client.aio import channel, send_passages

from .calls import HR, Desks, instant
from .world import World

EXAMPLES = Path(__file__).parents[2] / "protos" / "client" / "examples"
GATE, SYSTEM, BADGE = "example-gate", "hq", "700"
WITHIN_S = 60.0
ASK_EVERY_S = 0.2

Enough = Callable[[set[str]], bool]


@dataclass(frozen=True, slots=True)
class Ran:
    """How an example ended, and what it said."""

    code: int
    lines: list[str]
    problem: str = ""


async def examples(world: World, platform: Platform, desks: Desks) -> dict[str, Ran]:
    """Runs each example against the platform in which the week was lived; what each said, by its name."""
    body, servant = f"stateBodies/{world.body.id}", f"servants/{world.servants[0].id}"
    portal, system = surroundings(platform, "integration-egov", "INTEGRATION"), surroundings(platform, "device-gateway", "DEVICE_GATEWAY")
    person = surroundings(platform) | {"TARTIP_TOKEN": await token_for(HR, platform.endpoints.issuer), "TARTIP_LANGUAGE": "ru"}
    term = (servant, "2027-01-01", "2027-07-31")
    found: dict[str, Ran] = {}
    found["list_bodies"], found["flexible_hours"], found["month_of_days"] = await asyncio.gather(
        ran(portal, "list_bodies"), ran(person, "flexible_hours", *term), ran(portal, "month_of_days", body, f"{world.first:%Y-%m}")
    )
    days = {line.partition(",")[0] for line in found["month_of_days"].lines[1:]}
    copy = str(platform.folder / "days.db")
    followed_days = (body, f"{world.first:%Y-%m}-01", copy)
    found["follow_days"] = await followed(portal, followed_days, days.issubset)
    await enrolled(world, platform, desks, servant)
    noon, changed = f"{world.first + timedelta(days=2)}T12", f"{servant}/workdays/{world.first + timedelta(days=2)}"
    crossings = platform.folder / "events.csv"
    crossings.write_text(f"1,{noon}:00:00,{BADGE},out\n2,{noon}:30:00,{BADGE},in\n")
    found["send_passages"] = await ran(system, "send_passages", GATE, SYSTEM, str(crossings))
    found["follow_days, once more"] = await followed(portal, followed_days, lambda seen: changed in seen)
    return found


def surroundings(platform: Platform, client: str = "", secret: str = "") -> dict[str, str]:
    """What a system of the realm, or nobody in particular, is told by its environment."""
    addresses = platform.endpoints.addresses
    parts = {part: addresses[part] for part in ("registry", "regimes", "timetracking")} | {"gateway": addresses["gateway"]["grpc"]}
    told = {f"TARTIP_{part.upper()}": address for part, address in parts.items()}
    told |= {"TARTIP_CLEAR": "1", "PATH": os.environ["PATH"], "GRPC_ENABLE_FORK_SUPPORT": "false"}
    if client:
        file = platform.folder / f"{client}.secret"
        file.touch(0o600)
        file.write_text(json.loads((platform.folder / "secrets.json").read_text())[f"TARTIP_{secret}_SECRET"])
        told |= {"TARTIP_ISSUER": platform.endpoints.issuer, "TARTIP_CLIENT_ID": client, "TARTIP_CLIENT_SECRET_FILE": str(file)}
    return told


async def ran(environment: dict[str, str], name: str, *arguments: str) -> Ran:
    """Runs an example to its end."""
    process = await _started(environment, name, *arguments)
    out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    return Ran(process.returncode or 0, out.decode().splitlines(), err.decode())


async def followed(environment: dict[str, str], arguments: tuple[str, ...], enough: Enough) -> Ran:
    """Follows days until those that were seen are enough, and ends the example."""
    process = await _started(environment, "follow_days", *arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    lines = list[str]()
    try:
        async with asyncio.timeout(WITHIN_S):
            while not enough({line.partition("\t")[0] for line in lines}) and (line := await process.stdout.readline()):
                lines.append(line.decode().rstrip())
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
    problem = (await process.stderr.read()).decode()
    await process.wait()
    return Ran(1 if problem else 0, lines, problem)


async def enrolled(world: World, platform: Platform, desks: Desks, servant: str) -> None:
    """Enrols a gate that speaks gRPC with a badge of its system, and returns when the gateway knows it: a read of nobody's badge is taken."""
    settings = devices.DeviceSettings(
        role=devices.DEVICE_ROLE_PERIMETER,
        direction=devices.DEVICE_DIRECTION_AS_SENT,
        premises=world.premises[0].id,
        zone=world.body.zone,
    )
    device = devices.Device(protocol=devices.DEVICE_PROTOCOL_GRPC, badge_system=SYSTEM, settings=[settings])
    request = devices.EnrolDeviceRequest(parent=f"stateBodies/{world.body.id}", device_id=GATE, device=device)
    badge = devices.Badge(badge_system=SYSTEM, badge_number=BADGE, since=instant(world.begin))
    officer = (await desks.of(HR)).devices
    await officer.EnrolDevice(request)
    await officer.AssignBadge(devices.AssignBadgeRequest(parent=servant, badge=badge))
    gateway, tokens = platform.endpoints.addresses["gateway"]["grpc"], sign_in("device-gateway", platform.endpoints.issuer)
    probe = Passage(device=GATE, event_key="0", wall_time=f"{world.first}T12:00:00", badge_system=SYSTEM, badge_number="0")
    async with channel(gateway, tokens, tls=None) as opened, asyncio.timeout(WITHIN_S):
        stub = PassageServiceStub(opened)
        while await send_passages(stub, [probe]):  # noqa: ASYNC110  # it is another process that comes to know it
            await asyncio.sleep(ASK_EVERY_S)


async def _started(environment: dict[str, str], name: str, *arguments: str) -> asyncio.subprocess.Process:
    pipe = subprocess.PIPE
    command = (sys.executable, str(EXAMPLES / f"{name}.py"), *arguments)
    return await asyncio.create_subprocess_exec(*command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
