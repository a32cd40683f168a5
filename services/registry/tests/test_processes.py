"""The processes as an operator starts them: migrate, serve, work, republish, reencrypt."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from chassis.testing.answers import outcome
from chassis.testing.broker import Broker
from chassis.testing.client import channel
from chassis.testing.postgres import Postgres
from chassis.testing.processes import command, environment_of, received, running
from chassis.testing.tokens import Tokens
from registry.__main__ import main
from tartip.audit.v1.events_pb2 import AuditCheckpointTaken
from tartip.registry.v1 import events_pb2, state_body_service_pb2_grpc

from .samples import key
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


async def test_the_audit_is_sealed_told_outside_and_verified_at_the_command_line(
    postgres: Postgres, quiet_broker: Broker, tmp_path: Path
) -> None:
    tokens, kafka, topic = Tokens(demo=True), quiet_broker.bootstrap, "registry.audit-checkpoints.v1"
    quiet_broker.create(["registry.bodies.v1", "registry.servants.v1", topic])
    environment, urls = await environment_of("registry", postgres, kafka)
    worker = environment | {"TARTIP_DATABASE_URL": urls.worker}
    assert await command("registry", environment, "migrate") == (0, "")
    code, said = await command("registry", worker, "audit", "verify")
    assert (code, said.splitlines()[-1].split(":")[0]) == (0, "There is no checkpoint that agrees")
    async with (
        tokens.serving() as issuer,
        running("registry", {"serve": environment | {"TARTIP_ISSUER": issuer}, "work": worker}, tmp_path) as addresses,
        channel(addresses["serve"], tokens.mint("operator", OPERATOR)) as opened,
        channel(addresses["serve"], tokens.mint("nobody")) as strange,
    ):
        for asked, refused in ((opened, False), (strange, True)):
            stub: Any = state_body_service_pb2_grpc.StateBodyServiceStub(asked)
            assert (await outcome(stub.CreateStateBody(new_body("PROC")))) == ("FORBIDDEN" if refused else "OK")
        (told,) = await asyncio.to_thread(received, kafka, topic, lambda found: len(found) == 1)
    # Both have ended, and with that what was refused is written down.
    rows = await asyncpg.connect(urls.migrator)
    try:
        records = [(each["action"], each["outcome"]) for each in await rows.fetch("SELECT * FROM audit_records ORDER BY id")]
        assert records == [("state-body.create", "done"), ("call.refuse", "FORBIDDEN")]
        checkpoint = AuditCheckpointTaken.FromString(told.value())
        assert (told.key(), checkpoint.service) == (b"registry", "registry")
        kept = f"registry:{checkpoint.place}:{checkpoint.hash.hex()}"
        code, said = await command("registry", worker, "audit", "verify")
        assert (code, "Checkpoints compared with: 1." in said, f"at place {checkpoint.place} " in said) == (0, True, True)
        assert await command("registry", worker, "audit", "verify", "--checkpoint", kept) == (0, said)
        code, other = await command("registry", worker, "audit", "verify", "--checkpoint", kept[:-4] + "0000")
        assert (code, "written anew" in other) == (1, True)
        await rows.execute("UPDATE audit_records SET outcome = 'FORBIDDEN' WHERE action = 'state-body.create'")
        code, said = await command("registry", worker, "audit", "verify")
        record = await rows.fetchval("SELECT id FROM audit_records WHERE action = 'state-body.create'")
        assert (code, said.splitlines()[0].split(" is not ")[0]) == (1, f"Record {record}")
    finally:
        await rows.close()


async def test_protected_facts_are_encrypted_anew_at_the_command_line_where_there_is_a_key(postgres: Postgres) -> None:
    environment, urls = await environment_of("registry", postgres, "127.0.0.1:9")
    worker = environment | {"TARTIP_DATABASE_URL": urls.worker}
    assert await command("registry", environment, "migrate") == (0, "")
    told = await command("registry", worker | {"TARTIP_SENSITIVE_KEYS": key("spring")}, "reencrypt", "--by", "A. Serikova")
    assert told == (0, "0 protected facts under the key spring, which encrypts\n")
    code, said = await command("registry", worker, "reencrypt", "--by", "A. Serikova")
    assert (code, said.partition(":")[2].partition(":")[0]) == (3, " SENSITIVE_KEYS_ABSENT")
    code, said = await command("registry", worker | {"TARTIP_SENSITIVE_KEYS": "spring:short"}, "reencrypt", "--by", "A. Serikova")
    assert (code, said) == (2, "registry: TARTIP_SENSITIVE_KEYS: key 1 is not 32 bytes in base64\n")


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["serve"], "TARTIP_ISSUER"),
        (["work"], "TARTIP_KAFKA"),
        (["migrate"], "TARTIP_MIGRATOR_DATABASE_URL"),
        (["republish", "--topic", "registry.bodies.v1"], "TARTIP_DATABASE_URL"),
        (["audit", "verify"], "TARTIP_DATABASE_URL"),
        (["reencrypt"], "TARTIP_DATABASE_URL"),
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
