"""Asking the running platform anything, and reading its answers."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import lawbook
import pytest
from chassis.access import Control
from chassis.auth import TokenVerifier
from chassis.errors import status_of
from chassis.messages import Messages
from chassis.server import Server, current_caller
from chassis.testing.servers import Loopback
from kernel.faults import NotFound, RuleBroken
from kernel.text import LocalizedText
from localstack.endpoints import Endpoints, NotRunning
from localstack.folder import PROCESSES
from localstack.methods import UnknownMethod, UnreadableJson, all_methods, method_named
from tartip.registry.v1 import error_reason_pb2
from tartip.registry.v1 import servant_service_pb2 as servants
from tartip.registry.v1 import servant_service_pb2_grpc as servants_grpc
from tartip.registry.v1 import state_body_service_pb2 as bodies
from tartip.registry.v1 import state_body_service_pb2_grpc as bodies_grpc


class Bodies(bodies_grpc.StateBodyServiceServicer):
    """Answers by name."""

    async def GetStateBody(self, request: Any, context: Any) -> bodies.StateBody:
        """Says the name back, or refuses."""
        if request.name == "stateBodies/none":
            raise NotFound(request.name)
        if request.name == "stateBodies/long":
            raise RuleBroken("SPAN_REVERSED", "o120-p18", date(2026, 1, 1), since=date(2026, 2, 1), until=date(2026, 1, 1))
        answer = bodies.StateBody(name=request.name, region=current_caller().subject and "75")
        answer.title.kk = "Комитет әкімдігі"
        return answer


class Servants(servants_grpc.ServantServiceServicer):
    """Answers rows."""

    async def ImportServants(self, request_iterator: Any, context: Any) -> servants.ImportServantsResponse:
        """Refuses each second row."""
        answer = servants.ImportServantsResponse()
        async for request in request_iterator:
            row = answer.rows.add(row=request.row)
            if request.row % 2 == 0:
                row.refusal.CopyFrom(status_of(NotFound("positions/x")))
        return answer


class Nobody:
    """Nobody controls anybody's working time."""

    async def control(self, servant: str) -> Control:
        """Nobody's."""
        return Control()


@pytest.fixture
async def platform(issuer: str, run_folder: Path) -> AsyncIterator[Path]:
    """A registry that answers, found through endpoints.json."""
    names = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
    texts = {name.removeprefix("ERROR_REASON_"): LocalizedText(name, name, name) for name in names}
    messages = Messages(texts | dict(Messages.load("chassis").texts))
    unary: Any = Bodies
    streaming: Any = Servants
    services: list[Any] = [
        (bodies_grpc.add_StateBodyServiceServicer_to_server, unary(), bodies.DESCRIPTOR.services_by_name["StateBodyService"]),
        (servants_grpc.add_ServantServiceServicer_to_server, streaming(), servants.DESCRIPTOR.services_by_name["ServantService"]),
    ]
    async with TokenVerifier(issuer, "tartip", allow_demo_issuer=True).running() as verifier:
        server = Server(Loopback(), services, verifier, messages, lawbook.load(), relationships=Nobody())
        async with server.running():
            found = {"issuer": issuer, "registry": f"127.0.0.1:{server.port}"}
            (run_folder / "endpoints.json").write_text(json.dumps(found))
            yield run_folder


async def _ask(*words: str, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "localstack", "ask", *words,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | environment,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_an_answer_is_json_with_letters_as_they_are(platform: Path) -> None:
    code, out, err = await _ask(METHOD="tartip.registry.v1.StateBodyService/GetStateBody", JSON='{"name": "stateBodies/KGD"}')
    assert code == 0
    assert json.loads(out) == {"name": "stateBodies/KGD", "title": {"kk": "Комитет әкімдігі"}, "region": "75"}
    assert "Комитет әкімдігі" in out
    words = shlex.split(err.strip())
    assert words[0] == "grpcurl"
    assert words[-1] == "tartip.registry.v1.StateBodyService/GetStateBody"
    assert json.loads(words[words.index("-d") + 1]) == {"name": "stateBodies/KGD"}


async def test_a_client_stream_takes_a_list_and_shows_refused_rows(platform: Path) -> None:
    code, out, _ = await _ask("ImportServants", '[{"row": 1}, {"row": 2}]', "--in", "ru")
    assert code == 0
    rows = json.loads(out)["rows"]
    assert [row["row"] for row in rows] == ["1", "2"]
    assert "не найдено" in json.dumps(rows[1]["refusal"], ensure_ascii=False)


async def test_a_refusal_is_readable_with_its_reason_and_facts(platform: Path) -> None:
    code, out, err = await _ask("GetStateBody", '{"name": "stateBodies/none"}', "--in", "ru")
    assert (code, out) == (1, "")
    assert "NOT_FOUND: stateBodies/none: не найдено" in err
    assert "NOT_FOUND (registry.tartip): resource=stateBodies/none" in err


async def test_a_refusal_by_law_shows_the_article(platform: Path) -> None:
    rule = lawbook.load().rule("o120-p18", date(2026, 1, 1))
    _, _, err = await _ask("GetStateBody", '{"name": "stateBodies/long"}', "--in", "ru")
    assert rule.citation.ru in err
    assert rule.title.ru in err
    assert f"o120-p18, since {rule.since}" in err


async def test_one_who_may_not_is_told_so(platform: Path) -> None:
    code, _, err = await _ask("GetStateBody", "{}", "--as", "device-gateway", "--in", "en")
    assert code == 1
    assert "PERMISSION_DENIED: You have no authority for this" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("GetStateBdy",), "tartip.registry.v1.StateBodyService/GetStateBody"),
        (("GetStateBody", "{"), "cannot be read"),
        (("GetStateBody", '{"nam": 1}'), 'no field named "nam"'),
        (("GetStateBody", "[]"), "GetStateBodyRequest"),
        (("GetStateBody", "{}", "--as", "bolat"), "The realm knows no bolat"),
        (("GetStateBody", "{}", "--as", "hr-oficer"), "It knows hr-officer"),
        (("ListFindings", '{"kinds": ["FINDING_KIND_TARDY"]}'), "It has FINDING_KIND_LATE, FINDING_KIND_EARLY_LEAVE, "),
        (("GetWorkday", "{}"), "has no timetracking"),
    ],
)
async def test_a_question_that_cannot_be_asked_says_why(platform: Path, words: tuple[str, ...], said: str) -> None:
    code, out, err = await _ask(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


async def test_a_language_that_is_not_spoken_is_named(run_folder: Path) -> None:
    code, out, err = await _ask("GetStateBody", "{}", IN="de")
    assert (code, out) == (2, "")
    assert "IN=de: answers are in kk, ru, en." in err


async def test_without_a_method_all_are_listed(run_folder: Path) -> None:
    code, out, _ = await _ask()
    assert code == 0
    assert len(out.splitlines()) == len(all_methods()) + 1


async def test_without_a_running_platform_it_says_what_to_do(run_folder: Path) -> None:
    code, _, err = await _ask("GetStateBody", "{}")
    assert code == 2
    assert "make run" in err
    assert "make demo KEEP=1" in err


async def test_an_issuer_that_is_gone_is_named(run_folder: Path) -> None:
    (run_folder / "endpoints.json").write_text('{"issuer": "http://127.0.0.1:1/realms/tartip", "registry": "127.0.0.1:1"}')
    (run_folder / "secrets.json").write_text('{"TARTIP_DEMO_PASSWORD": "x"}')
    code, _, err = await _ask("GetStateBody", "{}")
    assert code == 2
    assert "does not answer" in err


def test_who_asks_while_the_platform_starts_is_told_so(run_folder: Path) -> None:
    with pytest.raises(NotRunning, match="start the platform with"):
        Endpoints.read()
    (run_folder / PROCESSES).write_text("[]")
    with pytest.raises(NotRunning, match="is still starting"):
        Endpoints.read()


def test_passages_go_to_the_gateway_and_the_rest_to_its_service() -> None:
    found = Endpoints({"timetracking": "a:1", "gateway": {"http": "b:2", "grpc": "c:3"}})
    assert found.grpc("tartip.timetracking.v1", "tartip.timetracking.v1.PassageService") == "c:3"
    assert found.grpc("tartip.timetracking.v1", "tartip.timetracking.v1.WorkdayService") == "a:1"
    with pytest.raises(NotRunning, match="registry"):
        found.grpc("tartip.registry.v1", "tartip.registry.v1.ServantService")


def test_a_method_is_found_by_its_end_where_that_is_clear() -> None:
    assert method_named("GetWorkday").path == "/tartip.timetracking.v1.WorkdayService/GetWorkday"
    assert method_named("/tartip.registry.v1.ServantService/GetServant").package == "tartip.registry.v1"


def test_what_every_service_answers_is_asked_of_the_one_that_is_named() -> None:
    found = Endpoints({"registry": "a:1", "regimes": "b:2"})
    for name in ("ListAuditRecords", "AuditService/ListAuditRecords", "tartip.audit.v1.AuditService/ListAuditRecords"):
        method = method_named(f"regimes/{name}")
        assert (method.path, found.grpc(method.package, method.service)) == ("/tartip.audit.v1.AuditService/ListAuditRecords", "b:2")
        nobody = method_named(name)
        with pytest.raises(NotRunning, match="METHOD=registry/ListAuditRecords"):
            found.grpc(nobody.package, nobody.service)
    with pytest.raises(UnknownMethod):
        method_named("registry/GetWorkday")


def test_an_rpc_is_not_found_by_a_part_of_its_name() -> None:
    with pytest.raises(UnknownMethod):
        method_named("Get")


def test_a_number_where_a_text_belongs_is_unreadable() -> None:
    with pytest.raises(UnreadableJson, match="name"):
        method_named("GetWorkday").request({"name": 7})
