"""What integrators are told is so: the wheels are whole and stand alone, tables and limits are those of the code."""

import ast
import importlib
import re
import subprocess
import sys
import sysconfig
import zipfile
from email import message_from_bytes
from pathlib import Path

from chassis.server import Limits
from tartip_client import connection, deployment, passages, policy, refusals, tokens
from timetracking.gateway.settings import GatewaySettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
README = (ROOT / "protos" / "client" / "README.md").read_text(encoding="utf-8")
STANDS_ALONE = """
import sys
installed, site = sys.argv[1:]
sys.path[:0] = [installed, site]
import tartip_client, tartip_client.aio
from tartip.timetracking.v1 import workday_service_pb2_grpc
assert tartip_client.__file__.startswith(installed), tartip_client.__file__
assert workday_service_pb2_grpc.__file__.startswith(installed)
"""


def rows(page: str) -> list[list[str]]:
    """The rows of its tables, cell by cell."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| ")]


def test_the_wheels_hold_the_client_with_its_types_and_need_nothing_else_of_ours(tmp_path: Path) -> None:
    subprocess.run(["make", "client"], cwd=ROOT, check=True, capture_output=True)
    client, protos = sorted((ROOT / "build" / "client").glob("*.whl"))
    with zipfile.ZipFile(client) as wheel:
        wheel.extractall(tmp_path)
        assert {"tartip_client/py.typed", "tartip_client/aio.py"} <= set(wheel.namelist())
        needed = message_from_bytes(wheel.read("tartip_client-0.1.0.dist-info/METADATA")).get_all("Requires-Dist") or []
    assert [name for name in needed if name.startswith("tartip")] == ["tartip-protos"]
    with zipfile.ZipFile(protos) as wheel:
        wheel.extractall(tmp_path)
        names = set(wheel.namelist())
        needed = message_from_bytes(wheel.read("tartip_protos-0.1.0.dist-info/METADATA")).get_all("Requires-Dist") or []
        messages = wheel.read("tartip/law/v1/law_pb2.py").decode()
        stubs = wheel.read("tartip/registry/v1/state_body_service_pb2_grpc.py").decode()
    assert {"tartip/py.typed", "tartip/law/v1/law_pb2.pyi", "tartip/registry/v1/state_body_service_pb2_grpc.pyi"} <= names
    generated_by = re.search(r"Protobuf Python Version: (\S+)", messages), re.search(r"GRPC_GENERATED_VERSION = '(\S+)'", stubs)
    assert all(generated_by)
    assert [f"protobuf>={generated_by[0] and generated_by[0][1]}", f"grpcio>={generated_by[1] and generated_by[1][1]}"] == [
        name for start in ("protobuf", "grpcio") for name in needed if name.startswith(start)
    ]
    # Without site, nothing of this checkout can be imported: its packages are installed by links.
    command = [sys.executable, "-S", "-c", STANDS_ALONE, str(tmp_path), sysconfig.get_paths()["purelib"]]
    subprocess.run(command, check=True)


def test_the_pages_of_the_contract_are_written_where_it_is_said() -> None:
    subprocess.run(["make", "api-docs"], cwd=ROOT, check=True, capture_output=True)
    assert {"index.html", "tartip.desc", "tartip.registry.v1.html"} <= {path.name for path in (ROOT / "build" / "api").iterdir()}


def test_every_code_stands_with_its_exception() -> None:
    told = {code.strip("`"): raises.strip("`") for code, raises, *_ in (row for row in rows(PAGE) if len(row) == 3 and row[0].isupper())}
    assert told == {code: kind.__name__ for code, kind in refusals.KINDS.items()}


def test_every_way_to_get_no_token_stands_with_what_to_do() -> None:
    told = {row[0].strip("`") for row in rows(PAGE) if len(row) == 2 and row[0].startswith("`SignIn")}
    assert told == {kind.__name__ for kind in tokens.SignInFailed.__subclasses__()}
    assert f"nobody asks again for {tokens.ASKED_AGAIN_AFTER_S:g} seconds" in README


def test_the_variables_are_those_that_the_client_reads() -> None:
    read = set(re.findall(r'"(TARTIP_[A-Z_]+)"', (ROOT / "protos" / "client" / "tartip_client" / "deployment.py").read_text()))
    read |= {f"TARTIP_{part.upper()}" for part in deployment.PARTS} | {f"TARTIP_{name}_FILE" for name in ("CA", "CERTIFICATE", "KEY")}
    assert {name for row in rows(PAGE) for name in re.findall(r"`(TARTIP_[A-Z_]+)`", row[0])} == read


def test_the_limits_are_those_of_the_platform_and_the_client() -> None:
    told = [[float(cell.replace(",", "")) for cell in row[1:]] for row in rows(PAGE) if len(row) == 3 and row[1][:1].isdigit()]
    limits, gateway = Limits.model_fields, GatewaySettings.model_fields
    assert told == [
        [limits[f"{whose}_calls_per_second"].default, limits[f"{whose}_calls_at_once"].default] for whose in ("subject", "client")
    ] + [
        [gateway[f"gateway_{whose}_records_per_second"].default, gateway[f"gateway_{whose}_records_at_once"].default]
        for whose in ("device", "client")
    ]
    assert limits["max_message_bytes"].default == connection.MAX_MESSAGE_BYTES == 4 * 1024 * 1024
    assert limits["max_connection_age_seconds"].default == 1_800
    assert limits["min_ping_seconds"].default == 20 < connection.KEEPALIVE_S == 30
    assert limits["call_seconds"].default == policy.Policy().deadline_s == 30
    assert passages.PASSAGES_MOST == 1_000


def test_what_the_pages_import_is_there() -> None:
    shown = [text for page in (PAGE, README) for text in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    assert shown
    for text in shown:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module or "")
                assert [each.name for each in node.names if not hasattr(module, each.name)] == []
