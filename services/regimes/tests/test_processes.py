"""The processes as an operator starts them: a body and a servant on the topics become plans for every date of three months."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from chassis.brokers import Brokers
from chassis.clock import step
from chassis.migrations import migrate
from chassis.publisher import Publisher
from chassis.testing.answers import outcome
from chassis.testing.broker import Broker
from chassis.testing.client import channel
from chassis.testing.postgres import Postgres
from chassis.testing.processes import command, environment_of, received, running
from chassis.testing.tokens import Tokens
from chassis.testing.waiting import until
from google.protobuf.message import Message
from kernel.days import Month
from regimes.__main__ import main
from tartip.regimes.v1 import assignment_service_pb2_grpc as a_grpc
from tartip.regimes.v1 import events_pb2, plan_service_pb2
from tartip.regimes.v1 import labour_order_rules_service_pb2_grpc as r_grpc
from tartip.registry.v1 import events_pb2 as told
from tartip.registry.v1 import servant_service_pb2, state_body_service_pb2

from .serving import HR, REMOTE, day, new_assignment, new_rules

BODIES, SERVANTS, PLANS = "registry.bodies.v1", "registry.servants.v1", "regimes.plans.v1"
NOVEMBER, DECEMBER, JANUARY, FEBRUARY = Month(2026, 11), Month(2026, 12), Month(2027, 1), Month(2027, 2)
BODY = told.StateBodyChanged(body="KGD", revision=1, kind=state_body_service_pb2.STATE_BODY_KIND_CENTRAL, region="75", zone="Asia/Almaty")
SERVANT = told.ServantChanged(
    servant="serikova",
    revision=1,
    appointments=[
        told.DatedAppointment(
            appointment="1", since=day(date(2026, 11, 1)), body="KGD", kind=servant_service_pb2.APPOINTMENT_KIND_MAIN, keeps_time=True
        )
    ],
)
WAIT_S = 120.0

Key = tuple[str, int]


async def tell(kafka: str, messages: Mapping[str, tuple[str, Message]]) -> None:
    """The registry tells of something."""
    publisher = Publisher(Brokers(kafka))
    for topic, (key, message) in messages.items():
        await publisher.send(topic, key.encode(), message.SerializeToString(), {})
    await publisher.close()


async def plans(kafka: str, count: int) -> dict[Key, events_pb2.MonthPlanChanged]:
    """The plans that were told, `count` messages in all, by key and revision."""
    messages = await asyncio.to_thread(received, kafka, PLANS, lambda found: len(found) >= count)
    assert len(messages) == count
    events = {message.key().decode(): events_pb2.MonthPlanChanged.FromString(message.value()) for message in messages}
    assert set(events) == {f"{event.servant}/{event.year:04d}-{event.month:02d}" for event in events.values()}
    by_key = [(message.key().decode(), events_pb2.MonthPlanChanged.FromString(message.value())) for message in messages]
    return {(key, event.revision): event for key, event in by_key}


async def test_what_the_registry_tells_becomes_plans_for_every_date_of_three_months(
    postgres: Postgres, quiet_broker: Broker, tmp_path: Path
) -> None:
    kafka, clock, tokens = quiet_broker.bootstrap, tmp_path / "clock", Tokens(demo=True)
    quiet_broker.create([BODIES, SERVANTS, PLANS])
    step(clock, datetime(2026, 11, 22, 9, tzinfo=UTC))
    environment, urls = await environment_of("regimes", postgres, kafka)
    environment |= {"TARTIP_CLOCK": f"file:{clock}"}
    worker = environment | {"TARTIP_DATABASE_URL": urls.worker}
    await migrate(urls.migrator, "regimes.migrations")
    async with (
        tokens.serving() as issuer,
        running("regimes", {"serve": environment | {"TARTIP_ISSUER": issuer}, "consume": worker, "work": worker}, tmp_path) as addresses,
        channel(addresses["serve"], tokens.mint("hr", HR)) as opened,
    ):
        rules: Any = r_grpc.LabourOrderRulesServiceStub(opened)
        assignments: Any = a_grpc.AssignmentServiceStub(opened)
        await tell(kafka, {BODIES: ("KGD", BODY), SERVANTS: ("serikova", SERVANT)})

        async def known() -> bool:
            """Until the consumer has it, the call is to be repeated or the body is not found."""
            return await outcome(rules.CreateLabourOrderRules(new_rules(since=date(2026, 1, 1)))) == "OK"

        await until(known, WAIT_S)
        composed = await plans(kafka, 3)
        for month in (NOVEMBER, DECEMBER, JANUARY):
            plan = composed[f"serikova/{month}", 1]
            assert [(each.date.year, each.date.month, each.date.day) for each in plan.days] == [
                (each.year, each.month, each.day) for each in month.dates()
            ]

        step(clock, datetime(2026, 12, 5, 9, tzinfo=UTC))
        assert (f"serikova/{FEBRUARY}", 1) in await plans(kafka, 4)

        act = new_assignment(date(2026, 11, 2), date(2026, 11, 13), remote=REMOTE)
        await until(lambda: _succeeds(assignments.CreateAssignment(act)), WAIT_S)
        changed = (await plans(kafka, 5))[f"serikova/{NOVEMBER}", 2]
        assert {each.act for each in changed.days if each.kind == plan_service_pb2.PLAN_KIND_REMOTE} == {"№ 12-ж"}

        said = await command("regimes", worker, "republish", "--topic", PLANS)
        assert said == (0, f"4 states of {PLANS} will be published again\n")
        again = await plans(kafka, 9)
        assert len(again) == 5

        assert await command("regimes", worker, "rebuild", "people") == (0, "people: built anew from 2 messages\n")
        assert (
            await outcome(assignments.CreateAssignment(new_assignment(date(2026, 12, 7), date(2026, 12, 7), "a2", remote=REMOTE))) == "OK"
        )
        assert (f"serikova/{DECEMBER}", 2) in await plans(kafka, 10)

        await tell(kafka, {BODIES: ("KGD", told.StateBodyChanged(body="KGD", revision=2, zone="Nowhere"))})
        refused, why = await command("regimes", worker, "rebuild", "people")
        assert refused == 3
        assert re.search(f"{BODIES}/[0-9]/1/0", why)


async def _succeeds(call: Any) -> bool:
    return await outcome(call) == "OK"


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["serve"], "TARTIP_ISSUER"),
        (["consume"], "TARTIP_KAFKA"),
        (["work"], "TARTIP_KAFKA"),
        (["migrate"], "TARTIP_MIGRATOR_DATABASE_URL"),
        (["republish", "--topic", PLANS], "TARTIP_DATABASE_URL"),
        (["rebuild", "people"], "TARTIP_MIGRATOR_DATABASE_URL"),
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
    "arguments",
    [
        ["republish", "--topic", "registry.bodies.v1"],
        ["republish", "--topic", PLANS, "--since", "2026-01-12T09:00:00"],
        ["rebuild", "x"],
        [],
    ],
)
def test_what_is_not_ours_to_do_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
