"""A region's manifests are commands and variables that processes of this machine start with."""

import argparse
import asyncio
import contextlib
import io
import re
import shlex
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from chassis.testing.artifacts import ROOT
from localstack import ask
from localstack.log import Log
from localstack.parts import SERVICES
from localstack.platform import running
from region.helm import EXAMPLE, rendered
from region.here import NotOurs, Region, region_of

PAGE = ROOT / "docs" / "add.md"
KNOWN_WITHIN_S, LOOK_AGAIN_S = 60.0, 0.2


@pytest.fixture(scope="module")
def deployments() -> list[Any]:
    return rendered(EXAMPLE).of_kind("Deployment")


def test_each_deployment_is_a_process_with_the_variables_of_its_manifest(deployments: list[Any]) -> None:
    region = region_of(deployments)
    assert {service: {part.command for part in parts} for service, parts in region.services.items()} == {
        service: {part.command for part in parts} for service, parts in SERVICES.items()
    }
    [gateway] = [part for part in region.services["timetracking"] if part.command == "gateway"]
    assert gateway.told["TARTIP_DRAIN_SECONDS"] == "5"
    assert {"TARTIP_KAFKA_CA", "TARTIP_DATABASE_URL", "TARTIP_TRACES"} <= set(region.replaced)
    assert not gateway.told.keys() & set(region.replaced)


def test_a_process_that_enters_the_database_in_anothers_role_is_refused(deployments: list[Any]) -> None:
    planted = deepcopy(deployments[0])
    [container] = planted["spec"]["template"]["spec"]["containers"]
    [url] = [each for each in container["env"] if each["name"] == "TARTIP_DATABASE_URL"]
    url["valueFrom"]["secretKeyRef"]["key"] = "database-migrator"
    with pytest.raises(NotOurs, match="database-migrator"):
        region_of([planted])


def test_a_command_that_the_service_does_not_have_is_refused(deployments: list[Any]) -> None:
    planted = deepcopy(deployments[0])
    planted["spec"]["template"]["spec"]["containers"][0]["args"] = ["sevre"]
    with pytest.raises(NotOurs, match="has the processes"):
        region_of([planted])


async def test_a_second_region_lives_here_from_its_values_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its processes are ready, a body and a device are added as the page says, and the device's first passage is in its account."""
    values = tmp_path / "region-71.yaml"
    values.write_text(EXAMPLE.read_text(encoding="utf-8").replace("75", "71"), encoding="utf-8")
    monkeypatch.setenv("TARTIP_RUN", str(tmp_path / "run"))
    region = await asyncio.to_thread(region_shown, values)
    assert region.code == "71"
    async with (
        running(Log(tmp_path / "run" / "logs"), services=region.services, region=region.code) as platform,
        aiohttp.ClientSession() as http,
    ):
        for words in questions(region.code):
            await answered(words)
        gate = f"http://{platform.endpoints.addresses['gateway']['http']}/iclock/cdata?SN=GATE-1&table=ATTLOG&Stamp=1"
        assert (await http.post(gate, data=await asyncio.to_thread(passage))).status == 200
        account = {"METHOD": "GetDeviceAccount", "AS": "hr-officer", "JSON": '{"name": "stateBodies/KGD/devices/GATE-1"}'}
        await answered(account, '"stored": "1"')


def passage() -> bytes:
    """What the page has a terminal say, as a shell prints it."""
    [printed] = re.findall(r"^(printf .*?) \| curl", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return subprocess.run(["bash", "-c", printed], capture_output=True, check=True).stdout


def region_shown(values: Path) -> Region:
    return region_of(rendered(values).of_kind("Deployment"))


def questions(region: str) -> list[dict[str, str]]:
    """The questions of the page, in its order and in this region; the device stands where this test stands."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [
        line.replace("10.75.1.7/32", "127.0.0.0/8").replace('"region": "75"', f'"region": "{region}"')
        for block in blocks
        for line in block.splitlines()
        if line.startswith("make ask ")
    ]
    return [dict(word.split("=", 1) for word in shlex.split(line)[2:]) for line in lines]


async def answered(words: Mapping[str, str], shows: str = "") -> None:
    """Asks until the answer shows it: what one service was told the next one knows some seconds later."""
    parser = argparse.ArgumentParser()
    ask.add_arguments(parser)
    given = parser.parse_args([words["METHOD"], words["JSON"], "--as", words["AS"], "--in", "en"])
    async with asyncio.timeout(KNOWN_WITHIN_S):
        while True:
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                code = await asyncio.to_thread(ask.run, given)
            if code == 0 and shows in said.getvalue():
                return
            await asyncio.sleep(LOOK_AGAIN_S)
