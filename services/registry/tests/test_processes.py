"""The processes as an operator starts them: migrate, serve, work, republish."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from chassis.client import channel
from chassis.testing.broker import Broker
from chassis.testing.postgres import Postgres
from chassis.testing.processes import command, environment_of, received, running
from chassis.testing.tokens import Tokens
from registry.__main__ import main
from tartip.registry.v1 import events_pb2, state_body_service_pb2_grpc

from .serving import OPERATOR, new_body


async def test_a_recorded_body_reaches_kafka_and_may_be_sent_again(postgres: Postgres, quiet_broker: Broker, tmp_path: Path) -> None:
    tokens, kafka = Tokens(demo=True), quiet_broker.bootstrap
    quiet_broker.create(["registry.bodies.v1", "registry.servants.v1"])
    environment, urls = await environment_of("registry", postgres, kafka)
    assert await command("registry", environment, "migrate") == (0, "")
    assert await command("registry", environment, "migrate") == (0, "")
    async with (
        tokens.serving() as issuer,
        running(
            "registry",
            {"serve": environment | {"TARTIP_ISSUER": issuer}, "work": environment | {"TARTIP_DATABASE_URL": urls.worker}},
            tmp_path,
        ) as addresses,
        channel(addresses["serve"], tokens.mint("operator", OPERATOR)) as opened,
    ):
        stub: Any = state_body_service_pb2_grpc.StateBodyServiceStub(opened)
        await stub.CreateStateBody(new_body("PROC"))
        (first,) = await asyncio.to_thread(received, kafka, "registry.bodies.v1", lambda found: len(found) == 1)
        assert first.key() == b"PROC"
        event = events_pb2.StateBodyChanged.FromString(first.value())
        assert (event.body, event.revision) == ("PROC", 1)
        assert dict(first.headers())["schema"] == b"tartip.registry.v1.StateBodyChanged"
        said = await command("registry", environment | {"TARTIP_DATABASE_URL": urls.worker}, "republish", "--topic", "registry.bodies.v1")
        assert said == (0, "1 states of registry.bodies.v1 will be published again\n")
        again = await asyncio.to_thread(received, kafka, "registry.bodies.v1", lambda found: len(found) == 2)
        assert [message.value() for message in again] == [first.value()] * 2


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["serve"], "TARTIP_ISSUER"),
        (["work"], "TARTIP_KAFKA"),
        (["migrate"], "TARTIP_MIGRATOR_DATABASE_URL"),
        (["republish", "--topic", "registry.bodies.v1"], "TARTIP_DATABASE_URL"),
    ],
)
def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], missing: str
) -> None:
    for name in ("DATABASE_URL", "MIGRATOR_DATABASE_URL", "KAFKA", "ISSUER", "LISTEN", "ADMIN_LISTEN", "PAGE_KEY"):
        monkeypatch.setenv(f"TARTIP_{name}", "given")
    monkeypatch.delenv(missing)
    assert main(arguments) == 2
    assert f"{missing}: is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--topic", "regimes.plans.v1"], ["--topic", "registry.bodies.v1", "--since", "2026-01-12T09:00:00"], []]
)
def test_a_topic_of_others_or_an_instant_without_offset_is_not_republished(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["republish", *arguments])
    assert ended.value.code == 2
